import Synchronization

/// Raised once by a shutdown, stronger perhaps later; loops look at it and waits end with it.
final class StopSignal: Sendable {
    /// How urgently.
    enum Urgency: Int, Sendable, Comparable {
        /// Running jobs have the grace period.
        case gracefully
        /// Running jobs are cancelled.
        case now
        /// Running jobs are cancelled and not waited for.
        case atOnce

        static func < (left: Urgency, right: Urgency) -> Bool { left.rawValue < right.rawValue }
    }

    private struct State {
        var urgency: Urgency?
        var waiters: [Int: (least: Urgency, continuation: CheckedContinuation<Void, Never>)] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    var isRaised: Bool { urgency != nil }
    var urgency: Urgency? { state.withLock(\.urgency) }

    func raise(_ urgency: Urgency) {
        let due = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.urgency = max(state.urgency ?? urgency, urgency)
            let due = state.waiters.filter { $0.value.least <= urgency }
            for key in due.keys { state.waiters[key] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    /// Waits until it is raised at least this urgently, or the task is cancelled.
    func wait(for least: Urgency = .gracefully) async {
        let key = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> Bool in
                    if Task.isCancelled || (state.urgency.map { $0 >= least } ?? false) { return true }
                    state.waiters[key] = (least, continuation)
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { $0.waiters.removeValue(forKey: key)?.continuation }
            continuation?.resume()
        }
    }

    /// Waits until it is raised, at most this long.
    func wait(for least: Urgency = .gracefully, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: least) }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
