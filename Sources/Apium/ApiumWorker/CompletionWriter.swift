import ApiumCore
import Logging
import Synchronization

/// Collects the ends of jobs and writes them in batches: while one write is under way the next batch gathers.
final class CompletionWriter: Sendable {
    /// A completion, and who wants to know what became of it.
    private struct Entry {
        var completion: Completion
        var reply: CheckedContinuation<CompletionOutcome?, Never>?
    }

    private struct State {
        var pending: [Entry] = []
        var waiter: CheckedContinuation<Void, Never>?
        /// Who waits for room.
        var claimer: CheckedContinuation<Void, Never>?
        var isClosed = false
        /// Nothing more is written: ``CompletionWriter/run()`` has returned.
        var isDone = false

        mutating func takeBatch(_ limit: Int) -> [Entry] {
            let batch = pending.count <= limit ? pending : Array(pending[..<limit])
            if pending.count <= limit { pending = [] } else { pending.removeFirst(limit) }
            return batch
        }
    }

    private let state = Mutex(State())
    private let session: any BrokerSession
    private let logger: Logger
    /// Told of every end that is written or refused.
    private let written: @Sendable (DeliveryTag, CompletionOutcome) -> Void
    /// Completions in one call at most: bounds the time a script holds Redis.
    private let batchLimit = 200

    init(session: any BrokerSession, logger: Logger, written: @escaping @Sendable (DeliveryTag, CompletionOutcome) -> Void = { _, _ in }) {
        self.session = session
        self.written = written
        self.logger = logger
    }

    /// Adds a completion to the next batch.
    func add(_ completion: Completion) { add(Entry(completion: completion)) }

    /// Writes a completion with the next batch and answers what became of it; `nil` when it could not be written: the delivery
    /// stays in flight, and goes back with the session.
    func write(_ completion: Completion) async -> CompletionOutcome? {
        await withCheckedContinuation { add(Entry(completion: completion, reply: $0)) }
    }

    private func add(_ entry: Entry) {
        let (waiter, isDone) = state.withLock { state in
            if !state.isDone { state.pending.append(entry) }
            defer { state.waiter = nil }
            return (state.waiter, state.isDone)
        }
        waiter?.resume()
        if isDone { entry.reply?.resume(returning: nil) }
    }

    /// Whether fewer ends wait than make up a batch, or than there are slots. While they cannot be written, to run more jobs would only add
    /// to what runs a second time should this worker die.
    func hasRoom(_ slots: Int) -> Bool { state.withLock { $0.pending.count < max(slots, batchLimit) } }

    /// Waits until there is room, or the task is cancelled. For the one task that claims.
    func untilRoom(_ slots: Int) async {
        while !Task.isCancelled, !hasRoom(slots) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let waits = state.withLock { state in
                        guard state.pending.count >= max(slots, batchLimit), !Task.isCancelled else { return false }
                        state.claimer = continuation
                        return true
                    }
                    if !waits { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.claimer.take() }?.resume()
            }
        }
    }

    /// Lets ``run()`` end once everything is written.
    func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Writes until closed. A batch that cannot be written is tried again: completing is safe to repeat, and a job
    /// whose end is not written would run again elsewhere only after this worker's lease is gone. What the broker refuses
    /// for another reason than that it cannot be reached is written one by one, so that one end in a thousand that cannot be
    /// written holds up no other; it is left in flight, and comes back when this session ends.
    func run() async {
        while true {
            let (batch, isDone, claimer) = state.withLock { state in
                let batch = state.takeBatch(batchLimit)
                state.isDone = batch.isEmpty && state.isClosed
                return (batch, state.isDone, state.claimer.take())
            }
            claimer?.resume()
            if isDone { return }
            if batch.isEmpty {
                await untilPending()
            } else {
                await write(batch)
            }
        }
    }

    private func write(_ batch: [Entry]) async {
        var delay = Duration.milliseconds(50)
        var refusals = 0
        while true {
            do {
                answer(batch, try await session.complete(batch.map(\.completion)))
                return
            } catch is CancellationError {
                return answer(batch, nil)
            } catch {
                if CompletionWriter.isRefusal(error) {
                    guard batch.count == 1 else {
                        for entry in batch { await write([entry]) }
                        return
                    }
                    refusals += 1
                    if refusals == CompletionWriter.refusalLimit {
                        logger.error(
                            "the end of a job is refused; it stays in flight", metadata: ["tag": "\(batch[0].completion.tag)", "error": "\(error)"])
                        return answer(batch, nil)
                    }
                }
                logger.error("the end of \(batch.count) jobs could not be written; trying again", metadata: ["error": "\(error)"])
                if state.withLock({ $0.isClosed }) || Task.isCancelled { return answer(batch, nil) }
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            }
        }
    }

    private func answer(_ batch: [Entry], _ outcomes: [CompletionOutcome]?) {
        for (place, entry) in batch.enumerated() {
            let outcome = outcomes.flatMap { $0.indices.contains(place) ? $0[place] : nil }
            if let outcome { written(entry.completion.tag, outcome) }
            if outcome == .taken {
                logger.warning("a job was finished that is another worker's by now; its result is dropped", metadata: ["tag": "\(entry.completion.tag)"])
            }
            entry.reply?.resume(returning: outcome)
        }
    }

    /// How often one completion is tried that the broker refuses.
    private static let refusalLimit = 3

    /// Whether the broker was there and said no.
    private static func isRefusal(_ error: any Error) -> Bool {
        guard let error = error as? ApiumError else { return false }
        return error.code != .unavailable && error.code != .timedOut
    }

    private func untilPending() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Bool in
                if !state.pending.isEmpty || state.isClosed { return true }
                state.waiter = continuation
                return false
            }
            if ready { continuation.resume() }
        }
    }
}
