import Logging
import NIOCore
import NIOPosix

/// A lasting, shared way to a Redis server: one pipelining connection that is made again whenever it breaks.
///
///     let redis = RedisClient(try RedisConfiguration(url: "redis://localhost/0"), logger: logger)
///     try await redis.send(RedisCommand("SET", "key", "value"))
///     await redis.shutdown()
///
/// While the server is away, commands fail at once with code `connectFailed` or `unavailable`; the first one after it is back finds it,
/// whatever is left of the wait between two attempts. A command that may have reached the server is never
/// repeated here: the error says so in `mayHaveBeenSent`, and the caller knows whether repeating is harmless. Blocking commands and
/// WATCH don't belong here (see `RedisConnection`), messages of channels come through `RedisSubscriber`.
public final class RedisClient: Sendable {
    private let reconnector: RedisReconnector

    /// Makes a client; it connects when it is first used.
    /// - Parameters:
    ///   - eventLoop: The event loop for the socket. Default: one that is shared by the process.
    ///   - backoff: The waits between attempts to connect.
    public init(
        _ configuration: RedisConfiguration, eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(),
        backoff: ReconnectBackoff = ReconnectBackoff(), logger: Logger
    ) {
        reconnector = RedisReconnector(configuration: configuration, eventLoop: eventLoop, backoff: backoff, logger: logger)
    }

    /// What the client was made with.
    public var configuration: RedisConfiguration { reconnector.configuration }
    /// The event loop that serves the socket.
    public var eventLoop: any EventLoop { reconnector.eventLoop }
    /// Whether a connection is open now.
    public var isConnected: Bool { reconnector.current != nil }

    /// The current connection, made if need be: for several calls that must go over the same one.
    /// - Throws: `RedisClientError` (`unavailable`, `connectFailed`, `authenticationFailed`, `shutdown` …).
    public func connection() async throws -> RedisConnection {
        if let current = reconnector.current { return current }
        return try await reconnector.connection().valueUnlessCancelled()
    }

    /// Sends one command.
    /// - Parameter timeout: How long to wait for the reply; nil is the configuration's `commandTimeout`.
    /// - Returns: The reply; never an error.
    /// - Throws: `RedisServerError` if the server refused, `RedisClientError` if no reply came, `CancellationError`.
    @discardableResult
    public func send(_ command: RedisCommand, timeout: Duration? = nil) async throws -> RESPValue {
        try await pipeline([command], timeout: timeout)[0].checked()
    }

    /// Sends commands in one go; others' commands may run between them.
    /// - Returns: One reply per command, in order. What the server refused is an `.error` in its place.
    /// - Throws: `RedisClientError` if not all replies came, `CancellationError`.
    public func pipeline(_ commands: [RedisCommand], timeout: Duration? = nil) async throws -> [RESPValue] {
        try await onConnection { try await $0.pipeline(commands, timeout: timeout) }
    }

    /// Sends one short command that is answered by a number; see `RedisConnection.sendPromptly`.
    @discardableResult
    public func sendPromptly(_ command: RedisCommand, timeout: Duration? = nil) async throws -> RESPValue {
        try await onConnection { [try await $0.sendPromptly(command, timeout: timeout)] }[0]
    }

    /// Sends commands between MULTI and EXEC; see `RedisConnection.transaction`.
    public func transaction(_ commands: [RedisCommand], timeout: Duration? = nil) async throws -> [RESPValue] {
        try await onConnection { try await $0.transaction(commands, timeout: timeout) }
    }

    /// Runs a script and returns its reply.
    /// - Throws: `RedisServerError` if the script failed, `RedisClientError` if no reply came, `CancellationError`.
    @discardableResult
    public func eval<each Argument: RedisArgument>(
        _ script: RedisScript, keys: [String], _ arguments: repeat each Argument, timeout: Duration? = nil
    ) async throws -> RESPValue {
        try await send(.eval(script, keys: keys, repeat each arguments), timeout: timeout)
    }

    /// Runs a script with a list of arguments and returns its reply.
    /// - Throws: `RedisServerError` if the script failed, `RedisClientError` if no reply came, `CancellationError`.
    @discardableResult
    public func eval<Argument: RedisArgument>(
        _ script: RedisScript, keys: [String], arguments: [Argument], timeout: Duration? = nil
    ) async throws -> RESPValue {
        try await send(.eval(script, keys: keys, arguments: arguments), timeout: timeout)
    }

    /// Sends commands for code that can't await; the future completes on `eventLoop`. Fails at once while there is no connection.
    public func submit(_ commands: [RedisCommand], timeout: Duration? = nil) -> EventLoopFuture<[RESPValue]> {
        if let current = reconnector.current { return current.submit(commands, timeout: timeout) }
        return reconnector.connection().flatMap { $0.submit(commands, timeout: timeout) }
    }

    /// Closes the connection and stops connecting. What waits, and every later call, fails with code `shutdown`.
    public func shutdown() async { await reconnector.shutdown() }

    /// Runs `body` with a connection; once more with a new one if the first had closed before anything was written.
    private func onConnection(_ body: (RedisConnection) async throws -> [RESPValue]) async throws -> [RESPValue] {
        let first = try await connection()
        do {
            return try await body(first)
        } catch let error as RedisClientError where error.code == .connectionClosed && !error.mayHaveBeenSent {
            return try await body(try await connection())
        }
    }
}
