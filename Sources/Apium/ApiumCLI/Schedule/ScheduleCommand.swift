import Apium
import ApiumBeat
import ArgumentParser
import DynamicJSON
import Foundation

/// `apium schedule`: looks at schedules and edits the one of a running system.
public struct ScheduleCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Look at schedules, and edit the one in force.",
        discussion: """
            Entries come from the deployment (its schedule file or its code), and from the dynamic store in the broker, which these commands \
            edit while the beats run. A deployment's entries can be disabled and enabled, the others changed.
            """,
        subcommands: [
            List.self, Show.self, Add.self, Enable.self, Disable.self, Run.self, Remove.self, Import.self, Preview.self, Ledger.self, Audit.self, Check.self,
        ])

    public init() {}

    /// Who edits, for the audit.
    struct EditorOptions: ParsableArguments {
        @Option(name: .customLong("as"), help: "Who edits, for the audit. Default: the user and host.") var name: String?

        var editor: String { name ?? OperatorOptions.operatorName }
    }

    /// `apium schedule list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show all entries, where they come from, and when they fire next.",
            discussion: "Example: apium schedule list --json | jq -r '.entries[].name'")
        @OptionGroup var connection: OperatorOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await connection.withScheduleDesk { desk in
                let overview = try await desk.overview()
                if json {
                    return CommandOutput.json([
                        "generation": .int(overview.edition.generation), "revision": .int(overview.edition.revision),
                        "entries": .array(overview.entries.map(\.json)),
                    ])
                }
                let width = overview.entries.map(\.name.count).max() ?? 0
                for listing in overview.entries {
                    CommandOutput.line(listing.name + String(repeating: " ", count: width - listing.name.count + 2) + listing.words)
                }
                if overview.entries.isEmpty { CommandOutput.line("no entry; a deployment's entries are there once a beat has run") }
            }
        }
    }

    /// `apium schedule show NAME`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one entry, its next slots and its last ones.", discussion: "Example: apium schedule show nightly-report")
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The entry's name.") var name: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await connection.withScheduleDesk { desk in
                let listing = try await desk.listing(name)
                let slots = listing.entry == nil ? [] : try await desk.preview(name, count: 5)
                let records = try await desk.ledger(LedgerQuery(entry: name, limit: 5))
                if json {
                    guard case .object(var map) = listing.json else { return }
                    map["upcoming"] = .array(slots.map(\.json))
                    map["ledger"] = .array(records.map(\.json))
                    return CommandOutput.json(.object(map))
                }
                CommandOutput.line("\(name)  \(listing.words)")
                if let entry = listing.entry { CommandOutput.line("  \(entry.definition.text)") }
                if let fault = listing.fault { CommandOutput.line("  fault: \(fault)") }
                for slot in slots { CommandOutput.line("  next  \(slot)") }
                for record in records { CommandOutput.line("  last  \(record.words)") }
            }
        }
    }

    /// `apium schedule ledger [NAME]`.
    struct Ledger: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what became of slots, the newest first.",
            discussion: "Example: apium schedule ledger nightly-report --outcome skipped --since 2030-01-01T00:00:00Z")
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The entry's name. Default: all entries.") var name: String?
        @Option(help: "Only fired, caught_up or skipped; may be given several times.") var outcome: [String] = []
        @Option(help: "Only slots from this ISO 8601 instant on.") var since: String?
        @Option(help: "Only slots up to this ISO 8601 instant.") var until: String?
        @Option(help: "How many, 1 to 10000.") var limit = 50
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await connection.withScheduleDesk { desk in
                let outcomes = try outcome.map { text in
                    guard let outcome = SlotRecord.Outcome(rawValue: text) else {
                        throw ApiumError(.invalidConfiguration, "--outcome is \"\(text)\"; it takes fired, caught_up or skipped")
                    }
                    return outcome
                }
                guard (1...10_000).contains(limit) else { throw ApiumError(.invalidConfiguration, "--limit is \(limit); it takes 1 to 10000") }
                let records = try await desk.ledger(
                    LedgerQuery(
                        entry: name, outcomes: Set(outcomes), since: try instant(since, "--since"), until: try instant(until, "--until"), limit: limit))
                if json { return CommandOutput.json(.array(records.map(\.json))) }
                for record in records { CommandOutput.line("\(record.entry)  \(record.words)") }
            }
        }
    }

    /// `apium schedule audit [NAME]`.
    struct Audit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show who changed what in the schedule, the newest first.", discussion: "Example: apium schedule audit nightly-report")
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The entry's name. Default: all entries.") var name: String?
        @Option(help: "How many, 1 to 1000.") var limit = 50
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await connection.withScheduleDesk { desk in
                let records = try await desk.audit(entry: name, limit: limit)
                if json { return CommandOutput.json(.array(records.map(\.json))) }
                for record in records {
                    CommandOutput.line("\(record.at.iso8601)  \(record.editor.name)  \(record.editor.action)  \(record.entry)")
                    if record.before != record.after {
                        if let before = record.before { CommandOutput.line("  - \(before)") }
                        if let after = record.after { CommandOutput.line("  + \(after)") }
                    }
                }
            }
        }
    }
}

/// An instant of the command line.
func instant(_ text: String?, _ option: String) throws -> Timestamp? {
    guard let text else { return nil }
    guard let instant = Timestamp(iso8601: text) else {
        throw ApiumError(.invalidConfiguration, "\(option) is \"\(text)\"; it takes an ISO 8601 time, for example 2030-01-01T00:00:00Z")
    }
    return instant
}

extension OperatorOptions {
    /// Runs `body` with the desk of the schedule; faults become a sentence and an exit code.
    func withScheduleDesk(_ body: (ScheduleDesk) async throws -> Void) async throws {
        try await ScheduleCommand().reportingFaults {
            try await withConnection { connection in try await body(ScheduleDesk(of: connection.client)) }
        }
    }
}

extension ScheduleListing {
    /// The entry on a line.
    var words: String {
        guard let entry else { return fault.map { "cannot be used: \($0)" } ?? "a switch for an entry that no deployment brings" }
        var words = [source.rawValue, "\(entry.schedule)", entry.task]
        words.append(entry.isEnabled ? next.map { "next \($0.iso8601)" } ?? "no slot to come" : "disabled")
        if isSwitched { words.append("switched") }
        if isShadowing { words.append("an added entry of this name has no effect") }
        return words.joined(separator: "  ")
    }
}

extension SlotRecord {
    /// The record on a line.
    var words: String {
        var words = [slot.iso8601, outcome.rawValue]
        if count > 1 { words.append("\(count) slots from \(first.iso8601)") }
        if let reason { words.append(reason.rawValue) }
        if let jobID { words.append("job \(jobID)") }
        if let blocker { words.append("after \(blocker)") }
        if outcome != .skipped { words.append("late by \(Double(lateness.wholeMicroseconds / 100) / 10) ms") }
        return words.joined(separator: "  ")
    }
}
