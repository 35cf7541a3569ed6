import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// What is done with many jobs at once.
struct BulkOptions: ParsableArguments {
    @Flag(
        name: [.customShort("y"), .customShort("f"), .customLong("yes"), .customLong("force")],
        help: "Do it without being asked. Without it jobs that are chosen by filters are only counted where there is nobody to ask.") var yes = false
    @Flag(help: "Only count.") var dryRun = false

    func validate() throws {
        if yes && dryRun { throw ValidationError("--yes and --dry-run contradict each other") }
    }
}

/// What may be done with jobs.
enum JobVerb: String {
    case cancel, retry, requeue, edit, delete, handBack

    /// Done: the member of the JSON answer.
    var done: String {
        switch self {
        case .cancel: "cancelled"
        case .retry: "retried"
        case .requeue: "requeued"
        case .edit: "edited"
        case .delete: "deleted"
        case .handBack: "handed_back"
        }
    }

    private var participle: String { self == .handBack ? "handed back" : done }

    private var does: String {
        switch self {
        case .retry: "retries"
        case .handBack: "hands them back"
        default: rawValue + "s"
        }
    }

    private var russian: String {
        switch self {
        case .cancel: "отменено"
        case .retry: "запущено заново"
        case .requeue: "возвращено в очередь"
        case .edit: "изменено"
        case .delete: "удалено"
        case .handBack: "передано Celery"
        }
    }

    func wouldBeDone(_ count: Int, in language: Language) -> String {
        language == .russian
            ? "было бы \(russian): \(count); --yes сделает это" : "\(count) would be \(participle); --yes \(does)" + (self == .handBack ? "" : " them")
    }

    func wasDone(_ count: Int, in language: Language) -> String { language == .russian ? "\(russian): \(count)" : "\(count) \(participle)" }

    func question(_ count: Int, in language: Language) -> String {
        language == .russian ? "Будет \(russian): \(count). Продолжить? [да/нет] " : "\(count) will be \(participle). Go on? [y/N] "
    }
}

/// A change of jobs that were named by their ids or chosen by filters: they are counted, the person is asked, and it is done one by one.
struct BulkWork {
    let verb: JobVerb
    /// The ids that were named; empty: the query chooses.
    let ids: [String]
    /// Where named jobs may be, and which are chosen.
    let query: JobQuery
    /// The queues they are chosen from; empty: as the query says.
    var queues: [String] = []
    let bulk: BulkOptions
    let json: Bool
    let language: Language

    /// Does it. A job that the server refuses keeps no other one from its turn.
    ///
    /// - Throws: exit code 2 when a job that was named is not there, 1 when it is where this cannot be done, when the server refused it, or when there
    ///   are more than were chosen; what ends it all before its end, after it was said what had been done by then.
    func run(_ connection: ApiumConnection, _ body: (JobDesk, JobRow) async throws -> JobDesk.Outcome) async throws {
        let desk = JobDesk(connection.inspector)
        let choice = try await choice(desk)
        guard try await isWanted(choice.rows) else { return counted(choice) }
        var tally = BulkTally()
        do {
            for row in choice.rows { try await tally.note(row) { try await body(desk, row) } }
        } catch {
            if !tally.isEmpty { write(tally, isComplete: false) }
            throw error
        }
        try report(tally, choice)
    }

    /// What something is done with.
    struct Choice {
        var rows: [JobRow] = []
        /// Whether more are to be chosen than these.
        var hasMore = false
        /// Where jobs that were named and not found may be.
        var unseen: [QueueSight] = []
        /// What could not be looked at.
        var gaps: Set<Gap> = []

        mutating func take(_ page: JobPage) {
            rows += page.rows
            hasMore = hasMore || page.next != nil
            gaps.formUnion(page.gaps)
        }
    }

    private func choice(_ desk: JobDesk) async throws -> Choice {
        var choice = Choice()
        guard ids.isEmpty else {
            let found = try await desk.search(for: ids)
            choice.rows = found.rows.filter { query.states.contains($0.place) }
            choice.unseen = found.unseen
            choice.gaps = Set(found.gaps)
            return choice
        }
        for queue in queues.isEmpty ? [query.queue] : queues.map(Optional.some) {
            var query = query
            query.queue = queue
            choice.take(try await desk.inspector.allJobs(query))
        }
        // What was set aside first goes first.
        choice.rows = choice.rows.filter { $0.place.shelf == nil } + choice.rows.filter { $0.place.shelf != nil }.reversed()
        return choice
    }

    /// All that the query chooses, however many: for what leaves jobs where they are, so that doing it again would begin at the first one again. Their
    /// messages are not kept.
    func everything(_ inspector: Inspector) async throws -> Choice {
        var choice = Choice()
        var query = query
        repeat {
            var page = try await inspector.allJobs(query, most: 10_000)
            query.cursor = page.next
            page.next = nil
            for place in page.rows.indices {
                page.rows[place].payload = []
                page.rows[place].waiting = nil
            }
            choice.take(page)
        } while query.cursor != nil
        return choice
    }

    /// Jobs that were named need no --yes; of others the person is asked, if there is one.
    func isWanted(_ rows: [JobRow]) async throws -> Bool {
        if bulk.dryRun { return false }
        if bulk.yes || !ids.isEmpty { return true }
        guard Terminal.isInteractive, !json, !rows.isEmpty else { return false }
        overview(rows)
        guard await Terminal.confirms(verb.question(rows.count, in: language)) else { throw ExitCode.success }
        return true
    }

    /// Shows how many jobs of each name there are.
    private func overview(_ rows: [JobRow]) {
        var counts: [[String]: Int] = [:]
        for row in rows { counts[[row.task ?? "?", row.place.rawValue, row.queue], default: 0] += 1 }
        var table = TextTable("NAME", "STATE", "QUEUE", "JOBS")
        for (kind, count) in counts.sorted(by: { ($1.value, $0.key.joined()) < ($0.value, $1.key.joined()) }).prefix(20) { table.add(kind + ["\(count)"]) }
        table.write()
    }

    private func counted(_ choice: Choice) {
        counted(choice.rows.map(\.id), isComplete: !choice.hasMore)
        complain(choice)
    }

    /// Says with how many it would be done.
    func counted(_ ids: [String], isComplete: Bool = true) {
        if json { return CommandOutput.json([verb.done: false, "ids": .array(ids.map { .string($0) }), "complete": .bool(isComplete)]) }
        CommandOutput.line(verb.wouldBeDone(ids.count, in: language))
    }

    /// Says what was not chosen or not looked at.
    func complain(_ choice: Choice) {
        Gap.complain(choice.gaps.sorted(), in: language)
        guard choice.hasMore else { return }
        CommandOutput.complain(
            language == .russian
                ? "это не все: за один раз берётся не больше 100 000; повторите команду или сузьте выбор"
                : "there are more: no more than 100,000 are taken at once; say it again, or choose fewer")
    }

    private func report(_ tally: BulkTally, _ choice: Choice) throws {
        write(tally, isComplete: !choice.hasMore)
        complain(choice)
        let missing = ids.filter { !tally.seen.contains($0) }
        if !missing.isEmpty {
            let words = language == .russian ? "не найдены или уже изменены: " : "not there, or moved on meanwhile: "
            CommandOutput.complain(Terminal.plain(words + missing.joined(separator: ", ")))
            if !choice.unseen.isEmpty {
                let words = language == .russian ? "просмотрено не всё; они могут стоять дальше: " : "not all was looked at; they may be further back in "
                CommandOutput.complain(Terminal.plain(words + choice.unseen.text(in: language)))
            }
            throw CommandOutput.notThere
        }
        if choice.hasMore || !tally.failed.isEmpty || (!tally.refused.isEmpty && !ids.isEmpty) { throw CommandOutput.notAll }
    }

    private func write(_ tally: BulkTally, isComplete: Bool) {
        if json {
            CommandOutput.json([
                verb.done: true, "ids": .array(tally.done.map { .string($0) }),
                "refused": .object(Dictionary(tally.refused.map { ($0.id, .string($0.why.rawValue)) }) { $1 }),
                "failed": .object(Dictionary(tally.failed.map { ($0.id, .string($0.why)) }) { $1 }), "complete": .bool(isComplete),
            ])
        } else {
            CommandOutput.line(verb.wasDone(tally.done.count, in: language))
            tell(tally.refused)
        }
        tell(tally.failed)
    }

    /// Says why jobs were left as they are: each that was named, and how many of those that were chosen.
    private func tell(_ refused: [(id: String, why: JobDesk.Refusal)]) {
        guard ids.isEmpty else {
            for (id, why) in refused { CommandOutput.complain("\(Terminal.plain(id)): \(why.text(in: language))") }
            return
        }
        for why in JobDesk.Refusal.allCases {
            let count = refused.filter { $0.why == why }.count
            if count > 0 { CommandOutput.complain((language == .russian ? "оставлено \(count): " : "\(count) left as they are: ") + why.text(in: language)) }
        }
    }

    /// Says with which jobs the server would not do it, and why: the first ones of many.
    private func tell(_ failed: [(id: String, queue: String, why: String)]) {
        guard !failed.isEmpty else { return }
        CommandOutput.complain(language == .russian ? "не удалось: \(failed.count)" : "\(failed.count) failed")
        for (id, queue, why) in failed.prefix(10) { CommandOutput.complain(Terminal.plain("  \(id) (\(queue)): \(why)")) }
        if failed.count > 10 { CommandOutput.complain("  …") }
    }
}

/// What became of the jobs that something was done with.
struct BulkTally {
    private(set) var done: [String] = []
    private(set) var refused: [(id: String, why: JobDesk.Refusal)] = []
    private(set) var failed: [(id: String, queue: String, why: String)] = []
    /// The ids of those that were still there.
    private(set) var seen: Set<String> = []
    private(set) var isEmpty = true

    /// What concerns one job alone: the next one may have a queue whose key is a list.
    private static let ofOne: Set<ApiumError.Code> = [
        .notAvailable, .malformedMessage, .refusedContent, .badSignature, .conflict, .queueNotFound, .unroutable,
    ]

    /// Does something with a job, and notes what became of it.
    ///
    /// - Throws: what would befall the others, too.
    mutating func note(_ row: JobRow, _ body: () async throws -> JobDesk.Outcome) async throws {
        do {
            let outcome = try await body()
            isEmpty = false
            if outcome != .movedOn { seen.insert(row.id) }
            switch outcome {
            case .done: done.append(row.id)
            case .refused(let why): refused.append((row.id, why))
            case .movedOn: break
            }
        } catch let error as ApiumError where Self.ofOne.contains(error.code) {
            isEmpty = false
            seen.insert(row.id)
            failed.append((row.id, row.queue, "\(error)"))
        }
    }
}

/// Which jobs something is done with.
struct JobChoice: ParsableArguments {
    @Argument(help: "The ids.") var ids: [String] = []
    @Option(help: "in-flight, ready, held, scheduled, quarantine, dead or parked; may be given several times.") var state: [StateArgument] = []
    @OptionGroup var filter: JobFilter
    @OptionGroup var bulk: BulkOptions
    @Flag(help: "Print JSON: whether it was done, and the ids.") var json = false

    func validate() throws {
        let isFiltered = filter.isGiven || !state.isEmpty
        if ids.isEmpty && !isFiltered { throw ValidationError("name jobs by their ids, or choose them by filters") }
        if !ids.isEmpty && isFiltered { throw ValidationError("name jobs by their ids, or choose them by filters, not both") }
    }

    /// The work with what is chosen.
    ///
    /// - Parameter states: where jobs are chosen when no state was given; named ones may be anywhere.
    func work(_ verb: JobVerb, in states: Set<JobPlace>, _ language: Language) -> BulkWork {
        let places = !ids.isEmpty ? Set(JobPlace.allCases) : state.isEmpty ? states : Set(state.map(\.place))
        return BulkWork(verb: verb, ids: ids, query: filter.query(places), bulk: bulk, json: json, language: language)
    }
}
