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
        var running: RunningJobs?
        var lastError: String?
    }

    private let state = Mutex(State())
    private let configuration: WorkerConfiguration

    init(_ configuration: WorkerConfiguration) { self.configuration = configuration }

    func opened(_ session: any BrokerSession, _ running: RunningJobs) {
        state.withLock { $0 = State(session: session, running: running) }
    }

    func closed(_ error: String?) { state.withLock { $0 = State(lastError: error) } }

    /// Ready means that a fetch round trip succeeded lately; a worker whose slots are all busy does not fetch, so its
    /// renewals count alone (invariant 11).
    var health: WorkerHealth {
        let (session, running, lastError) = state.withLock { ($0.session, $0.running, $0.lastError) }
        let count = running?.count ?? 0
        var reason: String?
        if let health = session?.health {
            let isFull = count >= configuration.concurrency
            if !isFull, (health.sinceLastFetch ?? .seconds(1_000)) > .seconds(15) {
                reason = "no fetch has succeeded for 15 seconds"
            } else if (health.sinceLastRenewal ?? .seconds(1_000)) > configuration.lease {
                reason = "the lease has not been renewed for \(configuration.lease)"
            }
            if reason != nil, let error = health.lastError { reason = (reason ?? "") + ": " + error }
        } else {
            reason = lastError.map { "not connected to the broker: \($0)" } ?? "not connected to the broker yet"
        }
        return WorkerHealth(isReady: reason == nil, running: count, concurrency: configuration.concurrency, reason: reason)
    }
}
