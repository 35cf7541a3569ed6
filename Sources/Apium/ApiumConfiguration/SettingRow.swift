import DynamicJSON

/// One line of `apium config`: a setting, its value with secrets masked, and where it came from.
public struct SettingRow: Sendable, Hashable {
    /// The setting's name.
    public var name: String
    /// The value.
    public var json: JSONValue
    /// Where it came from.
    public var origin: String

    /// The origin of what nobody has set.
    public static let standard = "default"

    /// The value for people: a text as it is, `-` for what is not set, else JSON.
    public var value: String {
        switch json {
        case .null: "-"
        case .string(let text): text
        default: json.text
        }
    }
}

extension LoadedSettings {
    /// All settings in the order of the documentation.
    public var rows: [SettingRow] {
        SettingDefinition.all.map { SettingRow(name: $0.name, json: $0.show(settings), origin: origins[$0.name] ?? SettingRow.standard) }
    }
}

extension SettingDefinition {
    /// All settings as a table in Markdown: docs/configuration.md holds this text.
    public static var markdown: String {
        let standard = ApiumSettings()
        let rows = all.map { definition in
            let value = definition.show(standard)
            let shown = value == .null || value == .object([:]) || value == .array([]) ? "–" : "`\(SettingRow(name: "", json: value, origin: "").value)`"
            let short = definition.environment.first { !$0.hasSuffix("_" + definition.name.uppercased()) }.map { " (`\($0)`)" } ?? ""
            let own = definition.isCelerys ? "" : " \u{2020}"
            return "| `\(definition.name)`\(own)\(short) | \(definition.takes) | \(shown) | \(definition.help) |"
        }
        return (["| setting | takes | default | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }
}
