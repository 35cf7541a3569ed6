import NIOCore
import Synchronization

/// What callers on any thread have asked and the event loop has not written yet.
///
/// Callers encode straight into one buffer; the first one since the last flush asks the event loop for a flush, so commands of many
/// tasks leave in one write.
final class RequestQueue: Sendable {
    fileprivate struct State {
        var outgoing = OutgoingBytes()
        var line = PromptLine()
        var isLineWanted = false
        var handedOver: HandedOver?
        var batches: [RequestBatch] = []
        var flushScheduled = false
        var nextID: UInt64 = 0
        var closed: RedisClientError?
    }

    /// What a caller has begun on its own thread, and the event loop goes on with.
    struct HandedOver: Sendable {
        var batch: RequestBatch
        let exchange: PromptExchange
    }

    /// All that one write takes.
    struct Taken: Sendable {
        let handedOver: HandedOver?
        let pieces: [ByteBuffer]
        let batches: [RequestBatch]
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
            let long = state.outgoing.sharedCount
            for command in commands { command.encode(into: &state.outgoing, source: scriptsBySource) }
            var batch = batch
            batch.isLong = state.outgoing.sharedCount > long
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
    func takeAll() -> Taken {
        state.withLock { state in
            let taken = Taken(handedOver: state.handedOver, pieces: state.outgoing.pieces, batches: state.batches)
            if state.batches.count > 1 { state.line.noteCrowd() }
            state.outgoing = OutgoingBytes()
            state.batches = []
            state.handedOver = nil
            state.flushScheduled = false
            return taken
        }
    }

    /// Takes the completion out of a batch that is not written yet; its commands will be sent all the same.
    func abandon(_ id: UInt64) -> RequestBatch.Completion? {
        state.withLock { state in
            if state.handedOver?.batch.id == id {
                defer { state.handedOver?.batch.completion = nil }
                return state.handedOver?.batch.completion
            }
            guard let index = state.batches.firstIndex(where: { $0.id == id }) else { return nil }
            defer { state.batches[index].completion = nil }
            return state.batches[index].completion
        }
    }

    /// Refuses everything from now on, and returns what was never written. What a caller has handed over stays: it may have been sent, and the flush
    /// that the caller asks for tells it so.
    func close(_ error: RedisClientError) -> [RequestBatch] {
        state.withLock { state in
            if state.closed == nil { state.closed = error }
            state.line.close()
            defer { state.batches = [] }
            return state.batches
        }
    }

    /// Why the connection is closed, or nil while it is open.
    var closed: RedisClientError? { state.withLock { $0.closed } }
}

extension RequestQueue.State {
    fileprivate mutating func scheduleFlush() -> RequestQueue.Outcome {
        line.isQuiet = false
        if flushScheduled { return .queued }
        flushScheduled = true
        // Whoever has the line asks for it.
        return line.isTaken ? .queued : .queuedFirst
    }
}

// MARK: The line of a caller's own

extension RequestQueue {
    /// True for the first who asks.
    func shallOpenLine() -> Bool {
        state.withLock { state in
            defer { state.isLineWanted = true }
            return !state.isLineWanted
        }
    }

    /// From now on callers may take the line when everything was answered. Called by the event loop, once it has stopped to read by itself.
    func openLine(_ socket: PromptSocket?) {
        state.withLock { state in
            guard state.closed == nil else { return }
            state.line.open(socket)
        }
    }

    /// The event loop has read all that there was, and waits for nothing.
    func noteQuiet() {
        state.withLock { state in state.line.isQuiet = state.batches.isEmpty && !state.flushScheduled && state.handedOver == nil }
    }

    /// The socket, for one command of the caller's; nil when it has to go by the event loop.
    func takeLine() -> (socket: PromptSocket, waits: Bool)? {
        state.withLock { $0.closed == nil ? $0.line.take() : nil }
    }

    /// Whether a caller reads its answer now, or has handed that over and the event loop has not taken it yet.
    var isLineInUse: Bool { state.withLock { $0.line.isTaken || $0.handedOver != nil } }

    /// Ends the use of the line: the answer was there.
    /// - Returns: whether others have queued meanwhile, so that the caller must ask for a flush; and whether it should let others have its thread.
    func giveLineBack() -> (mustFlush: Bool, shouldYield: Bool) {
        state.withLock { state in
            let shouldYield = state.line.giveBack()
            state.line.isQuiet = !state.flushScheduled
            if state.flushScheduled { state.line.noteCrowd() }
            return (state.flushScheduled, shouldYield)
        }
    }

    /// Ends the use of the line: the event loop goes on where the caller has stopped. The caller must ask for a flush.
    /// - Returns: why not, when the connection has closed; the batch was not taken then.
    func handLineOver(_ batch: RequestBatch, _ exchange: PromptExchange, waited: Bool) -> RedisClientError? {
        state.withLock { state in
            state.line.handOver(waited: waited)
            if let closed = state.closed { return closed.seenBy(written: true) }
            state.handedOver = HandedOver(batch: batch, exchange: exchange)
            state.flushScheduled = true
            return nil
        }
    }
}
