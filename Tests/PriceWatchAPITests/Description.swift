import DynamicJSON
import HTTPTypes
import Testing

/// The OpenAPI document as a judge of answers: a small reading of JSON Schema, written apart from what makes the document.
struct Description {
    let document: JSONValue

    init(_ document: JSONValue) { self.document = document }

    /// Records an issue for an answer that the document does not describe.
    func check(_ reply: Reply, _ method: HTTPRequest.Method, _ target: String, _ location: SourceLocation) {
        let path = target.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let item = document["paths"]?.objectValue?.first(where: { Self.matches($0.key, path) })?.value, let operation = item[method.rawValue.lowercased()]
        else { return }
        guard let answer = operation["responses"]?[String(reply.status)] else {
            Issue.record("\(method) \(target) answered \(reply.status), which is not described", sourceLocation: location)
            return
        }
        guard let content = answer["content"]?.objectValue else {
            if !reply.bytes.isEmpty { Issue.record("\(method) \(target): a body that is not described", sourceLocation: location) }
            return
        }
        let type = (reply.header("Content-Type") ?? "").prefix { $0 != ";" }
        guard let schema = content[String(type)]?["schema"] else {
            Issue.record("\(method) \(target) answered \(type), which is not described", sourceLocation: location)
            return
        }
        if type == "application/json", let fault = fault(in: reply.json, schema, "$") {
            Issue.record("\(method) \(target) \(reply.status): \(fault) in \(reply.text)", sourceLocation: location)
        }
    }

    private static func matches(_ template: String, _ path: [String]) -> Bool {
        let parts = template.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        return parts.count == path.count && zip(parts, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }

    /// What is wrong with a value, or `nil`.
    func fault(in value: JSONValue, _ schema: JSONValue, _ path: String) -> String? {
        if let reference = schema["$ref"]?.stringValue {
            guard let target = resolve(reference) else { return "\(path): \(reference) is missing" }
            return fault(in: value, target, path)
        }
        if let any = schema["anyOf"]?.arrayValue { return any.contains { fault(in: value, $0, path) == nil } ? nil : "\(path): none of anyOf" }
        if let one = schema["oneOf"]?.arrayValue { return one.count { fault(in: value, $0, path) == nil } == 1 ? nil : "\(path): not one of oneOf" }
        if let choices = schema["enum"]?.arrayValue, !choices.contains(value) { return "\(path): not in enum" }
        switch schema["type"]?.stringValue {
        case "object": return objectFault(value, schema, path)
        case "array":
            guard let elements = value.arrayValue else { return "\(path): no array" }
            if let most = schema["maxItems"]?.intValue, elements.count > most { return "\(path): too many items" }
            return elements.enumerated().lazy.compactMap { fault(in: $1, schema["items"] ?? [:], "\(path)[\($0)]") }.first
        case "string":
            guard let text = value.stringValue else { return "\(path): no string" }
            let length = Int64(text.unicodeScalars.count)
            if length < schema["minLength"]?.intValue ?? 0 || length > schema["maxLength"]?.intValue ?? .max { return "\(path): length \(length)" }
            return nil
        case "integer":
            guard case .int(let number) = value else { return "\(path): no integer" }
            if number < schema["minimum"]?.intValue ?? .min || number > schema["maximum"]?.intValue ?? .max { return "\(path): out of bounds" }
            return nil
        case "number": return value.doubleValue == nil ? "\(path): no number" : nil
        case "boolean": return value.boolValue == nil ? "\(path): no boolean" : nil
        case "null": return value.isNull ? nil : "\(path): not null"
        default: return nil
        }
    }

    private func objectFault(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> String? {
        guard let members = value.objectValue else { return "\(path): no object" }
        for name in schema["required"]?.arrayValue ?? [] where members[name.stringValue ?? ""] == nil { return "\(path): \(name) is missing" }
        for (name, member) in members {
            if let property = schema["properties"]?[name] {
                if let fault = fault(in: member, property, "\(path).\(name)") { return fault }
            } else if schema["additionalProperties"] == false {
                return "\(path).\(name): unknown"
            }
        }
        return nil
    }

    func resolve(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        return reference.dropFirst(2).split(separator: "/").reduce(document as JSONValue?) { $0?[String($1)] }
    }

    /// All references in the document.
    func references(in value: JSONValue? = nil) -> [String] {
        switch value ?? document {
        case .object(let members):
            members.flatMap { key, member in if key == "$ref", let text = member.stringValue { [text] } else { references(in: member) } }
        case .array(let elements): elements.flatMap { references(in: $0) }
        default: []
        }
    }
}
