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

    /// `apium schedule preview FILE ENTRY`.
    public struct Preview: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(abstract: "Show the next instants of an entry.")
        @Argument(help: "The schedule file.") var file: String
        @Argument(help: "The entry's name.") var entry: String
        @Option(help: "How many instants.") var count = 10
        @Flag(help: "Print JSON.") var json = false
        public init() {}

        public func run() async throws {
            try await reportingFaults {
                let file = try ScheduleFile.load(path: file).file
                guard let entry = file.entries.first(where: { $0.name == entry }) else {
                    throw ApiumError(.invalidConfiguration, "there is no entry \(entry); there are \(file.entries.map(\.name).joined(separator: ", "))")
                }
                var slots: [Timestamp] = []
                var cursor = Timestamp.now()
                while slots.count < max(count, 0), let slot = entry.schedule.next(after: cursor) {
                    slots.append(slot)
                    cursor = slot
                }
                if json { return CommandOutput.json(.array(slots.map { .string($0.iso8601) })) }
                for slot in slots { CommandOutput.line(slot.iso8601) }
            }
        }
    }
}
