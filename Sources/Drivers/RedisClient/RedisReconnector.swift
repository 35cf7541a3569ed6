import Logging
import NIOCore
import Synchronization

/// Keeps one connection open: connects when first asked, and again with back-off whenever it is lost, until shut down.
///
/// Callers that come while an attempt is under way wait for it. A caller between two attempts begins the next one, so that nobody is
/// refused for a wait when the server is back already; but not sooner than `ReconnectBackoff.onDemand` after the last one, nor after one
/// that took long to fail: then the caller gets a typed error at once, so that an outage costs nobody a timeout per call.
final class RedisReconnector: Sendable {
    private enum Phase {
        case idle
        case connecting([EventLoopPromise<RedisConnection>], onDemand: Bool = false)
        case connected(RedisConnection, since: NIODeadline)
        case backingOff(Scheduled<Void>, because: any Error, onDemand: NIODeadline?)
        case shutdown
    }

    private struct State {
        var phase = Phase.idle
        /// Attempts that failed in a row, but for those on demand; a connection that is lost soon after it was made counts as one.
        var failures = 0
        /// What was said last of why there is no connection; nil when there is one.
        var said: String?
        /// When the attempt began that is under way or was the last.
        var began = NIODeadline.uptimeNanoseconds(0)
    }

    /// What an owner does when the connection comes and goes. Called on the event loop.
    struct Hooks: Sendable {
        /// A connection is there; called before anybody gets it.
        var connected: @Sendable (RedisConnection) -> Void = { _ in }
        /// The connection, or an attempt to make one, failed.
        var failed: @Sendable (any Error) -> Void = { _ in }
    }

    let configuration: RedisConfiguration
    let eventLoop: any EventLoop
    private let backoff: ReconnectBackoff
    private let logger: Logger
    private let hooks: Hooks
    private let state = Mutex(State())

    init(configuration: RedisConfiguration, eventLoop: any EventLoop, backoff: ReconnectBackoff, logger: Logger, hooks: Hooks = Hooks()) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.backoff = backoff
        self.logger = logger
        self.hooks = hooks
    }

    /// The connection if it is there now; the fast path.
    var current: RedisConnection? {
        state.withLock { state in
            if case .connected(let connection, _) = state.phase, connection.closeReason == nil { connection } else { nil }
        }
    }

    /// The connection, when it is there.
    /// - Throws: In the future: `RedisClientError` with code `unavailable` or `shutdown`, or why the attempt failed.
    func connection() -> EventLoopFuture<RedisConnection> {
        state.withLock { state in
            switch state.phase {
            case .connected(let connection, _) where connection.closeReason == nil:
                return eventLoop.makeSucceededFuture(connection)
            case .connected:
                // It closed in this moment: `lost` runs in the same turn of the event loop, before this does.
                return eventLoop.flatSubmit { self.connection() }
            case .idle:
                return begin(&state, onDemand: false)
            case .connecting(let waiting, let onDemand):
                let promise = eventLoop.makePromise(of: RedisConnection.self)
                state.phase = .connecting(waiting + [promise], onDemand: onDemand)
                return promise.futureResult
            case .backingOff(let retry, _, let onDemand?) where onDemand <= .now():
                retry.cancel()
                return begin(&state, onDemand: true)
            case .backingOff(_, let reason, _):
                return eventLoop.makeFailedFuture(Self.unavailable(configuration, reason))
            case .shutdown:
                return eventLoop.makeFailedFuture(Self.shutdownError)
            }
        }
    }

    /// Begins an attempt for the caller.
    private func begin(_ state: inout State, onDemand: Bool) -> EventLoopFuture<RedisConnection> {
        let promise = eventLoop.makePromise(of: RedisConnection.self)
        state.phase = .connecting([promise], onDemand: onDemand)
        eventLoop.execute { self.attempt() }
        return promise.futureResult
    }

    private func attempt() {
        state.withLock { $0.began = .now() }
        RedisConnection.open(configuration, on: eventLoop, logger: logger).whenComplete { result in
            switch result {
            case .success(let connection): self.succeeded(connection)
            case .failure(let error): self.failed(error)
            }
        }
    }

    private func succeeded(_ connection: RedisConnection) {
        let attempt: (waiting: [EventLoopPromise<RedisConnection>], isBack: Bool)? = state.withLock { state in
            guard case .connecting(let waiting, _) = state.phase else { return nil }
            state.phase = .connected(connection, since: .now())
            return (waiting, state.said.take() != nil)
        }
        guard let (waiting, isBack) = attempt else { return connection.closeNow() }
        logger.log(level: isBack ? .notice : .debug, isBack ? "Connected to Redis again" : "Connected to Redis", metadata: ["address": "\(configuration)"])
        hooks.connected(connection)
        for promise in waiting { promise.succeed(connection) }
        connection.onClose { self.lost(connection, $0) }
    }

    /// An attempt failed: tell those who waited for it, and try again later. Attempts on demand don't lengthen the waits. The log gets each reason once.
    private func failed(_ error: any Error) {
        let reason = "\(error)"
        let attempt: (waiting: [EventLoopPromise<RedisConnection>], isNews: Bool)? = state.withLock { state in
            guard case .connecting(let waiting, let onDemand) = state.phase else { return nil }
            if !onDemand { state.failures += 1 }
            backOff(&state, error)
            let isNews = !onDemand && state.said != reason
            if isNews { state.said = reason }
            return (waiting, isNews)
        }
        guard let (waiting, isNews) = attempt else { return }
        logger.log(level: isNews ? .notice : .debug, "Can't connect to Redis; trying again", metadata: ["address": "\(configuration)", "error": "\(reason)"])
        hooks.failed(error)
        for promise in waiting { promise.fail(error) }
    }

    /// The connection is gone. The first new attempt starts at once, unless connections keep breaking as soon as they are made.
    private func lost(_ connection: RedisConnection, _ reason: RedisClientError) {
        let isOurs = state.withLock { state in
            guard case .connected(let current, let since) = state.phase, current === connection else { return false }
            state.failures = since + TimeAmount(backoff.longest) < .now() ? 0 : state.failures + 1
            state.began = .now()
            state.said = "\(reason)"
            if state.failures <= 1 {
                state.phase = .connecting([])
                eventLoop.execute { self.attempt() }
            } else {
                backOff(&state, reason)
            }
            return true
        }
        guard isOurs else { return }
        logger.notice("Lost the connection to Redis", metadata: ["address": "\(configuration)", "error": "\(reason)"])
        hooks.failed(reason)
    }

    private func backOff(_ state: inout State, _ reason: any Error) {
        let delay = backoff.delay(failures: state.failures)
        let retry = eventLoop.scheduleTask(in: delay) { self.retry() }
        // What failed in less did not run into the time limit: another attempt costs its caller no more.
        let now = NIODeadline.now()
        let wasRefused = now - state.began < TimeAmount(configuration.connectTimeout / 2)
        state.phase = .backingOff(retry, because: reason, onDemand: wasRefused ? now + TimeAmount(backoff.onDemand) : nil)
    }

    private func retry() {
        let due = state.withLock { state in
            guard case .backingOff = state.phase else { return false }
            state.phase = .connecting([])
            return true
        }
        if due { attempt() }
    }

    /// Ends it: closes the connection and fails all who wait.
    func shutdown() async {
        let old = state.withLock { state in
            defer { state.phase = .shutdown }
            return state.phase
        }
        switch old {
        case .connected(let connection, _): await connection.close()
        case .connecting(let waiting, _): for promise in waiting { promise.fail(Self.shutdownError) }
        case .backingOff(let retry, _, _): retry.cancel()
        case .idle, .shutdown: break
        }
    }

    static let shutdownError = RedisClientError(.shutdown, "the Redis client was shut down")

    private static func unavailable(_ configuration: RedisConfiguration, _ reason: any Error) -> RedisClientError {
        RedisClientError(.unavailable, "no connection to \(configuration.address) at the moment", underlying: reason)
    }
}
