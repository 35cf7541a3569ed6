import NIOCore
import Synchronization

extension EventLoopFuture where Value: Sendable {
    /// The future's value; unlike `get`, the wait ends when the task is cancelled. The future itself goes on.
    func valueUnlessCancelled() async throws -> Value {
        let wait = CancellableWait<Value>()
        whenComplete { wait.end($0) }
        return try await withTaskCancellationHandler {
            try await wait.value()
        } onCancel: {
            wait.end(.failure(CancellationError()))
        }
    }
}

/// One task's wait for what two others may end: whoever comes first counts.
private final class CancellableWait<Value: Sendable>: Sendable {
    private enum State {
        case fresh
        case waiting(UnsafeContinuation<Value, any Error>)
        case ended(Result<Value, any Error>)
    }

    private let state = Mutex(State.fresh)

    func end(_ result: Result<Value, any Error>) {
        let waiter = state.withLock { state -> UnsafeContinuation<Value, any Error>? in
            switch state {
            case .fresh: state = .ended(result)
            case .waiting(let waiter):
                state = .ended(result)
                return waiter
            case .ended: break
            }
            return nil
        }
        waiter?.resume(with: result)
    }

    /// For one caller.
    func value() async throws -> Value {
        try await withUnsafeThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<Value, any Error>? in
                if case .ended(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
