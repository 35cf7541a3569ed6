import ApiumCore
import Synchronization

/// The clock a broker reads and its waits end by.
public protocol BrokerClock: Sendable {
    /// The instant now.
    var timestamp: Timestamp { get }

    /// Waits until this much time has passed; throws `CancellationError` when the calling task is cancelled.
    func pause(for duration: Duration) async throws
}

/// A clock that stands still until it is told to go on.
///
/// It is a Swift `Clock` too, so that whatever takes an injected clock runs by the same hand as the in-memory broker.
public final class ManualClock: Clock, BrokerClock {
    /// A point on the clock: the time since it was made.
    public struct Instant: InstantProtocol {
        /// The time since the clock was made.
        public var offset: Duration

        /// Makes an instant.
        public init(offset: Duration) { self.offset = offset }

        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct Sleeper {
        var deadline: Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Int: Sleeper] = [:]
        var nextID = 0
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let start: Timestamp
    private let state = Mutex(State())

    /// Makes a clock that shows `start`. Default: 2026-01-01T00:00:00Z.
    public init(start: Timestamp = Timestamp(microseconds: 1_767_225_600_000_000)) { self.start = start }

    /// The time the clock shows.
    public var now: Instant { state.withLock { $0.now } }

    /// The smallest step: a nanosecond.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// The time the clock shows, as a broker's.
    public var timestamp: Timestamp { start + now.offset }

    /// How many tasks wait for the clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Lets time pass; whoever waits for an instant up to the new one goes on, the earliest first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: max(duration, .zero))
            let now = state.now
            let due = state.sleepers.filter { $0.value.deadline <= now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits until at least `count` tasks wait for the clock, so that a test advances it when everybody is ready.
    public func waitForSleepers(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if ready { continuation.resume() }
        }
    }

    /// Waits until the clock has been advanced to the deadline; the tolerance is of no account.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { add(Sleeper(deadline: deadline, continuation: $0), id) }
        } onCancel: {
            // Cancelled before the sleeper was added: `add` sees it, because the flag is set before this runs.
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    public func pause(for duration: Duration) async throws { try await sleep(until: now.advanced(by: duration)) }

    private func add(_ sleeper: Sleeper, _ id: Int) {
        enum Decision { case cancelled, due, waits }
        let (decision, watchers) = state.withLock { state -> (Decision, [CheckedContinuation<Void, Never>]) in
            if Task.isCancelled { return (.cancelled, []) }
            if sleeper.deadline <= state.now { return (.due, []) }
            state.sleepers[id] = sleeper
            let count = state.sleepers.count
            let ready = state.watchers.filter { $0.count <= count }.map(\.continuation)
            state.watchers.removeAll { $0.count <= count }
            return (.waits, ready)
        }
        switch decision {
        case .cancelled: sleeper.continuation.resume(throwing: CancellationError())
        case .due: sleeper.continuation.resume()
        case .waits: break
        }
        for watcher in watchers { watcher.resume() }
    }
}

/// The machine's clock.
public struct SystemBrokerClock: BrokerClock {
    /// Makes the clock.
    public init() {}

    public var timestamp: Timestamp {
        let elapsed = ContinuousClock.now - SystemBrokerClock.origin.instant
        return SystemBrokerClock.origin.timestamp + elapsed
    }

    public func pause(for duration: Duration) async throws { try await Task.sleep(for: duration) }

    /// Read once, so that the clock never goes back.
    private static let origin = (instant: ContinuousClock.now, timestamp: Timestamp.systemNow)
}
