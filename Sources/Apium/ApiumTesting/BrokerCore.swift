import ApiumCore
import Synchronization

/// The lock around a broker's state, and whoever waits for it to change.
final class BrokerCore: Sendable {
    let clock: any BrokerClock
    private let guarded = Mutex(Guarded())

    private struct Guarded {
        var state = BrokerState()
        var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
        var nextWaiter = 0
        var events: [String: AsyncStream<SessionEvent>.Continuation] = [:]
        var scheduleWatchers: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    init(clock: any BrokerClock) { self.clock = clock }

    /// Reads the state at the clock's time.
    func read<T: Sendable>(_ body: (BrokerState, Timestamp) throws -> T) rethrows -> T {
        let now = clock.timestamp
        return try guarded.withLock { try body($0.state, now) }
    }

    /// Changes the state at the clock's time, in one step; then whoever waits looks again.
    @discardableResult
    func change<T: Sendable>(_ body: (inout BrokerState, Timestamp) throws -> T) rethrows -> T {
        let now = clock.timestamp
        let (result, waiters) = try guarded.withLock { guarded in
            let result = try body(&guarded.state, now)
            let waiters = Array(guarded.waiters.values)
            guarded.waiters = [:]
            return (result, waiters)
        }
        for waiter in waiters { waiter.resume() }
        return result
    }

    /// Tries `body` until it gives something, again after each change. Throws `CancellationError` when the calling task is
    /// cancelled; it then has taken nothing.
    func waitUntil<T: Sendable>(_ body: (inout BrokerState, Timestamp) throws -> T?) async throws -> T {
        while true {
            try Task.checkCancellation()
            let id = guarded.withLock { guarded in
                guarded.nextWaiter += 1
                return guarded.nextWaiter
            }
            let now = clock.timestamp
            var found: T?
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let outcome = Result {
                        try guarded.withLock { guarded -> T? in
                            try Task.checkCancellation()
                            let result = try body(&guarded.state, now)
                            // In the same step, so that no change comes between the look and the wait.
                            if result == nil { guarded.waiters[id] = continuation }
                            return result
                        }
                    }
                    switch outcome {
                    case .success(nil): break
                    case .success(let result):
                        found = result
                        continuation.resume()
                    case .failure(let error): continuation.resume(throwing: error)
                    }
                }
            } onCancel: {
                guarded.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
            }
            if let found { return found }
        }
    }

    /// The events of a session; a later call takes the place of an earlier one.
    func events(of incarnation: String) -> AsyncStream<SessionEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: SessionEvent.self)
        guarded.withLock { $0.events.updateValue(continuation, forKey: incarnation) }?.finish()
        return stream
    }

    /// Tells a session something.
    func announce(_ event: SessionEvent, to incarnation: String) { _ = guarded.withLock { $0.events[incarnation] }?.yield(event) }

    /// Tells every session that operators' wishes have changed.
    func announceControl() {
        let (listeners, epoch) = guarded.withLock { (Array($0.events.values), $0.state.epoch) }
        for listener in listeners { listener.yield(.controlChanged(epoch: epoch)) }
    }

    /// Ends a session's events.
    func finishEvents(of incarnation: String) { guarded.withLock { $0.events.removeValue(forKey: incarnation) }?.finish() }

    /// Tells the other result backend, if there is one, of lost jobs; a join that was claimed by one of their parts goes to whoever claims next.
    func tell(_ losses: [BrokerState.Loss], to otherResults: (any ResultBackend)?) async throws {
        guard let otherResults else { return }
        for loss in losses {
            for document in loss.told.results { try await otherResults.store(document) }
            let claims = try await otherResults.bring(loss.told.parts)
            change { state, _ in state.resumeJoins(claims, at: loss.place) }
        }
    }

    /// Hears of changes of the schedule from now on.
    func scheduleChanges() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = guarded.withLock { guarded in
            guarded.nextWaiter += 1
            guarded.scheduleWatchers[guarded.nextWaiter] = continuation
            return guarded.nextWaiter
        }
        continuation.onTermination = { [weak self] _ in self?.guarded.withLock { $0.scheduleWatchers[id] = nil } }
        return stream
    }

    /// Tells them.
    func announceSchedule() {
        for watcher in guarded.withLock({ Array($0.scheduleWatchers.values) }) { watcher.yield() }
    }
}
