import ApiumCore
import DynamicJSON

/// What operators do with jobs that wait or were set aside: run them again, edit, move and delete them.
///
/// ```swift
/// let desk = JobDesk(inspector)
/// for row in try await desk.find([id]) { _ = try await desk.retry(row) }
/// ```
///
/// Each job is changed in one step that expects it as it was seen; one that was claimed, moved or edited meanwhile is left alone.
public struct JobDesk: Sendable {
    /// By what jobs are found.
    public let inspector: Inspector

    private var broker: any InspectableBroker { inspector.broker }

    /// Makes a desk for what an inspector sees.
    public init(_ inspector: Inspector) { self.inspector = inspector }

    /// What became of one job.
    public enum Outcome: Sendable, Hashable {
        /// It was done.
        case done
        /// It is not there any more as it was seen: nothing was done.
        case movedOn
        /// It cannot be done with a job that is where this one is: nothing was done.
        case refused(Refusal)
    }

    /// Why something cannot be done with a job.
    public enum Refusal: String, Sendable, Hashable, CaseIterable {
        /// A worker runs it: it can be cancelled.
        case running
        /// It has not failed, and runs anyhow.
        case waiting
        /// Its message cannot be read, so it can be requeued or deleted only.
        case unreadable
    }

    // MARK: Finding

    /// How many ids are looked for at once: the server compares each message with the forms of all of them.
    private static let batch = 20

    /// The jobs of these ids, wherever they wait, run or were set aside; one that is in several places comes several times.
    public func find(_ ids: [String]) async throws -> [JobRow] { try await search(for: ids).rows }

    /// Looks for the jobs of these ids, and says what it did not look at.
    public func search(for ids: [String]) async throws -> Sighting {
        var sighting = Sighting()
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            let part = try await findTogether(Array(ids[start..<min(start + Self.batch, ids.count)]))
            sighting.rows += part.rows
            sighting.unseen += part.unseen.filter { sight in !sighting.unseen.contains { $0.place == sight.place } }
            sighting.gaps = Set(sighting.gaps + part.gaps).sorted()
        }
        let order = Dictionary(ids.enumerated().map { ($1, $0) }) { first, _ in first }
        sighting.rows.sort { (order[$0.id] ?? 0) < (order[$1.id] ?? 0) }
        return sighting
    }

    /// What a search found.
    public struct Sighting: Sendable, Hashable {
        /// The jobs, in the order in which they were named; one that is in several places comes several times.
        public var rows: [JobRow] = []
        /// The places that hold more than what was looked at: a job that was not found may be there.
        public var unseen: [QueueSight] = []
        /// What could not be looked at.
        public var gaps: [Gap] = []
    }

    private func findTogether(_ ids: [String]) async throws -> Sighting {
        let wanted = Set(ids)
        var rows: [JobRow] = []
        for record in try await broker.flights(mentioning: ids, limit: inspector.flightLimit) {
            var row = JobRow(record.payload, .inFlight, queue: record.queue)
            row.worker = record.incarnation
            rows.append(row)
        }
        for id in ids {
            for shelf in Shelf.allCases {
                guard let record = try await broker.record(id, in: shelf), let place = JobPlace(rawValue: shelf.rawValue) else { continue }
                rows.append(JobRow(record, place))
            }
        }
        let held = try await inspector.heldJobs(try await broker.holds())
        rows += held.jobs.map { JobRow($0.message) }
        var unseen = held.unseen
        var waiting: [JobRow] = []
        let looked = try await inspector.scheduledPages(mentioning: ids) { records in
            waiting += records.map { record in
                var row = JobRow(WaitingMessage(.scheduled, queue: record.queue, payload: record.payload, key: record.key))
                row.at = record.due
                return row
            }
            return true
        }
        unseen += try await inspector.unseen(of: .scheduled, looked)
        // A queue that the broker's user may not read is not there for it.
        var gaps: Set<Gap> = []
        for queue in try await broker.inspectableQueues() {
            let looked = try await inspector.readyPages(of: queue, mentioning: ids, noting: &gaps) { records in
                waiting += records.map { JobRow(WaitingMessage(.ready, queue: queue, payload: $0.payload)) }
                return true
            }
            unseen += try await inspector.unseen(of: .ready(queue), looked)
        }
        return Sighting(rows: (rows + waiting).filter { wanted.contains($0.id) }, unseen: unseen, gaps: gaps.sorted())
    }

    // MARK: Doing

    /// Runs a job again that failed or was set aside, or that waits to be retried: at once, and with all its attempts.
    ///
    /// - Parameter change: edits it before.
    /// - Throws: ``ApiumError`` `badArguments` for a value that no message can have.
    public func retry(_ row: JobRow, _ change: (inout EditableJob) throws -> Void = { _ in }) async throws -> Outcome {
        switch row.place {
        case .inFlight: return .refused(.running)
        case .ready, .held: return .refused(.waiting)
        case .scheduled where row.retries == 0: return .refused(.waiting)
        case .scheduled, .dead, .parked, .quarantine: break
        }
        let now = try await broker.serverTime()
        return try await send(row) { job in
            (job.retries, job.crashes, job.eta) = (0, 0, nil)
            // What has expired would be discarded.
            if let end = job.expires, end <= now { job.expires = nil }
            try change(&job)
        }
    }

    /// Puts a job on its queue, or on another one, as it is: one that waits for its time runs at once, one in a queue goes to the back.
    ///
    /// - Parameter queue: the queue. Default: its own.
    public func requeue(_ row: JobRow, to queue: String? = nil) async throws -> Outcome {
        if row.place == .inFlight { return .refused(.running) }
        if let shelf = row.place.shelf, queue == nil { return try await broker.requeue(row.id, from: shelf) ? .done : .movedOn }
        return try await requeue(row, editing: { job in if let queue { job.queue = queue } })
    }

    /// Edits a job and puts it on its queue in one step: one that waits for its time runs at once, one in a queue goes to the back.
    ///
    /// - Throws: ``ApiumError`` `badArguments` for a value that no message can have.
    public func requeue(_ row: JobRow, editing change: (inout EditableJob) throws -> Void) async throws -> Outcome {
        try await send(row) { job in
            job.eta = nil
            try change(&job)
        }
    }

    /// Edits a job where it is. One whose queue or priority is changed goes to the back of its queue; a time that is given it waits for.
    ///
    /// - Throws: ``ApiumError`` `badArguments` for a value that no message can have.
    public func edit(_ row: JobRow, _ change: (inout EditableJob) throws -> Void) async throws -> Outcome {
        if let shelf = row.place.shelf {
            return try await onShelf(row) { try await ShelfDesk(shelf, of: broker).edit(row.id, change) }
        }
        guard let waiting = row.waiting else { return .refused(.running) }
        guard let job = try? EditableJob(waiting.payload, queue: waiting.queue) else { return .refused(.unreadable) }
        var edited = job
        try change(&edited)
        if edited == job { return .done }
        let message = try message(edited, of: waiting)
        return try await broker.move(waiting, try await move(message, edited, before: job, row)) ? .done : .movedOn
    }

    /// Deletes a job: it never runs, and nothing is stored. Whoever waits for its result, and a chord that it is a part of, wait in vain.
    public func delete(_ row: JobRow) async throws -> Outcome {
        if let shelf = row.place.shelf { return try await broker.discard(row.id, from: shelf) ? .done : .movedOn }
        guard let waiting = row.waiting else { return .refused(.running) }
        return try await broker.move(waiting, .delete) ? .done : .movedOn
    }

    // MARK: Leaving

    /// Where jobs wait that only workers of ours would run.
    public static let own: Set<JobPlace> = [.held, .scheduled, .parked]

    /// Turns a job that only workers of ours would run into a plain message of Celery's on its queue: one that waits for its time carries that as its
    /// ETA, which Celery's workers keep themselves, one that a limit or a pause held back runs when it is taken, and so does what was parked.
    public func handBack(_ row: JobRow) async throws -> Outcome {
        switch row.place {
        case .inFlight: return .refused(.running)
        case .ready: return .done
        case .dead, .parked, .quarantine: return try await requeue(row)
        case .held, .scheduled: break
        }
        guard let waiting = row.waiting else { return .movedOn }
        guard var message = try? Message(decoding: waiting.payload) else { return .refused(.unreadable) }
        message.waitedFor = []
        if let due = row.at { message.headers.eta = due.iso8601 }
        return try await broker.move(waiting, .send(message.encoded(), queue: waiting.queue)) ? .done : .movedOn
    }

    // MARK: How

    /// Edits a job and puts it on its queue in one step.
    private func send(_ row: JobRow, _ change: (inout EditableJob) throws -> Void) async throws -> Outcome {
        if let shelf = row.place.shelf {
            if (try? EditableJob(row.payload, queue: row.queue)) == nil { return .refused(.unreadable) }
            return try await onShelf(row) { try await ShelfDesk(shelf, of: broker).requeue(row.id, change) }
        }
        guard let waiting = row.waiting else { return .refused(.running) }
        guard var job = try? EditableJob(waiting.payload, queue: waiting.queue) else { return .refused(.unreadable) }
        try change(&job)
        let message = try message(job, of: waiting)
        if let eta = job.eta, eta > (try await broker.serverTime()) {
            return try await broker.move(waiting, .schedule(message.encoded(), queue: job.queue, at: eta)) ? .done : .movedOn
        }
        return try await broker.move(waiting, .send(message.encoded(), queue: job.queue)) ? .done : .movedOn
    }

    private func message(_ job: EditableJob, of waiting: WaitingMessage) throws -> Message {
        var message = try job.message(from: waiting.payload, of: waiting.queue)
        // Nothing was taken for a job in a line, and other limits concern it on another queue: it is asked anew.
        if waiting.place != .ready || job.queue != waiting.queue { message.waitedFor = [] }
        return message
    }

    /// Where an edited job belongs.
    private func move(_ message: Message, _ job: EditableJob, before: EditableJob, _ row: JobRow) async throws -> WaitingMove {
        let payload = message.encoded()
        let isElsewhere = job.queue != before.queue || job.priority != before.priority
        let due = job.eta == before.eta ? row.at : job.eta
        if let due, due > (try await broker.serverTime()) {
            return job.eta == before.eta && !isElsewhere ? .rewrite(payload) : .schedule(payload, queue: job.queue, at: due)
        }
        return isElsewhere || row.place == .scheduled ? .send(payload, queue: job.queue) : .rewrite(payload)
    }

    private func onShelf(_ row: JobRow, _ body: () async throws -> ShelvedRecord) async throws -> Outcome {
        do {
            _ = try await body()
            return .done
        } catch let error as ApiumError where error.code == .conflict {
            return .movedOn
        } catch let error as ApiumError where error.code == .malformedMessage || error.code == .refusedContent {
            return .refused(.unreadable)
        }
    }
}

extension JobDesk.Refusal {
    /// The refusal as words.
    public func text(in language: Language) -> String {
        switch self {
        case .running: language.of("a worker runs it; `apium jobs cancel` stops it", "выполняется; остановить: `apium jobs cancel`")
        case .waiting: language.of("it has not failed, and waits to run", "не терпела неудачи и ждёт выполнения")
        case .unreadable:
            language.of("its message cannot be read: it can be requeued or deleted", "сообщение не читается: задачу можно вернуть в очередь или удалить")
        }
    }
}
