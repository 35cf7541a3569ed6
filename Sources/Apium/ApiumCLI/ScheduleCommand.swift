import Apium
import ApiumBeat
import ArgumentParser
import DynamicJSON

/// `apium schedule`: looks at schedule files.
public struct ScheduleCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Look at a schedule file.", subcommands: [Check.self, Preview.self])

    public init() {}

    /// `apium schedule check FILE`.
    public struct Check: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(abstract: "Say whether a schedule file is right; all faults with their lines.")
        @Argument(help: "The schedule file.") var file: String
        public init() {}

        public func run() async throws {
            try await reportingFaults {
                let count = try ScheduleFile.load(path: file).file.entries.count
                CommandOutput.line("\(file): \(count) \(count == 1 ? "entry" : "entries"), no fault")
            }
        }
    }

    /// `apium schedule preview FILE [ENTRY]`.
    public struct Preview: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            abstract: "Show the next instants of an entry, or of all.",
            discussion: "Each with its offset from UTC in the entry's zone, and a note where the clock is changed.")
        @Argument(help: "The schedule file.") var file: String
        @Argument(help: "The entry's name. Default: all entries.") var entry: String?
        @Option(help: "How many instants of each, 1 to 10000.") var count = 10
        @Option(help: "The ISO 8601 instant to start from. Default: now.") var from: String?
        @Flag(help: "Print JSON: a list of slots, or a map of lists by entry.") var json = false
        public init() {}

        public func run() async throws {
            try await reportingFaults {
                guard (1...10_000).contains(count) else { throw ApiumError(.invalidConfiguration, "--count is \(count); it takes 1 to 10000") }
                let entries = try ScheduleFile.load(path: file).file.entries
                let start = try start()
                guard let name = entry else { return all(entries, after: start) }
                guard let chosen = entries.first(where: { $0.name == name }) else {
                    throw ApiumError(.invalidConfiguration, "there is no entry \(name); there are \(entries.map(\.name).joined(separator: ", "))")
                }
                let slots = chosen.preview(count: count, after: start)
                if json { return CommandOutput.json(.array(slots.map(\.json))) }
                for slot in slots { CommandOutput.line(slot.description) }
            }
        }

        private func all(_ entries: [ScheduleEntry], after start: Timestamp) {
            let previews = entries.map { ($0.name, $0.preview(count: count, after: start)) }
            if json { return CommandOutput.json(.object(Dictionary(uniqueKeysWithValues: previews.map { ($0, .array($1.map(\.json))) }))) }
            for (name, slots) in previews {
                CommandOutput.line("\(name):")
                for slot in slots { CommandOutput.line("  \(slot)") }
            }
        }

        private func start() throws -> Timestamp {
            guard let from else { return .now() }
            guard let instant = Timestamp(iso8601: from) else {
                throw ApiumError(.invalidConfiguration, "--from is \"\(from)\"; it takes an ISO 8601 time, for example 2030-01-01T00:00:00Z")
            }
            return instant
        }
    }
}

extension SlotPreview {
    fileprivate var json: JSONValue {
        .object(["slot": .string(slot.iso8601), "local": .string(local), "note": note.map(JSONValue.string) ?? .null])
    }
}
