import DynamicJSON
import HTTPTypes

/// Something an operation reads of a request: it describes itself, and it reads itself.
protocol OperationInput: Sendable {
    associatedtype Value: Sendable
    func describe(in operation: inout OperationDescription)
    func read(_ call: Call) throws -> Value
}

/// A `{name}` of the path.
struct PathInput<Value: Decodable & Sendable>: OperationInput {
    var name: String
    var schema: Schema
    var description: String

    init(_ name: String, _ schema: Schema, as _: Value.Type = Value.self, _ description: String) {
        self.name = name
        self.schema = schema
        self.description = description
    }

    func describe(in operation: inout OperationDescription) {
        operation.parameters.append(ParameterDescription(place: .path, name: name, schema: schema, isRequired: true, description: description))
    }

    func read(_ call: Call) throws -> Value {
        try decodeParameter(call.path[name] ?? "", name, schema)
    }
}

/// A query parameter that must be there.
struct QueryInput<Value: Decodable & Sendable>: OperationInput {
    var name: String
    var schema: Schema
    var description: String

    init(_ name: String, _ schema: Schema, as _: Value.Type = Value.self, _ description: String) {
        self.name = name
        self.schema = schema
        self.description = description
    }

    func describe(in operation: inout OperationDescription) {
        operation.parameters.append(ParameterDescription(place: .query, name: name, schema: schema, isRequired: true, description: description))
    }

    func read(_ call: Call) throws -> Value {
        guard let text = call.query[name] else { throw APIError(.invalidField, "the query parameter \(name) is required", field: name) }
        return try decodeParameter(text, name, schema)
    }
}

/// A query parameter that may be missing.
struct OptionalQueryInput<Value: Decodable & Encodable & Sendable>: OperationInput {
    var name: String
    var schema: Schema
    var defaultValue: Value?
    var description: String

    init(_ name: String, _ schema: Schema, as _: Value.Type = Value.self, default defaultValue: Value? = nil, _ description: String) {
        self.name = name
        self.schema = schema
        self.defaultValue = defaultValue
        self.description = description
    }

    func describe(in operation: inout OperationDescription) {
        operation.parameters.append(
            ParameterDescription(
                place: .query, name: name, schema: schema, isRequired: false, description: description,
                defaultValue: defaultValue.flatMap { try? JSONValueEncoder().encode($0) }))
    }

    func read(_ call: Call) throws -> Value? {
        guard let text = call.query[name] else { return defaultValue }
        return try decodeParameter(text, name, schema) as Value
    }
}

private func decodeParameter<Value: Decodable>(_ text: String, _ name: String, _ schema: Schema) throws -> Value {
    do {
        let value = schema.parse(text) ?? .string(text)
        return try JSONValueDecoder().decode(Value.self, from: try schema.check(value))
    } catch let mismatch as Mismatch {
        throw APIError(.invalidField, "\(name) must be \(mismatch.reason)", field: name)
    }
}

/// The JSON body.
struct BodyInput<Value: Decodable & Sendable & SchemaProviding>: OperationInput {
    init(_: Value.Type = Value.self) {}

    func describe(in operation: inout OperationDescription) { operation.body = .named(Value.self) }

    func read(_ call: Call) throws -> Value {
        do {
            return try JSONValueDecoder().decode(Value.self, from: try Value.schema.check(call.body ?? .null))
        } catch let mismatch as Mismatch {
            let name = mismatch.path.isEmpty ? "the body" : mismatch.path
            throw APIError(.invalidField, "\(name) must be: \(mismatch.reason)", field: mismatch.path.isEmpty ? nil : mismatch.path)
        } catch DecodingError.dataCorrupted(let context) {
            // What has the right form and is still no value, such as quiet hours that end when they begin.
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw APIError(.invalidField, "\(path.isEmpty ? "the body" : path): \(context.debugDescription)", field: path.isEmpty ? nil : path)
        }
    }
}

/// `Prefer: wait=N` (RFC 7240): how long the asker is willing to wait for a job's result, at most 30 seconds. Preferences
/// that are not understood are ignored, as that standard wants.
struct PreferInput: OperationInput {
    static let maximum = 30

    func describe(in operation: inout OperationDescription) {
        operation.parameters.append(
            ParameterDescription(
                place: .header, name: "Prefer", schema: .string(StringRule(length: 0...Int.max, alphabet: .any)), isRequired: false,
                description: "`wait=N`: wait up to N seconds (at most \(Self.maximum)) for the job's result instead of answering 202 at once."))
    }

    func read(_ call: Call) -> Duration? { Self.wait(call.headers[values: .prefer]) }

    static func wait(_ values: [String]) -> Duration? {
        for preference in values.flatMap({ $0.split(whereSeparator: { $0 == "," || $0 == ";" }) }) {
            let parts = preference.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" } }
            guard parts.count == 2, parts[0].lowercased() == "wait", let seconds = Int(parts[1]), seconds >= 0 else { continue }
            return .seconds(min(seconds, maximum))
        }
        return nil
    }
}

extension HTTPField.Name {
    /// RFC 7240.
    static var prefer: HTTPField.Name { HTTPField.Name("Prefer") ?? .accept }
}
