import ApiumCore
import Synchronization

/// What a worker says about itself, for readiness probes and people.
public struct WorkerHealth: Sendable, Hashable {
    /// Whether it fetches (or has every slot busy) and renews its lease.
    public var isReady: Bool
    /// Jobs under way.
    public var running: Int
    /// Jobs that may run at once.
    public var concurrency: Int
    /// Why it is not ready; `nil` when it is.
    public var reason: String?
}

/// The state behind ``WorkerHealth``, kept by the worker's loops.
final class HealthBoard: Sendable {
    private struct State {
        var session: (any BrokerSession)?
        /// How many jobs run.
        var running: (@Sendable () -> Int)?
        var lastError: String?
    }

    private let state = Mutex(State())
    private let lease: Duration
    private let status: WorkerStatus
    private let leaks: LeakedSlots

    init(lease: Duration, _ status: WorkerStatus, _ leaks: LeakedSlots) {
        self.lease = lease
        self.status = status
        self.leaks = leaks
    }

    func opened(_ session: any BrokerSession, running: @escaping @Sendable () -> Int) {
        state.withLock { $0 = State(session: session, running: running) }
    }

    func closed(_ error: String?) { state.withLock { $0 = State(lastError: error) } }

    /// Ready means that the last fetch round trip succeeded, and lately; a worker whose slots are all busy does not fetch, so its
    /// renewals count alone (invariant 11).
    var health: WorkerHealth {
        let (session, running, lastError) = state.withLock { ($0.session, $0.running, $0.lastError) }
        let (count, concurrency) = (running?() ?? 0, status.concurrency)
        var reason: String?
        if let health = session?.health {
            let isFull = count + leaks.count >= concurrency
            if let error = health.lastError {
                reason = "the last word from the broker was an error: \(error)"
            } else if !isFull, (health.sinceLastFetch ?? .seconds(1_000)) > Self.silence {
                reason = "no fetch has succeeded for \(Self.silence)"
            } else if (health.sinceLastRenewal ?? .seconds(1_000)) > lease {
                reason = "the lease has not been renewed for \(lease)"
            }
        } else {
            reason = lastError.map { "not connected to the broker: \($0)" } ?? "not connected to the broker yet"
        }
        return WorkerHealth(isReady: reason == nil, running: count, concurrency: concurrency, reason: reason)
    }

    /// A waiting read answers sooner than this, with or without a job.
    private static let silence = Duration.seconds(15)
}
