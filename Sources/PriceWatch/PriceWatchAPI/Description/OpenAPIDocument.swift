import DynamicJSON
import PriceWatchModel

/// Writes the OpenAPI 3.1 document of a list of operations.
enum OpenAPIDocument {
    static func make(_ operations: [OperationDescription], title: String, version: String, description: String) -> JSONValue {
        var paths: [String: [String: JSONValue]] = [:]
        var named: [String: any SchemaProviding.Type] = [:]
        Schema.named(APIError.self).collect(into: &named)
        for operation in operations {
            paths[operation.path.text, default: [:]][operation.method.rawValue.lowercased()] = .object(operation.document)
            operation.body?.collect(into: &named)
            for reply in operation.replies { reply.schema?.collect(into: &named) }
            for parameter in operation.parameters { parameter.schema.collect(into: &named) }
        }
        let schemas = named.mapValues { type -> JSONValue in
            var document = type.schema.document
            if !type.schemaDescription.isEmpty { document["description"] = .string(type.schemaDescription) }
            return .object(document)
        }
        return [
            "openapi": "3.1.0",
            "info": ["title": .string(title), "version": .string(version), "description": .string(description)],
            "servers": [["url": "/"]],
            "tags": .array(tags(of: operations)),
            "paths": .object(paths.mapValues { .object($0) }),
            "components": [
                "schemas": .object(schemas),
                "securitySchemes": ["bearer": ["type": "http", "scheme": "bearer", "description": "A token made by `api token create`."]],
            ],
        ]
    }

    private static func tags(of operations: [OperationDescription]) -> [JSONValue] {
        var seen: [String] = []
        for operation in operations where !seen.contains(operation.tag) { seen.append(operation.tag) }
        return seen.map { ["name": .string($0)] }
    }
}

extension OperationDescription {
    fileprivate var document: [String: JSONValue] {
        var document: [String: JSONValue] = [
            "operationId": .string(id), "summary": .string(summary), "tags": [.string(tag)], "responses": .object(responses),
            "security": scopes == nil ? [] : [["bearer": []]],
        ]
        let needed = scopes.map { "Needs a token with one of the scopes: \($0.union([.service]).map(\.rawValue).sorted().joined(separator: ", "))." }
        let words = [details, needed ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n")
        if !words.isEmpty { document["description"] = .string(words) }
        if !parameters.isEmpty { document["parameters"] = .array(parameters.map { .object($0.document) }) }
        if let body {
            document["requestBody"] = ["required": true, "content": ["application/json": ["schema": .object(body.document)]]]
        }
        return document
    }

    private var responses: [String: JSONValue] {
        var responses: [String: JSONValue] = [:]
        for reply in replies { responses[String(reply.status)] = .object(reply.document) }
        for (status, codes) in Dictionary(grouping: errors, by: \.status) {
            let words = codes.map(\.rawValue).sorted().joined(separator: ", ")
            var response: [String: JSONValue] = [
                "description": .string(words), "content": ["application/json": ["schema": .object(Schema.named(APIError.self).document)]],
            ]
            if status == 429 {
                response["headers"] = ["Retry-After": ["description": "Seconds to wait before the request is sent again.", "schema": ["type": "integer"]]]
            }
            responses[String(status)] = .object(response)
        }
        return responses
    }
}

extension ReplyDescription {
    fileprivate var document: [String: JSONValue] {
        var document: [String: JSONValue] = ["description": .string(description.isEmpty ? "Done." : description)]
        if let mediaType {
            let schema = schema?.document ?? ["type": "string"]
            document["content"] = .object([mediaType: ["schema": .object(schema)]])
        }
        if !headers.isEmpty {
            document["headers"] = .object(
                Dictionary(headers.map { ($0.name, ["description": .string($0.description), "schema": ["type": "string"]] as JSONValue) }) { first, _ in first }
            )
        }
        return document
    }
}

extension ParameterDescription {
    fileprivate var document: [String: JSONValue] {
        var schema = schema.document
        if let defaultValue { schema["default"] = defaultValue }
        return [
            "name": .string(name), "in": .string(place.rawValue), "required": .bool(isRequired), "description": .string(description), "schema": .object(schema),
        ]
    }
}
