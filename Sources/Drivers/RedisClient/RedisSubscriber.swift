import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Listens to channels and patterns over one connection, for any number of listeners.
///
/// A subscription is confirmed by the server before the call returns, so nothing that is published afterwards is missed while the
/// connection lasts. When it breaks, everything is subscribed again and every listener hears `.gap`. The server is told to
/// unsubscribe when the last listener of a name goes.
public final class RedisSubscriber: Sendable {
    private let hub = SubscriptionHub()
    private let reconnector: RedisReconnector
    /// The next PING; nil when there is none to come.
    private let ping = Mutex<Scheduled<Void>?>(nil)
    private let pingDelay: @Sendable () -> Duration

    /// Makes a subscriber; it connects with the first subscription.
    /// - Parameters:
    ///   - eventLoop: The event loop for the socket, on which listeners are called. Default: one that is shared by the process.
    ///   - backoff: The waits between attempts to connect.
    ///   - pingDelay: How long to wait before the next PING, asked after each: for whoever has many of them at common instants. Default: 15 seconds.
    public init(
        _ configuration: RedisConfiguration, eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(),
        backoff: ReconnectBackoff = ReconnectBackoff(), logger: Logger, pingDelay: @escaping @Sendable () -> Duration = { .seconds(15) }
    ) {
        self.pingDelay = pingDelay
        let hooks = RedisReconnector.Hooks(connected: { [hub] in hub.connected($0) }, failed: { [hub] in hub.failed($0) })
        reconnector = RedisReconnector(configuration: configuration, eventLoop: eventLoop, backoff: backoff, logger: logger, hooks: hooks)
        ping.withLock { $0 = nextPing() }
    }

    /// Whether the connection is open now.
    public var isConnected: Bool { reconnector.current != nil }
    /// The server's number for the present connection.
    public var clientID: Int? { reconnector.current?.clientID }

    /// Subscribes, waits for the server's confirmation, and calls `handler` with each event, on the event loop: it must not block.
    ///
    /// - Parameter timeout: How long the confirmation may take; nil is the configuration's `commandTimeout`.
    /// - Throws: `RedisClientError` if the server could not be reached or did not confirm in time, `RedisServerError` if it refused (a user
    ///   without the right to a channel, say), `CancellationError`.
    public func subscribe(
        channels: [String] = [], patterns: [String] = [], timeout: Duration? = nil,
        _ handler: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws -> RedisSubscription {
        try await subscribe(channels, patterns, timeout, ended: {}, handler)
    }

    private func subscribe(
        _ channels: [String], _ patterns: [String], _ timeout: Duration?, ended: @escaping @Sendable () -> Void,
        _ handler: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws -> RedisSubscription {
        try Task.checkCancellation()
        let promise = reconnector.eventLoop.makePromise(of: Void.self)
        let id = hub.add(channels.map { .channel($0) } + patterns.map { .pattern($0) }, promise, ended: ended, handler)
        let limit = reconnector.eventLoop.scheduleTask(in: TimeAmount(timeout ?? reconnector.configuration.commandTimeout)) { [hub] in
            hub.remove(id, RedisClientError(.timedOut, "the server did not confirm a subscription in time"))
        }
        reconnector.connection().whenFailure { [hub] error in hub.failedToConnect(id, error) }
        defer { limit.cancel() }
        try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: { [hub] in
            hub.remove(id)
        }
        return RedisSubscription { [hub] in hub.remove(id) }
    }

    /// Subscribes, waits for the server's confirmation, and returns the events as a stream. Ending the iteration unsubscribes. The stream ends
    /// when the subscriber is shut down; what is buffered is still read.
    ///
    /// - Parameter bufferLimit: How many events may wait for a slow reader; then the oldest are dropped, and `.gap` says so.
    /// - Throws: As `subscribe`.
    public func events(
        channels: [String] = [], patterns: [String] = [], bufferLimit: Int = 4096, timeout: Duration? = nil
    ) async throws -> AsyncStream<RedisSubscriptionEvent> {
        let buffer = SubscriptionBuffer(limit: bufferLimit)
        let subscription = try await subscribe(channels, patterns, timeout, ended: { buffer.end() }) { buffer.append($0) }
        // The stream holds the subscription: it ends with the last reader.
        return AsyncStream {
            let event = await buffer.next()
            return withExtendedLifetime(subscription) { event }
        } onCancel: {
            subscription.cancel()
        }
    }

    /// Closes the connection and ends all subscriptions.
    public func shutdown() async {
        ping.withLock { $0.take() }?.cancel()
        await reconnector.shutdown()
        hub.ended(RedisReconnector.shutdownError)
    }

    /// A connection on which nothing is published looks like a dead one. A PING without an answer makes the handler close it.
    private func nextPing() -> Scheduled<Void> {
        reconnector.eventLoop.scheduleTask(in: TimeAmount(pingDelay())) { [weak self] in
            guard let self else { return }
            _ = reconnector.current?.submit([RedisCommand("PING")])
            ping.withLock { if $0 != nil { $0 = nextPing() } }
        }
    }

    deinit { ping.withLock { $0.take() }?.cancel() }
}
