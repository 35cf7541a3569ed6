import NIOCore
import Synchronization

/// Holds a listener's events until its task takes them. When it is full the oldest is dropped, and the reader is told of the gap
/// before it gets the rest.
final class SubscriptionBuffer: Sendable {
    private struct State {
        var events = CircularBuffer<RedisSubscriptionEvent>()
        var overflowed = false
        var ended = false
        var reader: UnsafeContinuation<RedisSubscriptionEvent?, Never>?

        mutating func take() -> RedisSubscriptionEvent? {
            if overflowed {
                overflowed = false
                return .gap
            }
            return events.popFirst()
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(1, limit) }

    func append(_ event: RedisSubscriptionEvent) {
        let reader = state.withLock { state -> UnsafeContinuation<RedisSubscriptionEvent?, Never>? in
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            if state.events.count >= limit {
                state.events.removeFirst()
                state.overflowed = true
            }
            state.events.append(event)
            return nil
        }
        reader?.resume(returning: event)
    }

    /// The next event, or nil at the end or when the task is cancelled. For one reader at a time: a second one ends the first's wait.
    func next() async -> RedisSubscriptionEvent? {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let (ready, displaced) = state.withLock { state in
                    if let event = state.take() { return (Optional(event), state.reader) }
                    if state.ended || Task.isCancelled { return (nil, continuation) }
                    defer { state.reader = continuation }
                    return (nil, state.reader)
                }
                if let ready { continuation.resume(returning: ready) } else { displaced?.resume(returning: nil) }
            }
        } onCancel: {
            wake()
        }
    }

    /// Ends the stream; what is buffered is still read.
    func end() {
        state.withLock { $0.ended = true }
        wake()
    }

    private func wake() {
        let reader = state.withLock { $0.reader.take() }
        reader?.resume(returning: nil)
    }
}
