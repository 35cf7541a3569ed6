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

    /// Does it.
    ///
    /// - Throws: exit code 2 when a job that was named is not there, 1 when it is where this cannot be done.
    func run(_ connection: ApiumConnection, _ body: (JobDesk, JobRow) async throws -> JobDesk.Outcome) async throws {
        let desk = JobDesk(connection.inspector)
        let rows = try await rows(desk)
        guard try await isWanted(rows) else { return counted(rows.map(\.id)) }
        var outcomes: [(id: String, outcome: JobDesk.Outcome)] = []
        for row in rows { outcomes.append((row.id, try await body(desk, row))) }
        try report(outcomes)
    }

    private func rows(_ desk: JobDesk) async throws -> [JobRow] {
        if ids.isEmpty {
            var rows: [JobRow] = []
            for queue in queues.isEmpty ? [query.queue] : queues.map(Optional.some) {
                var query = query
                query.queue = queue
                rows += try await desk.inspector.allJobs(query)
            }
            // What was set aside first goes first.
            return rows.filter { $0.place.shelf == nil } + rows.filter { $0.place.shelf != nil }.reversed()
        }
        return try await desk.find(ids).filter { query.states.contains($0.place) }
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

    func counted(_ ids: [String]) {
        if json { return CommandOutput.json([verb.done: false, "ids": .array(ids.map { .string($0) })]) }
        CommandOutput.line(verb.wouldBeDone(ids.count, in: language))
    }

    private func report(_ outcomes: [(id: String, outcome: JobDesk.Outcome)]) throws {
        let done = outcomes.filter { $0.outcome == .done }.map(\.id)
        let refused = outcomes.compactMap { id, outcome in if case .refused(let why) = outcome { (id, why) } else { nil } }
        let seen = Set(outcomes.filter { $0.outcome != .movedOn }.map(\.id))
        let missing = ids.filter { !seen.contains($0) }
        if json {
            CommandOutput.json([
                verb.done: true, "ids": .array(done.map { .string($0) }),
                "refused": .object(Dictionary(refused.map { ($0.0, .string($0.1.rawValue)) }) { $1 }),
            ])
        } else {
            CommandOutput.line(verb.wasDone(done.count, in: language))
            tell(refused)
        }
        if !missing.isEmpty {
            let words = language == .russian ? "не найдены или уже изменены: " : "not there, or moved on meanwhile: "
            CommandOutput.complain(words + missing.joined(separator: ", "))
            throw CommandOutput.notThere
        }
        if !refused.isEmpty && !ids.isEmpty { throw CommandOutput.notAll }
    }

    /// Says why jobs were left as they are: each that was named, and how many of those that were chosen.
    private func tell(_ refused: [(String, JobDesk.Refusal)]) {
        guard ids.isEmpty else {
            for (id, why) in refused { CommandOutput.complain("\(id): \(why.text(in: language))") }
            return
        }
        for why in JobDesk.Refusal.allCases {
            let count = refused.filter { $0.1 == why }.count
            if count > 0 { CommandOutput.complain((language == .russian ? "оставлено \(count): " : "\(count) left as they are: ") + why.text(in: language)) }
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
