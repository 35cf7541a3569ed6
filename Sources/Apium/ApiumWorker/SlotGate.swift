import Synchronization

/// Counts free slots; one fetch loop waits for them, many jobs give them back.
final class SlotGate: Sendable {
    private struct State {
        var free: Int
        /// Slots that go as soon as they are given back.
        var surplus = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(slots: Int) { state = Mutex(State(free: slots)) }

    /// Takes all free slots, waiting until there is at least one. Answers 0 when the task is cancelled.
    func takeFree() async -> Int {
        while !Task.isCancelled {
            let taken = state.withLock { state in
                defer { state.free = 0 }
                return state.free
            }
            if taken > 0 { return taken }
            await untilFree()
        }
        return 0
    }

    /// Adds slots, or takes some away: free ones at once, the others when they are given back.
    func resize(by slots: Int) {
        if slots > 0 { return release(slots) }
        state.withLock { state in
            let now = min(state.free, -slots)
            state.free -= now
            state.surplus += -slots - now
        }
    }

    /// Gives slots back.
    func release(_ slots: Int) {
        guard slots > 0 else { return }
        let waiter = state.withLock { state in
            let gone = min(state.surplus, slots)
            state.surplus -= gone
            state.free += slots - gone
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    private func untilFree() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    // Cancelled tasks do not wait: the handler below may have run before the waiter was there.
                    guard state.free == 0, !Task.isCancelled else { return continuation }
                    state.waiter = continuation
                    return nil
                }
                now?.resume()
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }
}
