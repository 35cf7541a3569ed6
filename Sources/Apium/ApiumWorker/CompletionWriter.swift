import ApiumCore
import Logging
import Synchronization

/// Collects the ends of jobs and writes them in batches: while one write is under way the next batch gathers. When that has become large a second
/// write goes out beside the first, so that the server does not wait for us to read the answer of one batch and to write the next.
final class CompletionWriter: Sendable {
    /// Who wants to know what becomes of a completion.
    private enum Reply {
        case outcome(CheckedContinuation<CompletionOutcome?, any Error>)
        case tooLong(@Sendable (any Error) -> Void)
    }

    /// Completions in order, and who wants to know what became of which: lists of their own, for they go different ways.
    private struct Batch {
        var completions: [Completion] = []
        var replies: [Reply?] = []

        /// Takes the first ones.
        mutating func take(_ limit: Int) -> Batch {
            guard completions.count > limit else {
                defer { self = Batch() }
                return self
            }
            defer {
                completions.removeFirst(limit)
                replies.removeFirst(limit)
            }
            return Batch(completions: Array(completions[..<limit]), replies: Array(replies[..<limit]))
        }
    }

    private struct State {
        var pending = Batch()
        /// Writers that write, or were woken to.
        var busy = 0
        /// Writers that have nothing to do.
        var writers: [CheckedContinuation<Void, Never>] = []
        /// Who waits for room.
        var claimer: CheckedContinuation<Void, Never>?
        var isClosed = false
        /// Nothing more is written: ``CompletionWriter/run()`` has returned.
        var isDone = false

        /// Whether what waits is to go out now.
        var isDue: Bool {
            guard !pending.completions.isEmpty else { return false }
            return busy == 0 || isClosed || pending.completions.count >= CompletionWriter.besideLimit
        }

        /// A writer to wake, if there is something for it to do. It counts as busy from now on: the next completion wakes no other.
        mutating func dueWriter() -> CheckedContinuation<Void, Never>? {
            guard isDue, let writer = writers.popLast() else { return nil }
            busy += 1
            return writer
        }
    }

    private let state = Mutex(State())
    private let session: any BrokerSession
    private let logger: Logger
    /// Told of every end that is written or refused.
    private let written: @Sendable (DeliveryTag, CompletionOutcome) -> Void
    /// Completions in one call at most: bounds the time a script holds Redis.
    private let batchLimit = 200
    /// So many completions go out beside a write that is under way: with fewer it is cheaper to wait for its end.
    private static let besideLimit = 64
    /// Writes under way at most.
    private static let writers = 2

    init(session: any BrokerSession, logger: Logger, written: @escaping @Sendable (DeliveryTag, CompletionOutcome) -> Void = { _, _ in }) {
        self.session = session
        self.written = written
        self.logger = logger
    }

    /// Adds a completion to the next batch.
    ///
    /// - Parameter ifTooLong: called when it is longer than the broker takes: the delivery is still to be ended, by a shorter one.
    func add(_ completion: Completion, ifTooLong: (@Sendable (any Error) -> Void)? = nil) { add(completion, ifTooLong.map { .tooLong($0) }) }

    /// Writes a completion with the next batch and answers what became of it; `nil` when it could not be written: the delivery
    /// stays in flight, and goes back with the session.
    ///
    /// - Throws: what the broker says of a completion that is longer than it takes.
    func write(_ completion: Completion) async throws -> CompletionOutcome? {
        try await withCheckedThrowingContinuation { add(completion, .outcome($0)) }
    }

    private func add(_ completion: Completion, _ reply: Reply?) {
        let (writer, isDone) = state.withLock { state in
            if !state.isDone {
                state.pending.completions.append(completion)
                state.pending.replies.append(reply)
            }
            return (state.dueWriter(), state.isDone)
        }
        writer?.resume()
        if isDone, case .outcome(let continuation)? = reply { continuation.resume(returning: nil) }
    }

    /// Whether fewer ends wait than make up a batch, or than there are slots. While they cannot be written, to run more jobs would only add
    /// to what runs a second time should this worker die.
    func hasRoom(_ slots: Int) -> Bool { state.withLock { $0.pending.completions.count < max(slots, batchLimit) } }

    /// Waits until there is room, or the task is cancelled. For the one task that claims.
    func untilRoom(_ slots: Int) async {
        while !Task.isCancelled, !hasRoom(slots) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let waits = state.withLock { state in
                        guard state.pending.completions.count >= max(slots, batchLimit), !Task.isCancelled else { return false }
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
        let writers = state.withLock { state in
            state.isClosed = true
            state.busy += state.writers.count
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.resume() }
    }

    /// Writes until closed. A batch that cannot be written is tried again: completing is safe to repeat, and a job
    /// whose end is not written would run again elsewhere only after this worker's lease is gone. What the broker refuses
    /// for another reason than that it cannot be reached is written one by one, so that one end in a thousand that cannot be
    /// written holds up no other; it is left in flight, and comes back when this session ends, unless it is too long: then whoever wrote it is told.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.writers { group.addTask { await self.writeAll() } }
        }
    }

    /// The life of a writer.
    private func writeAll() async {
        state.withLock { $0.busy += 1 }
        while true {
            let (batch, isOver, claimer) = state.withLock { state -> (Batch?, Bool, CheckedContinuation<Void, Never>?) in
                state.busy -= 1
                guard state.isDue else {
                    // What another still writes is its own to end, and so is what comes meanwhile.
                    state.isDone = state.isClosed && state.busy == 0
                    return (nil, state.isClosed, nil)
                }
                state.busy += 1
                return (state.pending.take(batchLimit), false, state.claimer.take())
            }
            claimer?.resume()
            if isOver { return }
            if let batch { await write(batch) } else { await untilDue() }
        }
    }

    private func write(_ batch: Batch) async {
        var delay = Duration.milliseconds(50)
        var refusals = 0
        while true {
            do {
                answer(batch, try await session.complete(batch.completions))
                return
            } catch is CancellationError {
                return answer(batch, nil)
            } catch {
                if CompletionWriter.isRefusal(error) {
                    guard batch.completions.count == 1 else {
                        for (completion, reply) in zip(batch.completions, batch.replies) { await write(Batch(completions: [completion], replies: [reply])) }
                        return
                    }
                    if let reply = batch.replies[0], (error as? ApiumError)?.code == .tooLong { return tell(reply, error, batch.completions[0].tag) }
                    refusals += 1
                    if refusals == CompletionWriter.refusalLimit {
                        logger.error(
                            "the end of a job is refused; it stays in flight", metadata: ["tag": "\(batch.completions[0].tag)", "error": "\(error)"])
                        return answer(batch, nil)
                    }
                }
                logger.error("the end of \(batch.completions.count) jobs could not be written; trying again", metadata: ["error": "\(error)"])
                if state.withLock({ $0.isClosed }) || Task.isCancelled { return answer(batch, nil) }
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            }
        }
    }

    /// Says that a completion is too long.
    private func tell(_ reply: Reply, _ error: any Error, _ tag: DeliveryTag) {
        logger.error("the end of a job is too long for the broker", metadata: ["tag": "\(tag)", "error": "\(error)"])
        switch reply {
        case .outcome(let continuation): continuation.resume(throwing: error)
        case .tooLong(let tell): tell(error)
        }
    }

    private func answer(_ batch: Batch, _ outcomes: [CompletionOutcome]?) {
        for place in batch.replies.indices {
            let outcome = outcomes.flatMap { $0.indices.contains(place) ? $0[place] : nil }
            let tag = batch.completions[place].tag
            if let outcome { written(tag, outcome) }
            if outcome == .taken {
                logger.warning("a job was finished that is another worker's by now; its result is dropped", metadata: ["tag": "\(tag)"])
            }
            if case .outcome(let continuation)? = batch.replies[place] { continuation.resume(returning: outcome) }
        }
    }

    /// How often one completion is tried that the broker refuses.
    private static let refusalLimit = 3

    /// Whether the broker was there and said no.
    private static func isRefusal(_ error: any Error) -> Bool {
        guard let error = error as? ApiumError else { return false }
        return error.code != .unavailable && error.code != .timedOut
    }

    /// Waits until there is something to write, or never will be: the writer counts as busy then.
    private func untilDue() async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state -> Bool in
                guard state.isDue || state.isClosed else {
                    state.writers.append(continuation)
                    return false
                }
                state.busy += 1
                return true
            }
            if isDue { continuation.resume() }
        }
    }
}
