import DynamicJSON

/// An object of the schema.org vocabulary, read without regard to the case of keys.
///
/// Microdata is turned into the same objects; a text that was written for people (an element's content, not an attribute) is
/// then an object with the one key ``SchemaNode/textKey``.
struct SchemaNode: Sendable {
    /// No key of JSON-LD begins like this.
    static let textKey = "\u{1}text"

    private let members: [String: JSONValue]

    init?(_ value: JSONValue) {
        guard case .object(let object) = value else { return nil }
        members = Dictionary(object.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// The value of a key; null counts as missing.
    subscript(key: String) -> JSONValue? {
        guard let value = members[key.lowercased()] ?? members["schema:" + key.lowercased()], value != .null else { return nil }
        return value
    }

    var keys: Dictionary<String, JSONValue>.Keys { members.keys }

    /// The names of the types in lower case, without vocabulary.
    var types: Set<String> {
        Set(Self.list(self["@type"]).compactMap(\.stringValue).compactMap { $0.split { "/#:".contains($0) }.last?.lowercased() })
    }

    /// The `@id` of an object that is nothing but a reference.
    var reference: String? {
        members.count == 1 ? self["@id"]?.stringValue : nil
    }

    func text(_ key: String) -> String? {
        self[key].flatMap(Self.text)
    }

    /// A value or the values of an array.
    static func list(_ value: JSONValue?) -> [JSONValue] {
        guard let value, value != .null else { return [] }
        return value.arrayValue ?? [value]
    }

    /// The text of a value: of a string, a number, a language-tagged value, the first of an array.
    static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .double(let number): return String(number)
        case .array(let values): return values.lazy.compactMap(text).first
        case .object(let object): return (object[textKey] ?? object["@value"] ?? object["name"] ?? object["@id"]).flatMap(text)
        case .null, .bool: return nil
        }
    }
}
