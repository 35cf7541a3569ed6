import Apium
import ApiumConfiguration
import ArgumentParser
import DynamicJSON

/// `apium config`: the settings in force.
public struct ConfigCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the settings in force, and where each value came from.",
        discussion: """
            Read in this order, the later wins: the YAML file, ./.env, the environment, the command line.

            Examples:
              apium config --set
              apium config --json | jq -r '.settings[] | select(.name == "broker_url") | .source'

            Passwords are never shown. Exit code 64 when a setting cannot be used; every fault is then told with its source.
            """)

    @OptionGroup var connection: OperatorOptions
    @Flag(help: "Only what is set, without defaults.") var set = false
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: ArgumentHelp("Print all settings and what they take as a table in Markdown.", visibility: .hidden)) var describe = false

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            if describe { return CommandOutput.line(SettingDefinition.markdown) }
            let loaded = try connection.settings()
            let rows = loaded.rows.filter { !set || $0.origin != SettingRow.standard }
            if json { return CommandOutput.json(Self.document(rows, notes: loaded.notes)) }
            let name = (rows.map(\.name.count).max() ?? 0) + 2
            let value = min((rows.map(\.value.count).max() ?? 0) + 2, 60)
            for row in rows { CommandOutput.line(row.name.padded(to: name) + row.value.padded(to: value) + row.origin) }
            for note in loaded.notes { CommandOutput.line("note: \(note)") }
        }
    }

    private static func document(_ rows: [SettingRow], notes: [String]) -> JSONValue {
        let settings = rows.map { row -> JSONValue in ["name": .string(row.name), "value": row.json, "source": .string(row.origin)] }
        return ["settings": .array(settings), "notes": .array(notes.map { .string($0) })]
    }
}

extension String {
    /// The text with blanks behind it, at least two.
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(2, width - count)) }
}
