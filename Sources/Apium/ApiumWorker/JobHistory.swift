import ApiumCore
import Logging
import Synchronization

/// Counts what becomes of this worker's jobs, in memory; ``run(_:queues:)`` adds it to the broker's history every few seconds.
///
/// A job costs two turns of a lock that is held for a few additions, and allocates nothing once its name was seen.
final class JobHistory: Sendable {
    fileprivate struct State {
        var keys: [HistoryKey] = []
        var places: [HistoryKey: Int] = [:]
        /// ``JobCounts/size`` numbers for each key, in the order of ``keys``.
        var numbers: [Int64] = []
        /// Where the key stands that was counted last: workers run the same job many times in a row.
        var last = 0
        /// What the broker has not taken yet.
        var unsent: HistoryReport?
        var number: Int64 = 0
    }

    private let state = Mutex(State())
    private let source = JobID.make()

    /// A job begins to run.
    func started(_ message: Message, from queue: String, at now: Timestamp) {
        // A job that was tried before has waited for other reasons than that nobody had time for it.
        let isFirst = message.headers.retries == 0 && !message.properties.redelivered
        let waited = isFirst ? message.readySince.map { max(now - $0, .zero) } : nil
        state.withLock { state in
            let base = state.base(queue, message.task)
            state.numbers[base + JobCounts.Field.started.rawValue] += 1
            guard let waited else { return }
            state.numbers[base + JobCounts.Field.waited.rawValue] &+= waited.wholeMicroseconds
            state.numbers[base + JobCounts.waitPlace(waited)] += 1
        }
    }

    /// A run ended.
    ///
    /// - Parameter ran: how long it took; `nil` for one that was given up and goes on.
    func ended(_ job: Assignment, _ verdict: Verdict, ran: Duration?) {
        state.withLock { state in
            let base = state.base(job.delivery.queue, job.message.task)
            state.numbers[base + Self.field(of: verdict).rawValue] += 1
            guard let ran else { return }
            state.numbers[base + JobCounts.Field.ran.rawValue] &+= ran.wholeMicroseconds
            state.numbers[base + JobCounts.runPlace(ran)] += 1
        }
    }

    /// A message was claimed and its job did not run.
    ///
    /// - Parameter isKnown: whether this worker knows the job. Names that it does not know are anybody's, and counted together.
    func turnedAway(_ job: Assignment, _ verdict: Verdict, isKnown: Bool) {
        state.withLock { state in
            let base = isKnown ? state.base(job.delivery.queue, job.message.task) : state.base(job.delivery.queue, HistoryKey.other.task)
            state.numbers[base + JobCounts.Field.turnedAway.rawValue] += 1
            if Self.field(of: verdict) == .failed { state.numbers[base + JobCounts.Field.failed.rawValue] += 1 }
        }
    }

    private static func field(of verdict: Verdict) -> JobCounts.Field {
        switch verdict {
        case .success, .succeededBefore: .succeeded
        case .failure, .quarantined, .parked: .failed
        case .retry: .retried
        case .lost, .snooze, .passedOn, .notDue, .ignored, .replaced, .requeue, .revoked: .endedOtherwise
        }
    }

    // MARK: Telling the broker

    /// Tells the broker until cancelled.
    func run(_ broker: any HistoryStore, every interval: Duration = .seconds(5), logger: Logger, queues: @Sendable () -> [String]) async {
        var round = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            guard !Task.isCancelled else { return }
            round += 1
            guard isDue(round) else { continue }
            do {
                try await flush(to: broker, queues: queues())
            } catch {
                logger.debug("the history could not be written; it is kept for the next time", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Whether there is something to tell. Who has counted nothing only tells how long its queues are, and that every sixth time: idle workers are
    /// many, and shall cost little.
    func isDue(_ round: Int) -> Bool {
        round.isMultiple(of: 6) || state.withLock { $0.unsent != nil || $0.numbers.contains { $0 != 0 } }
    }

    /// Tells the broker what was counted; when that fails the same report comes again with the next call.
    func flush(to broker: any HistoryStore, queues: [String]) async throws {
        let report = state.withLock { $0.report(of: source, queues: queues) }
        try await broker.record(report)
        state.withLock { state in
            if state.unsent?.number == report.number { state.unsent = nil }
        }
    }
}

extension JobHistory.State {
    /// Where the numbers of a key begin.
    fileprivate mutating func base(_ queue: String, _ task: String) -> Int {
        if last < keys.count, keys[last].task == task, keys[last].queue == queue { return last * JobCounts.size }
        last = place(HistoryKey(queue: queue, task: task))
        return last * JobCounts.size
    }

    private mutating func place(_ key: HistoryKey) -> Int {
        if let known = places[key] { return known }
        guard keys.count <= HistoryReport.keyLimit || key == .other else { return place(.other) }
        keys.append(key)
        numbers.append(contentsOf: repeatElement(0, count: JobCounts.size))
        places[key] = keys.count - 1
        return keys.count - 1
    }

    /// What was counted since the last report that was taken; the counters begin anew.
    fileprivate mutating func report(of source: String, queues: [String]) -> HistoryReport {
        if let unsent { return unsent }
        var counts: [HistoryKey: JobCounts] = [:]
        for (place, key) in keys.enumerated() {
            let range = place * JobCounts.size..<(place + 1) * JobCounts.size
            guard numbers[range].contains(where: { $0 != 0 }) else { continue }
            counts[key] = JobCounts(values: numbers[range])
        }
        for place in numbers.indices { numbers[place] = 0 }
        number += 1
        let report = HistoryReport(source: source, number: number, counts: counts, queues: queues)
        unsent = report
        return report
    }
}
