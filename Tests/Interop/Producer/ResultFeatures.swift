import Apium
import DynamicJSON

extension Features {
    /// What becomes of a call.
    static let results: [String: Send] = [
        "failure": { feature in
            let handle = try await feature.sent(feature.sig("fail"))
            do {
                return try await handle.value(within: Feature.patience)
            } catch let failure as JobFailure where failure.is("ValueError", module: "builtins") {
                let arguments = failure.arguments.map { PythonText.text($0) }.joined(separator: ", ")
                return .string("\(failure.type) (\(arguments)) \(try await handle.job(as: JSONValue.self).state())")
            }
        },
        "retry": { feature in
            let id = JobID.make()
            let handle = try await feature.sent(feature.sig("flaky", 2), .id(id))
            return [try await handle.value(within: Feature.patience), .bool(handle.id == id)]
        },
        "progress": { feature in
            let handle = try await feature.sent(feature.sig("progress", 4))
            try await feature.state("PROGRESS", of: handle)
            return ["PROGRESS", try await handle.value(within: Feature.patience)]
        },
        "children": { feature in
            let handle = try await feature.sent(feature.sig("spawn", 2))
            _ = try await handle.value(within: Feature.patience)
            var values: [JSONValue] = []
            let children = try await handle.job(as: JSONValue.self).children()
            for child in children { values.append(try await child.value(within: Feature.patience)) }
            return [.array(values), .bool(children.allSatisfy { !$0.isGroup })]
        },
        "revoked": { feature in
            let handle = try await feature.sent(feature.sig("add", 1, 1), .after(.seconds(2)))
            try await handle.revoke()
            do {
                return try await handle.value(within: Feature.patience)
            } catch let failure as JobFailure where failure.isRevoked {
                return .string("\(try await handle.job(as: JSONValue.self).state())")
            }
        },
    ]
}
