import ApiumCore
import DynamicJSON

/// What a setting about serialisations takes: names, or content types, of those that the program brings.
struct ContentShape<Value: Sendable>: Sendable {
    /// What it takes, for the documentation.
    let takes: String
    let read: @Sendable (JSONValue, _ known: [Serializer]) throws -> Value
    let show: @Sendable (Value) -> JSONValue
}

extension ContentShape where Value == Serializer {
    static let one = ContentShape(
        takes: "json, or yaml and auth where the program brings them",
        read: { value, known in
            let name = try SettingValue.text(value)
            return try faulting { try Serializer(named: name, among: known) }
        }, show: { .string($0.name) })
}

extension ContentShape where Value == AcceptedContent {
    static let several = ContentShape(takes: "a list of serialisations", read: accepted, show: shown)
}

extension ContentShape where Value == AcceptedContent? {
    static let several = ContentShape(takes: "a list of serialisations", read: accepted, show: { $0.map(shown) ?? .null })
}

extension SettingShape where Value == BodyCompression? {
    static let compression = SettingShape(
        "zlib (also gzip), bzip2 or zstd",
        read: { value, _ in
            let name = try SettingValue.text(value)
            return try faulting("cannot be used: ") { try BodyCompression(name: name) }
        }, show: { $0.map { .string($0.rawValue) } ?? .null })
}

@Sendable private func accepted(_ value: JSONValue, _ known: [Serializer]) throws -> AcceptedContent {
    let names = try SettingValue.list(value).map { try SettingValue.text($0) }
    return try faulting { try AcceptedContent(names: names, among: known) }
}

@Sendable private func shown(_ content: AcceptedContent) -> JSONValue { .array(content.serializers.map { .string($0.name) }) }

/// The engine's refusals as faults of a setting.
private func faulting<Value>(_ prefix: String = "", _ make: () throws -> Value) throws -> Value {
    do { return try make() } catch let error as ApiumError { throw SettingFault(prefix + error.message) }
}
