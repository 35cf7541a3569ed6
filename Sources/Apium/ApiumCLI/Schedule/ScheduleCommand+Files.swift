import Apium
import ApiumBeat
import ArgumentParser
import DynamicJSON

extension ScheduleCommand {
    /// `apium schedule check FILE`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a schedule file is right; all faults with their lines.", discussion: "Example: apium schedule check beat/schedule.yaml")
        @Argument(help: "The schedule file.") var file: String

        func run() async throws {
            try await reportingFaults {
                let count = try ScheduleFile.load(path: file).file.entries.count
                CommandOutput.line("\(file): \(count) \(count == 1 ? "entry" : "entries"), no fault")
            }
        }
    }

    /// `apium schedule preview [ENTRY]`.
    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the next instants of an entry, or of all.",
            discussion: """
                Each with its offset from UTC in the entry's zone, and a note where the clock is changed.

                Example: apium schedule preview nightly-report --count 3
                """)
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The entry's name. Default: all entries.") var entry: String?
        @Option(help: "A schedule file. Default: the schedule in the broker.") var file: String?
        @Option(help: "How many instants of each, 1 to 10000.") var count = 10
        @Option(help: "The ISO 8601 instant to start from. Default: now.") var from: String?
        @Flag(help: "Print JSON: a list of slots, or a map of lists by entry.") var json = false

        func run() async throws {
            try await reportingFaults {
                guard (1...10_000).contains(count) else { throw ApiumError(.invalidConfiguration, "--count is \(count); it takes 1 to 10000") }
                let start = try instant(from, "--from") ?? .now()
                let entries = try await entries()
                guard let name = entry else { return all(entries, after: start) }
                guard let chosen = entries.first(where: { $0.name == name }) else {
                    throw ApiumError(.noSuchEntry, "there is no entry '\(name)'; there are \(entries.map(\.name).joined(separator: ", "))")
                }
                let slots = chosen.preview(count: count, after: start)
                if json { return CommandOutput.json(.array(slots.map(\.json))) }
                for slot in slots { CommandOutput.line(slot.description) }
            }
        }

        private func entries() async throws -> [ScheduleEntry] {
            if let file { return try ScheduleFile.load(path: file).file.entries }
            return try await connection.withConnection { connection in
                try await ScheduleDesk(broker: connection.broker).overview().entries.compactMap(\.entry)
            }
        }

        private func all(_ entries: [ScheduleEntry], after start: Timestamp) {
            let previews = entries.map { ($0.name, $0.preview(count: count, after: start)) }
            if json { return CommandOutput.json(.object(Dictionary(previews.map { ($0, .array($1.map(\.json))) }) { $1 })) }
            for (name, slots) in previews {
                CommandOutput.line("\(name):")
                for slot in slots { CommandOutput.line("  \(slot)") }
            }
        }
    }
}
