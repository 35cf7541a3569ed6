import ApiumCore
import Synchronization

/// What a job did besides returning: what it sent, and what shall take its place.
final class RunEffects: Sendable {
    private struct State {
        var children: [ResultTuple] = []
        var replacement: DispatchPlan?
    }

    private let state = Mutex(State())

    /// The results of what it sent, in order.
    var children: [ResultTuple] { state.withLock(\.children) }
    /// What takes its place; of several the last.
    var replacement: DispatchPlan? { state.withLock(\.replacement) }

    func adopt(_ children: [ResultTuple]) { state.withLock { $0.children += children } }
    func replace(with plan: DispatchPlan) { state.withLock { $0.replacement = plan } }
}
