import ApiumCore
import DynamicJSON

/// Tasks that send workflows, and tasks whose values are signatures.
extension SuiteTasks {
    mutating func registerCanvasTasks() {
        registerSenders()
        registerSignatureValues()
        task("rebuild_signature", ["sig_dict"]) { call in
            try Self.walk(Signature(json: call["sig_dict"]))
            return .null
        }
    }

    private mutating func registerSenders() {
        task("chain_add", ["x", "y"]) { call in
            try await call.context.send(.chain([.suite("add", [call["x"], call["x"]]), .suite("add", [call["y"]])]))
            return .null
        }
        task("chord_add", ["x", "y"]) { call in
            try await call.context.send(.chord(header: [.suite("add", [call["x"], call["x"]])], body: .suite("add", [call["y"]])))
            return .null
        }
        task("add_to_all_to_chord", ["nums", "val"]) { call in
            for number in try call.list("nums") { try await call.context.addToChord(.suite("add", [number, call["val"]])) }
            return 0
        }
        task("add_chord_to_chord", ["nums", "val"]) { call in
            let header = try call.list("nums").map { Signature.suite("add", [$0, call["val"]]) }
            try await call.context.addToChord(.group(header) | .suite("tsum"))
            return 0
        }
        task("build_chain_inside_task") { call in
            let canvas = Signature.chain([.suite("add", [1, 1]), .suite("add", [2]), .group([.suite("add", [3]), .suite("add", [4])]), .suite("add", [5])])
            return try await call.context.send(canvas)?.json ?? .null
        }
    }

    /// Each of the three composite forms around each of the three.
    private mutating func registerSignatureValues() {
        let add = Signature.suite("add")
        let forms: [(name: String, make: @Sendable (Signature) -> Signature)] = [
            ("chain", { .chain([$0]) }), ("group", { .group([$0]) }), ("chord", { .chord(header: [$0], body: add) }),
        ]
        for outer in forms {
            for inner in forms {
                task("return_nested_signature_\(outer.name)_\(inner.name)") { _ in outer.make(inner.make(add)).json }
            }
        }
    }

    /// Reads every member; one that is no signature throws.
    private static func walk(_ signature: Signature) throws {
        do {
            switch try signature.shape {
            case .chain(let members), .group(let members): try members.forEach(walk)
            case .chord(let header, let body): try (header + [body]).forEach(walk)
            default: break
            }
        } catch let error as ApiumError {
            throw JobFailure(type: "TypeError", arguments: [.string(error.message)])
        }
    }
}

extension Signature {
    /// A call of a task of the suite.
    static func suite(_ name: String, _ args: [JSONValue] = [], _ kwargs: [String: JSONValue] = [:], immutable: Bool = false) -> Signature {
        Signature("\(SuiteTasks.module).\(name)", args: args, kwargs: kwargs, immutable: immutable)
    }
}

extension SuiteCall {
    /// The value of a parameter that is a list.
    func list(_ name: String) throws -> [JSONValue] {
        guard let list = self[name].arrayValue else { throw JobFailure(type: "TypeError", arguments: [.string("\(name) is not iterable")]) }
        return list
    }
}
