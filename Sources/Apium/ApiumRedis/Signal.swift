import NIOCore
import Synchronization

/// Wakes one waiting task; a signal that comes while nobody waits is kept.
final class Signal: Sendable {
    private struct State {
        var raised = false
        var waiter: UnsafeContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func raise() {
        let waiter = state.withLock { state in
            if state.waiter == nil { state.raised = true }
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Waits for the signal, for the end of `limit`, or for the task's cancellation: the caller looks for itself which it was.
    func wait(atMost limit: Duration, on eventLoop: any EventLoop) async {
        let timer = eventLoop.scheduleTask(in: TimeAmount(limit)) { self.raise() }
        defer { timer.cancel() }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let goOn = state.withLock { state in
                    if state.raised || Task.isCancelled {
                        state.raised = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if goOn { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }
}
