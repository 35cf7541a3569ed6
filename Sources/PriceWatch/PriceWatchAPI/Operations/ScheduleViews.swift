import ApiumBeat
import ApiumCore
import DynamicJSON

/// An entry of the schedule.
struct ScheduleEntryView: Encodable, Sendable, SchemaProviding {
    var name: String
    var source: String
    var enabled: Bool
    var switched: Bool
    var shadowing: Bool
    var fault: String?
    var definition: JSONValue?
    var since: Int64?
    var last: Int64?
    var next: Int64?

    init(_ listing: ScheduleListing) {
        name = listing.name
        source = listing.source.rawValue
        enabled = listing.entry?.isEnabled ?? false
        switched = listing.isSwitched
        shadowing = listing.isShadowing
        fault = listing.fault?.prefixed(4096)
        definition = listing.entry?.definition
        since = listing.progress?.since.microseconds
        last = listing.progress?.mark?.microseconds
        next = listing.next?.microseconds
    }

    static let instant = Schema.integer(Int64.min...Int64.max)
    /// A name of an entry.
    static let name = Schema.string(StringRule(length: 1...200, alphabet: .printable))

    static let schemaName = "ScheduleEntry"
    static let schemaDescription = "An entry of the schedule, with where it comes from."
    static var schema: Schema {
        .object([
            .required("name", .string(StringRule(length: 0...65_536, alphabet: .any))),
            .required(
                "source", .choice(ScheduleListing.Source.allCases.map(\.rawValue)),
                "deployed: of the schedule file or the code; added: of the dynamic store; stray: what is stored has no entry or cannot be read."),
            .required("enabled", .boolean, "Whether it fires."), .required("switched", .boolean, "Whether the dynamic store switches a deployed entry."),
            .required("shadowing", .boolean, "Whether an entry of this name in the dynamic store has no effect, because a deployment brings one."),
            .optional("fault", .string(StringRule(length: 0...4096, alphabet: .any)), "What is wrong with what is stored."),
            .optional("definition", .map(maxProperties: 64), "The entry as it would stand in a schedule file."),
            .optional("since", instant, "When it came into force as it is now, in microseconds since 1970."),
            .optional("last", instant, "The last slot that fired or was skipped."), .optional("next", instant, "The next slot."),
        ])
    }
}

/// The schedule.
struct ScheduleView: Encodable, Sendable, SchemaProviding {
    var generation: Int64
    var revision: Int64
    var entries: [ScheduleEntryView]

    static let schemaName = "Schedule"
    static let schemaDescription = "The schedule that is in force, entries by name."
    static var schema: Schema {
        .object([
            .required("generation", .integer(Int64.min...Int64.max), "Of the deployment in force."),
            .required("revision", .integer(0...Int64.max), "Counts the edits of the dynamic store."),
            .required("entries", .array(.named(ScheduleEntryView.self), count: 0...100_000)),
        ])
    }
}

/// Slots to come.
struct SchedulePreviewView: Encodable, Sendable, SchemaProviding {
    var slots: [Slot]

    struct Slot: Encodable, Sendable {
        var slot: Int64
        var local: String
        var note: String?
    }

    init(_ slots: [SlotPreview]) { self.slots = slots.map { Slot(slot: $0.slot.microseconds, local: $0.local, note: $0.note?.description) } }

    /// The most that is shown.
    static let most = 100

    static let schemaName = "SchedulePreview"
    static let schemaDescription = "The slots to come of an entry."
    static var schema: Schema {
        .object([
            .required(
                "slots",
                .array(
                    .object([
                        .required("slot", ScheduleEntryView.instant, "In microseconds since 1970."),
                        .required("local", .string(StringRule(length: 0...64, alphabet: .any)), "In the entry's time zone, with its offset from UTC."),
                        .optional("note", .string(StringRule(length: 0...256, alphabet: .any)), "What the clock does there."),
                    ]), count: 0...most))
        ])
    }
}

/// What became of slots.
struct ScheduleLedgerView: Encodable, Sendable, SchemaProviding {
    var records: [Record]

    struct Record: Encodable, Sendable {
        var entry: String
        var slot: Int64
        var first: Int64
        var count: Int
        var outcome: String
        var reason: String?
        var job: String?
        var blocker: String?
        var decided: Int64

        init(_ record: SlotRecord) {
            (entry, slot, first, count) = (record.entry, record.slot.microseconds, record.first.microseconds, record.count)
            (outcome, reason, job, blocker) = (record.outcome.rawValue, record.reason?.rawValue, record.jobID, record.blocker)
            decided = record.decided.microseconds
        }
    }

    static let schemaName = "ScheduleLedger"
    static let schemaDescription = "What became of slots, the newest first."
    static var schema: Schema {
        let text = Schema.string(StringRule(length: 0...65_536, alphabet: .any))
        return .object([
            .required(
                "records",
                .array(
                    .object([
                        .required("entry", text), .required("slot", ScheduleEntryView.instant, "The slot; of several that were skipped the last."),
                        .required("first", ScheduleEntryView.instant, "The first of them."), .required("count", .integer(0...Int64.max), "How many."),
                        .required("outcome", .choice(SlotRecord.Outcome.allCases.map(\.rawValue))),
                        .optional("reason", .choice(SlotRecord.Reason.allCases.map(\.rawValue)), "Why it was skipped."),
                        .optional("job", text, "The job's id."),
                        .optional("blocker", text, "The job that stood in the way, was waited for, or was cancelled."),
                        .required("decided", ScheduleEntryView.instant, "When it was decided: less the slot, its lateness."),
                    ]), count: 0...1_000))
        ])
    }
}

/// Who changed what.
struct ScheduleAuditView: Encodable, Sendable, SchemaProviding {
    var records: [Record]

    struct Record: Encodable, Sendable {
        var at: Int64
        var editor: String
        var action: String
        var entry: String
        var before: String?
        var after: String?

        init(_ record: ScheduleAuditRecord) {
            (at, editor, action) = (record.at.microseconds, record.editor.name, record.editor.action)
            (entry, before, after) = (record.entry, record.before, record.after)
        }
    }

    static let schemaName = "ScheduleAudit"
    static let schemaDescription = "Who changed what in the schedule, the newest first."
    static var schema: Schema {
        let text = Schema.string(StringRule(length: 0...131_072, alphabet: .any))
        return .object([
            .required(
                "records",
                .array(
                    .object([
                        .required("at", ScheduleEntryView.instant), .required("editor", text), .required("action", text), .required("entry", text),
                        .optional("before", text, "What stood in the dynamic store, as JSON."), .optional("after", text, "What stands there since."),
                    ]), count: 0...1_000))
        ])
    }
}

/// The body of `PUT /api/v1/schedule/{name}`.
struct ScheduleEntryRequest: Decodable, Sendable, SchemaProviding {
    var definition: [String: JSONValue]
    var revision: Int64?

    static let schemaName = "ScheduleEntryRequest"
    static let schemaDescription = "An entry for the dynamic store."
    static var schema: Schema {
        .object([
            .required(
                "definition", .map(maxProperties: 32),
                "The entry as it would stand in a schedule file: task, one of every, crontab, solar and at, and args, kwargs, options, timezone, jitter, "
                    + "start, end, catch_up, overlap, skipped_hour, repeated_hour, enabled."),
            .optional("revision", .integer(0...Int64.max), "Refuse the edit when the schedule has been edited since this revision."),
        ])
    }
}

/// 200 for an entry that was replaced or only tried, 201 for one that was added.
enum ScheduleEditOutput: OperationOutput {
    case added(ScheduleEntryView)
    case replaced(ScheduleEntryView)

    static var replies: [ReplyDescription] {
        [
            .json(201, "The entry was added.", .named(ScheduleEntryView.self)),
            .json(200, "The entry was replaced; with `dry_run` nothing was changed.", .named(ScheduleEntryView.self)),
        ]
    }

    var answer: Answer {
        get throws {
            switch self {
            case .added(let entry): Answer(status: 201, body: .json(try JSONValueEncoder().encode(entry)))
            case .replaced(let entry): Answer(status: 200, body: .json(try JSONValueEncoder().encode(entry)))
            }
        }
    }
}

/// 204: it is gone.
struct ScheduleEntryRemoved: OperationOutput {
    static var replies: [ReplyDescription] { [ReplyDescription(status: 204, description: "The entry is removed.", schema: nil, mediaType: nil)] }
    var answer: Answer { get throws { Answer(status: 204, body: .none) } }
}
