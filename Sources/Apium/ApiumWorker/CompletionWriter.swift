import ApiumCore
import Logging
import Synchronization

/// Collects the ends of jobs and writes them in batches: while one write is under way the next batch gathers.
final class CompletionWriter: Sendable {
    private struct State {
        var pending: [Completion] = []
        var waiter: CheckedContinuation<Void, Never>?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let session: any BrokerSession
    private let logger: Logger
    /// Completions in one call at most: bounds the time a script holds Redis.
    private let batchLimit = 200

    init(session: any BrokerSession, logger: Logger) {
        self.session = session
        self.logger = logger
    }

    /// Adds a completion to the next batch.
    func add(_ completion: Completion) {
        let waiter = state.withLock { state in
            state.pending.append(completion)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
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
            let (batch, isClosed) = state.withLock { state in
                let batch = Array(state.pending.prefix(batchLimit))
                state.pending.removeFirst(batch.count)
                return (batch, state.isClosed)
            }
            if batch.isEmpty {
                if isClosed { return }
                await untilPending()
            } else {
                await write(batch)
            }
        }
    }

    private func write(_ batch: [Completion]) async {
        var delay = Duration.milliseconds(50)
        var refusals = 0
        while true {
            do {
                let outcomes = try await session.complete(batch)
                for (completion, outcome) in zip(batch, outcomes) where outcome == .taken {
                    logger.warning("a job was finished that is another worker's by now; its result is dropped", metadata: ["tag": "\(completion.tag)"])
                }
                return
            } catch is CancellationError {
                return
            } catch {
                if CompletionWriter.isRefusal(error) {
                    guard batch.count == 1 else {
                        for completion in batch { await write([completion]) }
                        return
                    }
                    refusals += 1
                    if refusals == CompletionWriter.refusalLimit {
                        logger.error("the end of a job is refused; it stays in flight", metadata: ["tag": "\(batch[0].tag)", "error": "\(error)"])
                        return
                    }
                }
                logger.error("the end of \(batch.count) jobs could not be written; trying again", metadata: ["error": "\(error)"])
                if state.withLock({ $0.isClosed }) || Task.isCancelled { return }
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            }
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
