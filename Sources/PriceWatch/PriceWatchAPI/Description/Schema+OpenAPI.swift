import DynamicJSON

extension Schema {
    /// The schema as OpenAPI 3.1 (JSON Schema 2020-12) writes it.
    var document: [String: JSONValue] {
        switch self {
        case .string(let rule): return Self.document(of: rule)
        case .choice(let choices): return ["type": "string", "enum": .array(choices.map { .string($0) })]
        case .integer(let range): return ["type": "integer", "format": "int64", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
        case .number(let range): return ["type": "number", "minimum": .double(range.lowerBound), "maximum": .double(range.upperBound)]
        case .boolean: return ["type": "boolean"]
        case .array(let element, let count):
            return ["type": "array", "items": .object(element.document), "minItems": .int(Int64(count.lowerBound)), "maxItems": .int(Int64(count.upperBound))]
        case .object(let properties): return Self.document(of: properties)
        case .map(let most): return ["type": "object", "additionalProperties": true, "maxProperties": .int(Int64(most))]
        case .nullable(let schema): return ["anyOf": [.object(schema.document), ["type": "null"]]]
        case .oneOf(let schemas, _): return ["oneOf": .array(schemas.map { .object($0.document) })]
        case .any: return [:]
        case .named(let type): return ["$ref": .string("#/components/schemas/\(type.schemaName)")]
        }
    }

    private static func document(of rule: StringRule) -> [String: JSONValue] {
        var document: [String: JSONValue] = ["type": "string"]
        if rule.length.lowerBound > 0 { document["minLength"] = .int(Int64(rule.length.lowerBound)) }
        if rule.length.upperBound < .max { document["maxLength"] = .int(Int64(rule.length.upperBound)) }
        if let pattern = rule.alphabet.pattern { document["pattern"] = .string(pattern) }
        if let format = rule.format { document["format"] = .string(format) }
        return document
    }

    private static func document(of properties: [Property]) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for property in properties {
            var document = property.schema.document
            if !property.description.isEmpty { document["description"] = .string(property.description) }
            members[property.name] = .object(document)
        }
        let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
        var document: [String: JSONValue] = ["type": "object", "properties": .object(members), "additionalProperties": false]
        if !required.isEmpty { document["required"] = .array(required) }
        return document
    }

    /// Adds the named schemas that this one uses, and those that they use.
    func collect(into found: inout [String: any SchemaProviding.Type]) {
        switch self {
        case .named(let type):
            guard found.updateValue(type, forKey: type.schemaName) == nil else { return }
            type.schema.collect(into: &found)
        case .array(let element, _): element.collect(into: &found)
        case .object(let properties): for property in properties { property.schema.collect(into: &found) }
        case .nullable(let schema): schema.collect(into: &found)
        case .oneOf(let schemas, _): for schema in schemas { schema.collect(into: &found) }
        case .string, .choice, .integer, .number, .boolean, .map, .any: break
        }
    }
}
