import Synchronization

/// Counts free slots; one fetch loop waits for them, many jobs give them back.
final class SlotGate: Sendable {
    private struct State {
        var free: Int
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(slots: Int) { state = Mutex(State(free: slots, waiter: nil)) }

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

    /// Gives slots back.
    func release(_ slots: Int) {
        guard slots > 0 else { return }
        let waiter = state.withLock { state in
            state.free += slots
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
