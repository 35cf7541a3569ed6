import DynamicJSON

/// Links and codes by which schema.org data tells products and offers apart.
///
/// Shops leave fields empty, or fill all of them with the same "N/A": such a text would make one product of all that have it.
enum Identifiers {
    static func read(_ keys: [String], of node: SchemaNode) -> [String] {
        keys.compactMap { key in SchemaNode.list(node[key]).lazy.compactMap { text($0) }.compactMap { meaningful($0) }.first }
    }

    /// A `PropertyValue` has a name, too: that of the kind of identifier.
    private static func text(_ value: JSONValue) -> String? {
        guard let node = SchemaNode(value), node["value"] != nil || node.types.contains("propertyvalue") else { return SchemaNode.text(value) }
        return node.text("value")
    }

    /// The trimmed text; nil when it is too short to tell anything apart, or says that there is none.
    private static func meaningful(_ text: String) -> String? {
        var trimmed = text.drop(while: \.isWhitespace)
        while trimmed.last?.isWhitespace == true { trimmed.removeLast() }
        guard trimmed.count >= 3, !trimmed.contains("{{"), trimmed.contains(where: { ($0.isLetter || $0.isNumber) && $0 != "0" }) else { return nil }
        return placeholders.contains(trimmed.lowercased()) ? nil : String(trimmed)
    }

    private static let placeholders: Set<String> = [
        "n/a", "none", "null", "nil", "nan", "undefined", "unknown", "empty", "default", "false", "true", "tbd", "not available", "not applicable",
        "does not apply", "no sku", "sku", "mpn", "gtin", "ean", "нет", "не указан", "не указано", "отсутствует", "без артикула", "артикул",
    ]
}
