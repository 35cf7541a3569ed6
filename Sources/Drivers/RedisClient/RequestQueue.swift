import NIOCore
import Synchronization

/// What callers on any thread have asked and the event loop has not written yet.
///
/// Callers encode straight into one buffer; the first one since the last flush asks the event loop for a flush, so commands of many
/// tasks leave in one write.
final class RequestQueue: Sendable {
    fileprivate struct State {
        var outgoing = ByteBuffer()
        var batches: [RequestBatch] = []
        var flushScheduled = false
        var nextID: UInt64 = 0
        var closed: RedisClientError?
    }

    private let state = Mutex(State())

    /// What `enqueue` did.
    enum Outcome {
        /// The commands wait for a flush that is already on its way.
        case queued
        /// The commands wait for a flush that the caller must ask for.
        case queuedFirst
        /// The connection is closed; the completion was not taken.
        case refused(RedisClientError)
    }

    /// An identifier for a batch, so that it can be cancelled.
    func makeID() -> UInt64 {
        state.withLock {
            $0.nextID += 1
            return $0.nextID
        }
    }

    /// Encodes `commands`; their completion is called by the event loop.
    func enqueue(_ commands: [RedisCommand], batch: RequestBatch, scriptsBySource: Bool) -> Outcome {
        state.withLock { state in
            if let closed = state.closed { return .refused(closed.seenBy(written: false)) }
            for command in commands { command.encode(into: &state.outgoing, source: scriptsBySource) }
            state.batches.append(batch)
            return state.scheduleFlush()
        }
    }

    /// Encodes commands that get no reply of their own, such as SUBSCRIBE.
    func enqueueUnanswered(_ commands: [RedisCommand]) -> Outcome {
        state.withLock { state in
            if let closed = state.closed { return .refused(closed.seenBy(written: false)) }
            for command in commands { command.encode(into: &state.outgoing) }
            return state.scheduleFlush()
        }
    }

    /// Takes everything for one write.
    func takeAll() -> (buffer: ByteBuffer, batches: [RequestBatch]) {
        state.withLock { state in
            let taken = (state.outgoing, state.batches)
            state.outgoing = ByteBuffer()
            state.batches = []
            state.flushScheduled = false
            return taken
        }
    }

    /// Takes the completion out of a batch that is not written yet; its commands will be sent all the same.
    func abandon(_ id: UInt64) -> RequestBatch.Completion? {
        state.withLock { state in
            guard let index = state.batches.firstIndex(where: { $0.id == id }) else { return nil }
            defer { state.batches[index].completion = nil }
            return state.batches[index].completion
        }
    }

    /// Refuses everything from now on, and returns what was never written.
    func close(_ error: RedisClientError) -> [RequestBatch] {
        state.withLock { state in
            if state.closed == nil { state.closed = error }
            defer { state.batches = [] }
            return state.batches
        }
    }

    /// Why the connection is closed, or nil while it is open.
    var closed: RedisClientError? { state.withLock { $0.closed } }
}

extension RequestQueue.State {
    fileprivate mutating func scheduleFlush() -> RequestQueue.Outcome {
        if flushScheduled { return .queued }
        flushScheduled = true
        return .queuedFirst
    }
}
