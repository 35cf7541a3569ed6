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
    private let pings = Mutex<RepeatedTask?>(nil)

    /// Makes a subscriber; it connects with the first subscription.
    /// - Parameters:
    ///   - eventLoop: The event loop for the socket, on which listeners are called. Default: one that is shared by the process.
    ///   - backoff: The waits between attempts to connect.
    public init(
        _ configuration: RedisConfiguration, eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(),
        backoff: ReconnectBackoff = ReconnectBackoff(), logger: Logger
    ) {
        let hooks = RedisReconnector.Hooks(connected: { [hub] in hub.connected($0) }, failed: { [hub] in hub.failed($0) })
        reconnector = RedisReconnector(configuration: configuration, eventLoop: eventLoop, backoff: backoff, logger: logger, hooks: hooks)
        startPings()
    }

    /// Whether the connection is open now.
    public var isConnected: Bool { reconnector.current != nil }
    /// The server's number for the present connection.
    public var clientID: Int? { reconnector.current?.clientID }

    /// Subscribes, waits for the server's confirmation, and calls `handler` with each event, on the event loop: it must not block.
    ///
    /// - Parameter timeout: How long the confirmation may take; nil is the configuration's `commandTimeout`.
    /// - Throws: `RedisClientError` if the server could not be reached or did not confirm in time, `CancellationError`.
    public func subscribe(
        channels: [String] = [], patterns: [String] = [], timeout: Duration? = nil,
        _ handler: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws -> RedisSubscription {
        try Task.checkCancellation()
        let promise = reconnector.eventLoop.makePromise(of: Void.self)
        let id = hub.add(channels.map { .channel($0) } + patterns.map { .pattern($0) }, promise, handler)
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

    /// Subscribes, waits for the server's confirmation, and returns the events as a stream. Ending the iteration unsubscribes.
    ///
    /// - Parameter bufferLimit: How many events may wait for a slow reader; then the oldest are dropped, and `.gap` says so.
    /// - Throws: As `subscribe`.
    public func events(
        channels: [String] = [], patterns: [String] = [], bufferLimit: Int = 4096, timeout: Duration? = nil
    ) async throws -> AsyncStream<RedisSubscriptionEvent> {
        let buffer = SubscriptionBuffer(limit: bufferLimit)
        let subscription = try await subscribe(channels: channels, patterns: patterns, timeout: timeout) { buffer.append($0) }
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
        pings.withLock { $0.take() }?.cancel()
        await reconnector.shutdown()
        hub.failed(RedisReconnector.shutdownError)
    }

    /// A connection on which nothing is published looks like a dead one. A PING without an answer makes the handler close it.
    private func startPings() {
        let every = TimeAmount.seconds(15)
        let task = reconnector.eventLoop.scheduleRepeatedTask(initialDelay: every, delay: every) { [weak reconnector] _ in
            _ = reconnector?.current?.submit([RedisCommand("PING")])
        }
        pings.withLock { $0 = task }
    }

    deinit { pings.withLock { $0.take() }?.cancel() }
}
