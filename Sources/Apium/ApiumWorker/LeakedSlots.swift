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
    private let slots: @Sendable () -> Int

    /// - Parameters:
    ///   - limit: so many are too many.
    ///   - slots: how many there are at the moment: with fewer than the limit all of them are too many. Default: no end of them.
    init(limit: Int, of slots: @escaping @Sendable () -> Int = { .max }) {
        self.limit = limit
        self.slots = slots
    }

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

    func leaked() { change { $0 += 1 } }

    /// The number of slots has changed: of fewer slots as many may be too many.
    func resized() { change { _ in } }

    private func change(_ count: (inout Int) -> Void) {
        let enough = min(limit, slots())
        let action = state.withLock { state -> (@Sendable () -> Void)? in
            count(&state.lost)
            guard state.lost >= enough, !state.isExceeded else { return nil }
            state.isExceeded = true
            return state.onExceeded
        }
        action?()
    }

    /// A job that was counted came back after all; it may do so while it is being counted.
    func returned() { state.withLock { $0.lost -= 1 } }
}
