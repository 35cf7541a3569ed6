import Logging
import NIOCore
import NIOPosix

/// One connection to a Redis server. Any number of tasks may use it at once; their commands are pipelined and answered in order.
///
/// Every command has a deadline on our side. Any error of the socket or of the protocol fails everything that waits with a
/// `RedisClientError` and closes the connection for good: whoever wants a lasting one takes `RedisClient`. Blocking commands (BLMOVE,
/// BRPOP) and WATCH need a connection of their own, since they hold up or change what others see.
public final class RedisConnection: Sendable {
    /// The event loop that serves the socket.
    public let eventLoop: any EventLoop
    /// The server's number for this connection (CLIENT ID), or nil if the server won't tell.
    public let clientID: Int?
    /// What the connection was made with.
    public let configuration: RedisConfiguration
    let transport: RedisTransport

    init(transport: RedisTransport, clientID: Int?, configuration: RedisConfiguration) {
        self.transport = transport
        self.eventLoop = transport.eventLoop
        self.clientID = clientID
        self.configuration = configuration
    }

    /// Why the connection is closed, or nil while it is open.
    public var closeReason: RedisClientError? { transport.queue.closed }

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
        try await transport.run(commands, timeout: timeout ?? configuration.commandTimeout)
    }

    /// Sends one command that is short and answered by a number, such as LPUSH, and waits a moment for that number on the calling thread: for
    /// callers that await one command after the other, which costs two changes of threads each otherwise.
    ///
    /// It takes the calling thread for at most a tenth of a millisecond, and only while nothing else is under way on this connection. What is not
    /// answered by then, or is not as said, goes its ordinary way; after several late answers in a row the next calls only write. The first call makes the connection ready for it; over TLS it is as `send`.
    /// - Returns: The reply. What the server refused is an `.error`.
    /// - Throws: `RedisClientError` if no reply came, `CancellationError`.
    @discardableResult
    public func sendPromptly(_ command: RedisCommand, timeout: Duration? = nil) async throws -> RESPValue {
        let timeout = timeout ?? configuration.commandTimeout
        guard configuration.tls == nil else { return try await transport.run([command], timeout: timeout)[0] }
        if transport.queue.shallOpenLine() { transport.onHandler { $0.openLine() } }
        return try await transport.runPromptly(command, timeout: timeout)
    }

    /// Sends commands between MULTI and EXEC: all of them run, and nobody's commands between them.
    ///
    /// A command that fails while it runs doesn't undo the others (Redis has no rollback): its reply is an `.error`.
    /// - Returns: One reply per command.
    /// - Throws: `RedisServerError` if a command was refused before anything ran; `RedisClientError` with code `transactionAborted`
    ///   if a watched key had changed, other codes if no reply came; `CancellationError`.
    public func transaction(_ commands: [RedisCommand], timeout: Duration? = nil) async throws -> [RESPValue] {
        let whole = [RedisCommand("MULTI")] + commands + [RedisCommand("EXEC")]
        let replies = try await transport.run(whole, timeout: timeout ?? configuration.commandTimeout, scriptsBySource: true)
        for reply in replies.dropLast() { try reply.checked() }
        guard let results = replies.last, results != .null else {
            throw RedisClientError(.transactionAborted, "EXEC ran nothing because a watched key had changed")
        }
        return try results.asArray()
    }

    /// Sends commands for code that runs on an event loop and can't await, such as a lease's renewal.
    /// - Returns: The replies as `pipeline` returns them, on this connection's event loop.
    public func submit(_ commands: [RedisCommand], timeout: Duration? = nil) -> EventLoopFuture<[RESPValue]> {
        transport.submit(commands, timeout: timeout ?? configuration.commandTimeout)
    }

    /// Calls `listener` once, on the event loop, with the reason when the connection closes; at once if it is closed already.
    public func onClose(_ listener: @escaping @Sendable (RedisClientError) -> Void) {
        transport.onHandler { $0.onClose(listener) }
    }

    /// Closes the connection; what still waits fails with code `shutdown`. Returns when the socket is closed.
    public func close() async {
        transport.close()
        try? await transport.channel.closeFuture.get()
    }

    /// Starts to close the connection; `onClose` tells when it is done.
    public func closeNow() { transport.close() }
}
