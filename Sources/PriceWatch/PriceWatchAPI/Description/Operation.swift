import DynamicJSON
import HTTPTypes
import PriceWatchModel

/// One operation of the API: its route, its description and its handler in one value. The router and the OpenAPI document
/// are both made of it, so that they cannot disagree.
struct Operation: Sendable {
    var description: OperationDescription
    /// Reads the inputs and runs the handler.
    var run: @Sendable (Call) async throws -> Answer

    /// Makes an operation. The handler gets exactly the inputs that are described, read and checked.
    init<each Input: OperationInput, Output: OperationOutput>(
        _ method: HTTPRequest.Method, _ path: String, id: String, tag: String, summary: String, details: String = "", scopes: Set<APIScope>? = nil,
        errors: Set<APIError.Code> = [], inputs: repeat each Input, run: @escaping @Sendable (Call, repeat (each Input).Value) async throws -> Output
    ) {
        var description = OperationDescription(
            method: method, path: PathTemplate(path), id: id, tag: tag, summary: summary, details: details, scopes: scopes, errors: errors,
            replies: Output.replies)
        repeat (each inputs).describe(in: &description)
        description.addCommonErrors()
        self.description = description
        self.run = { call in
            try await run(call, repeat try (each inputs).read(call)).answer
        }
    }
}

/// What the documentation says of an operation, and what the router needs to know.
struct OperationDescription: Sendable {
    var method: HTTPRequest.Method
    var path: PathTemplate
    var id: String
    var tag: String
    var summary: String
    var details: String
    /// A token needs one of these; `nil`: no token is asked for.
    var scopes: Set<APIScope>?
    var errors: Set<APIError.Code>
    var replies: [ReplyDescription]
    var parameters: [ParameterDescription] = []
    /// The schema of the JSON body, if there is one.
    var body: Schema?

    /// The faults that follow from what an operation takes and answers.
    mutating func addCommonErrors() {
        errors.formUnion([.badRequest, .methodNotAllowed, .internalError])
        if replies.contains(where: { $0.mediaType != nil }) { errors.insert(.notAcceptable) }
        // A parameter that is not described is refused, too.
        errors.insert(.invalidField)
        if body != nil { errors.formUnion([.invalidJSON, .tooLarge, .unsupportedMediaType]) }
        if scopes != nil { errors.formUnion([.unauthorized, .forbidden, .rateLimited, .unavailable]) }
    }
}

/// One parameter outside the body.
struct ParameterDescription: Sendable {
    enum Place: String, Sendable {
        case path, query, header
    }

    var place: Place
    var name: String
    var schema: Schema
    var isRequired: Bool
    var description: String
    var defaultValue: JSONValue?
}

/// One answer that is no error.
struct ReplyDescription: Sendable {
    var status: Int
    var description: String
    /// The schema of the JSON body, or of nothing.
    var schema: Schema?
    /// The body's type; `nil` when there is no body.
    var mediaType: String?
    /// Header fields: name and meaning.
    var headers: [(name: String, description: String)] = []

    static func json(_ status: Int, _ description: String, _ schema: Schema, headers: [(name: String, description: String)] = []) -> ReplyDescription {
        ReplyDescription(status: status, description: description, schema: schema, mediaType: "application/json", headers: headers)
    }
}

/// A path with `{name}` places.
struct PathTemplate: Sendable, Hashable {
    var text: String
    private var segments: [Segment]

    private enum Segment: Sendable, Hashable {
        case literal(String)
        case place(String)
    }

    init(_ text: String) {
        self.text = text
        segments = text.split(separator: "/").map { part in
            part.hasPrefix("{") ? .place(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    /// The values of the places, percent-decoded; `nil` when the path is another one.
    func match(_ parts: [String]) -> [String: String]? {
        guard parts.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let text): if text != part { return nil }
            case .place(let name):
                guard !part.isEmpty else { return nil }
                values[name] = part
            }
        }
        return values
    }
}

/// A request after routing and authentication.
struct Call: Sendable {
    var path: [String: String] = [:]
    var query: [String: String] = [:]
    var headers: HTTPFields = [:]
    /// The body, parsed but not checked.
    var body: JSONValue?
    /// Who asks; `nil` where no token is asked for.
    var caller: Caller?
}

/// What an operation answers.
struct Answer: Sendable {
    var status: Int
    var body: Body
    var headers: [String: String] = [:]

    enum Body: Sendable {
        case none
        case json(JSONValue)
        case text(String, mediaType: String)
    }
}

/// A type of answers: the documentation of each and the one that was chosen.
protocol OperationOutput: Sendable {
    static var replies: [ReplyDescription] { get }
    var answer: Answer { get throws }
}

/// 200 with a JSON body.
struct Found<Value: Encodable & SchemaProviding & Sendable>: OperationOutput {
    var value: Value

    init(_ value: Value) { self.value = value }

    static var replies: [ReplyDescription] { [.json(200, Value.schemaDescription, .named(Value.self))] }
    var answer: Answer { get throws { Answer(status: 200, body: .json(try JSONValueEncoder().encode(value))) } }
}
