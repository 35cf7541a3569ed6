import ApiumCore
import DynamicJSON

/// What a job in a child asks of the worker: ``ApiumCore/JobServices``, as values.
enum ChildQuestion: Sendable, Hashable {
    case report(JobState, JSONValue)
    /// Has no answer.
    case adopt(JSONValue)
    case send(Signature, args: [JSONValue], kwargs: [String: JSONValue], asChild: Bool)
    case replace(Signature)
    case addToChord(Signature)

    var json: JSONValue {
        switch self {
        case .report(let state, let value): ["what": "report", "state": .string(state.rawValue), "value": value]
        case .adopt(let tuple): ["what": "adopt", "result": tuple]
        case .send(let signature, let args, let kwargs, let asChild):
            ["what": "send", "signature": signature.json, "args": .array(args), "kwargs": .object(kwargs), "as_child": .bool(asChild)]
        case .replace(let signature): ["what": "replace", "signature": signature.json]
        case .addToChord(let signature): ["what": "add_to_chord", "signature": signature.json]
        }
    }

    init(json: JSONValue) throws {
        func signature() throws -> Signature { try Signature(json: json["signature"] ?? .null) }
        switch json["what"]?.stringValue {
        case "report":
            guard let state = json["state"]?.stringValue, let value = json["value"] else {
                throw FrameGarbage(description: "a report lacks its state or value")
            }
            self = .report(JobState(rawValue: state), value)
        case "adopt":
            guard let tuple = json["result"], ResultTuple(json: tuple) != nil else { throw FrameGarbage(description: "a child's result is no result tuple") }
            self = .adopt(tuple)
        case "send":
            guard let args = json["args"]?.arrayValue, let kwargs = json["kwargs"]?.objectValue, let asChild = json["as_child"]?.boolValue else {
                throw FrameGarbage(description: "a signature to send lacks its arguments")
            }
            self = .send(try signature(), args: args, kwargs: kwargs, asChild: asChild)
        case "replace": self = .replace(try signature())
        case "add_to_chord": self = .addToChord(try signature())
        default: throw FrameGarbage(description: "a question of a kind that a child does not ask")
        }
    }

    /// Asks the worker's own services.
    func answer(by services: any JobServices) async -> ChildAnswer {
        do {
            switch self {
            case .report(let state, let value):
                try await services.report(state, value)
                return .value(.null)
            case .adopt(let tuple):
                if let tuple = ResultTuple(json: tuple) { services.adopt(tuple) }
                return .value(.null)
            case .send(let signature, let args, let kwargs, let asChild):
                return .value(Self.told(try await services.send(signature, args: args, kwargs: kwargs, asChild: asChild)))
            case .replace(let signature):
                try await services.replace(with: signature)
                return .value(.null)
            case .addToChord(let signature): return .value(Self.told(try await services.addToChord(signature)))
            }
        } catch {
            return .thrown(ThrownError(error, policy: .never, retries: 0).json)
        }
    }

    /// The result of what was sent. The steps of a long chain are nested deeper than a frame may be: then it is told without those before it.
    private static func told(_ result: ResultTuple?) -> JSONValue {
        guard let result else { return .null }
        let json = result.json
        return json.isShallow(900) ? json : ResultTuple(id: result.id).json
    }
}

/// What the worker answers.
enum ChildAnswer: Sendable, Hashable {
    case value(JSONValue)
    /// A ``ThrownError``.
    case thrown(JSONValue)

    var json: JSONValue {
        switch self {
        case .value(let value): ["value": value]
        case .thrown(let error): ["thrown": error]
        }
    }

    init(json: JSONValue) throws {
        if let value = json["value"] {
            self = .value(value)
        } else if let thrown = json["thrown"] {
            self = .thrown(thrown)
        } else {
            throw FrameGarbage(description: "an answer has neither a value nor an error")
        }
    }

    /// The value, or the error thrown.
    func get() throws -> JSONValue {
        switch self {
        case .value(let value): return value
        case .thrown(let json): throw try ThrownError(json: json).error
        }
    }
}

/// The services of a job in a child: each call is a question to the worker.
struct RemoteServices: JobServices {
    /// Sends the question and waits for its answer.
    var ask: @Sendable (ChildQuestion) async throws -> JSONValue
    /// Sends it, and that is all.
    var tell: @Sendable (ChildQuestion) -> Void

    func report(_ state: JobState, _ value: JSONValue) async throws { _ = try await ask(.report(state, value)) }
    func adopt(_ child: ResultTuple) { tell(.adopt(child.json)) }

    func send(_ signature: Signature, args: [JSONValue], kwargs: [String: JSONValue], asChild: Bool) async throws -> ResultTuple? {
        ResultTuple(json: try await ask(.send(signature, args: args, kwargs: kwargs, asChild: asChild)))
    }

    func replace(with signature: Signature) async throws { _ = try await ask(.replace(signature)) }
    func addToChord(_ signature: Signature) async throws -> ResultTuple? { ResultTuple(json: try await ask(.addToChord(signature))) }
}
