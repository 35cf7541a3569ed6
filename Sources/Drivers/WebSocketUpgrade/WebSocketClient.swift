public import Logging
public import NIOCore
import NIOPosix

/// Opens WebSockets to one address.
///
/// ```swift
/// let client = try WebSocketClient("ws://127.0.0.1:8000/ws", headers: [("Authorization", "Bearer \(token)")])
/// await client.run { session in
///     for try await message in session.messages { … }
/// }
/// ```
public struct WebSocketClient: Sendable {
    private let address: WebSocketAddress
    private let headers: [(name: String, value: String)]
    private let configuration: WebSocketConfiguration
    private let group: any EventLoopGroup
    private let logger: Logger

    /// Makes a client; nothing is connected yet.
    ///
    /// - Parameter headers: sent with the handshake; their values are never logged.
    /// - Throws: ``WebSocketError`` `invalidAddress` for an address or a header that cannot be sent.
    public init(
        _ address: String, headers: [(name: String, value: String)] = [], configuration: WebSocketConfiguration = WebSocketConfiguration(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger = Logger(label: "websocket.client")
    ) throws(WebSocketError) {
        self.address = try WebSocketAddress(address)
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy(HandshakeHead.isTokenByte), value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
                throw WebSocketError(.invalidAddress, "the header \(name.debugDescription) has a name or a value that HTTP does not allow")
            }
        }
        self.headers = headers
        self.configuration = configuration
        self.group = group
        self.logger = logger
    }

    /// Connects, gives the session to `body` and closes when it returns or throws.
    ///
    /// - Throws: ``WebSocketError`` `unreachable`, `timedOut`, `refused` (with the status) or `handshakeFailed` when there is no
    ///   session; what `body` throws; `CancellationError`.
    public func connect<Value: Sendable>(_ body: (WebSocketSession) async throws -> Value) async throws -> Value {
        let upgraded = try await open()
        return try await WebSocketSession.run(upgraded, body)
    }

    private func open() async throws -> UpgradedChannel {
        let (address, headers, configuration) = (address, headers, configuration)
        let connection: (channel: any Channel, outcome: EventLoopFuture<UpgradedChannel>)
        do {
            connection = try await ClientBootstrap(group: group)
                .channelOption(.socketOption(.so_reuseaddr), value: 1)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connectTimeout(TimeAmount(configuration.handshakeTimeout))
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let promise = channel.eventLoop.makePromise(of: UpgradedChannel.self)
                        let handler = ClientHandshakeHandler(address: address, headers: headers, configuration: configuration, outcome: promise)
                        try channel.pipeline.syncOperations.addHandler(handler)
                        return (channel, promise.futureResult)
                    }
                }
        } catch let error as ChannelError {
            if case .connectTimeout = error { throw WebSocketError(.timedOut, "\(address) could not be reached in time") }
            throw WebSocketError(.unreachable, "\(address) could not be reached: \(error)")
        } catch {
            throw WebSocketError(.unreachable, "\(address) could not be reached: \(error)")
        }
        return try await withTaskCancellationHandler {
            try await connection.outcome.get()
        } onCancel: {
            connection.channel.close(promise: nil)
        }
    }

    /// Keeps a session open until the task is cancelled: each time a session ends or cannot be opened, it waits and tries again.
    ///
    /// `body` is called once per session. What it throws is logged and leads to a new session, as its return does.
    public func run(
        backoff: WebSocketBackoff = WebSocketBackoff(), clock: any Clock<Duration> = ContinuousClock(),
        _ body: @escaping @Sendable (WebSocketSession) async throws -> Void
    ) async {
        var failures = 0
        while !Task.isCancelled {
            let start = clock.reading()
            var reason = "the session ended"
            do {
                try await connect { session in
                    logger.info("WebSocket open", metadata: ["address": "\(address)"])
                    try await body(session)
                    if let close = session.close { logger.debug("WebSocket closed", metadata: ["close": "\(close)"]) }
                }
            } catch {
                reason = "\(error)"
            }
            guard !Task.isCancelled else { return }
            failures = start() >= backoff.stableAfter ? 0 : failures + 1
            let delay = backoff.delay(afterFailures: failures)
            logger.log(
                level: failures > 1 ? .warning : .info, "WebSocket lost; connecting again",
                metadata: [
                    "address": "\(address)", "reason": "\(reason)", "in": "\(delay)",
                ])
            try? await clock.sleep(for: delay)
        }
    }
}

extension Clock<Duration> {
    /// A stop watch: answers the time since this call.
    fileprivate func reading() -> () -> Duration {
        let start = now
        return { start.duration(to: self.now) }
    }
}

/// How long to wait before connecting again.
public struct WebSocketBackoff: Sendable, Hashable {
    /// The wait after the first failure. Default: 250 milliseconds.
    public var base: Duration
    /// The longest wait. Default: 15 seconds.
    public var maximum: Duration
    /// A session that lasted so long starts the waits anew. Default: 10 seconds.
    public var stableAfter: Duration

    /// Makes a back-off; the defaults are given at the properties.
    public init(base: Duration = .milliseconds(250), maximum: Duration = .seconds(15), stableAfter: Duration = .seconds(10)) {
        self.base = base
        self.maximum = maximum
        self.stableAfter = stableAfter
    }

    /// Doubles with each failure up to the maximum; a random half of it is taken off, so that many clients do not come at once.
    public func delay(afterFailures failures: Int) -> Duration {
        var random = SystemRandomNumberGenerator()
        return delay(afterFailures: failures, using: &random)
    }

    func delay(afterFailures failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let doubled = base * (1 << min(max(failures - 1, 0), 20))
        return min(doubled, maximum) * Double.random(in: 0.5...1, using: &random)
    }
}
