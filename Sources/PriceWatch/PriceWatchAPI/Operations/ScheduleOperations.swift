import ApiumBeat
import ApiumCore
import DynamicJSON

/// `/api/v1/schedule…`: the schedule, read and edited while beats run.
struct ScheduleOperations {
    var desk: ScheduleDesk
    var gate: EnqueueGate

    private let name = PathInput("name", ScheduleEntryView.name, as: String.self, "The entry's name.")
    private let entry = OptionalQueryInput("entry", ScheduleEntryView.name, as: String.self, "Only of this entry.")
    private let limit = OptionalQueryInput("limit", .integer(1...1_000), as: Int.self, default: 100, "How many at most.")
    private static let path = "/api/v1/schedule"

    init(desk: ScheduleDesk, gate: EnqueueGate) {
        self.desk = desk
        self.gate = gate
    }

    var all: [Operation] { [list, read, put, remove, enable, disable, run, preview, ledger, audit] }

    private var list: Operation {
        Operation(.get, Self.path, id: "getSchedule", tag: "schedule", summary: "Read the whole schedule", scopes: [.schedule]) { _ in
            let overview = try await translating { try await desk.overview() }
            return Found(
                ScheduleView(
                    generation: overview.edition.generation, revision: overview.edition.revision, entries: overview.entries.map(ScheduleEntryView.init)))
        }
    }

    private var read: Operation {
        Operation(
            .get, Self.path + "/{name}", id: "getScheduleEntry", tag: "schedule", summary: "Read an entry", scopes: [.schedule], errors: [.notFound],
            inputs: name
        ) { _, name in Found(ScheduleEntryView(try await translating { try await desk.listing(name) })) }
    }

    private var put: Operation {
        Operation(
            .put, Self.path + "/{name}", id: "putScheduleEntry", tag: "schedule", summary: "Add an entry, or replace one that was added",
            details: """
                In force when the answer comes. The entries of a deployment cannot be changed, only switched. Job and queue must be on the \
                token's allow list.
                """, scopes: [.schedule],
            errors: [.conflict], inputs: name, BodyInput(ScheduleEntryRequest.self),
            OptionalQueryInput("dry_run", .boolean, as: Bool.self, default: false, "Only check it, and say when it would fire.")
        ) { call, name, request, isDry in
            try await put(request, as: name, by: call.requireCaller(), isDry: isDry == true)
        }
    }

    private func put(_ request: ScheduleEntryRequest, as name: String, by caller: Caller, isDry: Bool) async throws -> ScheduleEditOutput {
        try await translating { () -> ScheduleEditOutput in
            let entry = try ScheduleEntry(name: name, definition: .object(request.definition))
            try gate.check(job: entry.task, queue: entry.queue, by: caller, at: .definition)
            let plan = try await desk.plan(adding: [entry], replacing: true)
            if let fault = plan.refusals.first { throw fault }
            if isDry { return .replaced(ScheduleEntryView(try await desk.listing(adding: entry))) }
            try await desk.add(entry, by: caller.editor, replacing: true, since: request.revision)
            let view = ScheduleEntryView(try await desk.listing(name))
            return plan.edits.contains { $0.before == nil } ? .added(view) : .replaced(view)
        }
    }

    private var remove: Operation {
        Operation(
            .delete, Self.path + "/{name}", id: "deleteScheduleEntry", tag: "schedule", summary: "Remove an entry that was added", scopes: [.schedule],
            errors: [.notFound, .conflict], inputs: name
        ) { call, name in
            let editor = try call.requireCaller().editor
            try await translating { try await desk.remove(name, by: editor) }
            return ScheduleEntryRemoved()
        }
    }

    private var enable: Operation { switching(true, "enable", "Let an entry fire again", "What passed meanwhile is not made good.") }
    private var disable: Operation { switching(false, "disable", "Let an entry fire no more", "A deployment's entries, too, over all deployments to come.") }

    private func switching(_ isEnabled: Bool, _ word: String, _ summary: String, _ details: String) -> Operation {
        Operation(
            .post, Self.path + "/{name}/\(word)", id: "\(word)ScheduleEntry", tag: "schedule", summary: summary, details: details, scopes: [.schedule],
            errors: [.notFound, .conflict], inputs: name
        ) { call, name in
            let caller = try call.requireCaller()
            return try await translating {
                if isEnabled { try await check(name, by: caller) }
                try await desk.setEnabled(isEnabled, name, by: caller.editor)
                return Found(ScheduleEntryView(try await desk.listing(name)))
            }
        }
    }

    private var run: Operation {
        Operation(
            .post, Self.path + "/{name}/run", id: "runScheduleEntry", tag: "schedule", summary: "Enqueue an entry's job now",
            details: "Enabled or not. It is of no slot: the next one fires as ever. Job and queue must be on the token's allow list.", scopes: [.schedule],
            errors: [.notFound, .conflict], inputs: name
        ) { call, name in
            let caller = try call.requireCaller()
            return try await translating {
                try await check(name, by: caller)
                return JobOutput.accepted(JobView(pending: try await desk.run(name, by: caller.editor)))
            }
        }
    }

    /// Refuses what would enqueue a job that the caller may not enqueue itself.
    private func check(_ name: String, by caller: Caller) async throws {
        guard let entry = try await desk.listing(name).entry else { return }
        try gate.check(job: entry.task, queue: entry.queue, by: caller, at: .entry)
    }

    private var preview: Operation {
        Operation(
            .get, Self.path + "/{name}/preview", id: "previewScheduleEntry", tag: "schedule", summary: "Show an entry's slots to come",
            details: "Each with its offset from UTC, and a note where the clock is changed.", scopes: [.schedule], errors: [.notFound], inputs: name,
            OptionalQueryInput("count", .integer(1...Int64(SchedulePreviewView.most)), as: Int.self, default: 20, "How many at most."),
            OptionalQueryInput("after", ScheduleEntryView.instant, as: Int64.self, "From this instant on, microseconds since 1970. Default: now.")
        ) { _, name, count, after in
            // Beyond the years that calendars are made for there is nothing to show.
            let instant = after.map { Timestamp(microseconds: min(max($0, 0), 253_370_764_800_000_000)) }
            return Found(SchedulePreviewView(try await translating { try await desk.preview(name, count: count ?? 20, after: instant) }))
        }
    }

    private var ledger: Operation {
        Operation(
            .get, "/api/v1/schedule-ledger", id: "getScheduleLedger", tag: "schedule", summary: "Read what became of slots", scopes: [.schedule],
            inputs: entry, OptionalQueryInput("outcome", .choice(SlotRecord.Outcome.allCases.map(\.rawValue)), as: String.self, "Only with this outcome."),
            OptionalQueryInput("since", ScheduleEntryView.instant, as: Int64.self, "Only slots from this instant on."),
            OptionalQueryInput("until", ScheduleEntryView.instant, as: Int64.self, "Only slots up to this instant."), limit
        ) { _, entry, outcome, since, until, limit in
            let query = LedgerQuery(
                entry: entry, outcomes: Set([outcome.flatMap(SlotRecord.Outcome.init)].compactMap { $0 }), since: since.map(Timestamp.init(microseconds:)),
                until: until.map(Timestamp.init(microseconds:)), limit: limit ?? 100)
            return Found(ScheduleLedgerView(records: try await translating { try await desk.ledger(query) }.map(ScheduleLedgerView.Record.init)))
        }
    }

    private var audit: Operation {
        Operation(
            .get, "/api/v1/schedule-audit", id: "getScheduleAudit", tag: "schedule", summary: "Read who changed what in the schedule",
            scopes: [.schedule], inputs: entry, limit
        ) { _, entry, limit in
            let records = try await translating { try await desk.audit(entry: entry, limit: limit ?? 100) }
            return Found(ScheduleAuditView(records: records.map(ScheduleAuditView.Record.init)))
        }
    }

    private func translating<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as ApiumError {
            switch error.code {
            case .noSuchEntry: throw APIError(.notFound, "there is no such entry", field: "name")
            case .scheduleConflict: throw APIError(.conflict, error.message)
            case .invalidConfiguration: throw APIError(.invalidField, error.message.prefixed(4096), field: "definition")
            case .queueNotFound, .unroutable, .notAvailable, .notPermitted: throw APIError(.conflict, error.message.prefixed(4096))
            default: throw APIError(error)
            }
        }
    }
}

extension Caller {
    /// The name of a token in the schedule's audit.
    fileprivate var editor: String { "token \(name)" }
}
