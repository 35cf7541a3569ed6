import Synchronization

/// Counts the slots whose jobs were given up and still run: a worker that has lost too many stops claiming, lets the other jobs
/// end, and its `run()` throws, so that whoever supervises the process starts a fresh one.
final class LeakedSlots: Sendable {
    private struct State {
        var lost = 0
        var isExceeded = false
        var onExceeded: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// How many are lost now.
    var count: Int { max(state.withLock(\.lost), 0) }
    /// Whether too many have been lost at once.
    var isExceeded: Bool { state.withLock(\.isExceeded) }

    /// Calls back when too many are lost, at once when they are already.
    func whenExceeded(_ action: @escaping @Sendable () -> Void) {
        let now = state.withLock { state in
            state.onExceeded = action
            return state.isExceeded
        }
        if now { action() }
    }

    func leaked() {
        let action = state.withLock { state -> (@Sendable () -> Void)? in
            state.lost += 1
            guard state.lost >= limit, !state.isExceeded else { return nil }
            state.isExceeded = true
            return state.onExceeded
        }
        action?()
    }

    /// A job that was counted came back after all; it may do so while it is being counted.
    func returned() { state.withLock { $0.lost -= 1 } }
}
