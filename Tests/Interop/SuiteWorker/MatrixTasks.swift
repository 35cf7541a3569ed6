import ApiumCore
import DynamicJSON

/// The tasks of Tests/Interop/matrix_tasks.py: each feature is tried on both kinds of worker under one name.
extension SuiteTasks {
    mutating func registerMatrixTasks() {
        registerPlainMatrixTasks()
        registerAskingMatrixTasks()
        registerTypedMatrixTasks()
        registerWorkflowMatrixTasks()
    }

    private mutating func matrix(
        _ name: String, _ parameters: Parameters = [], errback: ErrbackStyle = .task, run: @escaping @Sendable (SuiteCall) async throws -> JSONValue
    ) {
        task(name, parameters, in: "matrix", options: JobOptions(), errback: errback, run: run)
    }

    private mutating func registerPlainMatrixTasks() {
        matrix("add", ["x", "y"]) { try PythonArithmetic.add($0["x"], $0["y"]) }
        matrix("sum", ["numbers"]) { try PythonArithmetic.sum($0["numbers"]) }
        matrix("identity", ["value"]) { $0["value"] }
        matrix("fail", .rest) { _ in throw JobFailure(type: "ValueError", arguments: ["deliberate", 7]) }
        matrix("nap", ["seconds"]) { call in
            try await call.pause(call["seconds"])
            return call["seconds"]
        }
        let marks = marks
        matrix("note", Parameters(rest: true, keywordOnly: ["key"])) { call in
            guard let key = call["key"].stringValue else { throw JobFailure(type: "TypeError", arguments: ["key is no text"]) }
            let values = call.arguments.rest
            try await marks.append(values.count == 1 ? .string(values[0].stringValue ?? PythonText.text(values[0])) : .string(PythonText.list(values)), to: key)
            return .null
        }
    }

    private mutating func registerAskingMatrixTasks() {
        matrix("flaky", ["times"]) { call in
            guard Int64(call.context.retries) >= call["times"].intValue ?? 0 else { throw Retry(after: .milliseconds(50)) }
            return .int(Int64(call.context.retries))
        }
        matrix("request", .rest) { call in
            let message = call.context.message
            let headers = message.headers
            let limits = [headers.hardTimeLimit, headers.softTimeLimit].map { $0.map { JSONValue.int(Int64($0)) } ?? .null }
            return [
                "id": .string(message.id), "root": headers.rootID.map { .string($0) } ?? .null, "parent": headers.parentID.map { .string($0) } ?? .null,
                "group": headers.group.map { .string($0) } ?? .null, "priority": .int(Int64(message.properties.priority)),
                "stamps": headers.stamps.map { .object($0) } ?? .null, "headers": headers.custom.isEmpty ? .null : .object(headers.custom),
                "limits": .array(limits),
            ]
        }
        matrix("progress", ["steps"]) { call in
            for step in 0..<(call["steps"].intValue ?? 0) {
                try await call.context.updateState("PROGRESS", ["step": .int(step)])
                try await call.pause(0.2)
            }
            return call["steps"]
        }
    }

    private mutating func registerTypedMatrixTasks() {
        matrix("typed", ["when", "amount", "key"]) { call in
            guard case .datetime(var when)? = call["when"].typed, case .decimal(let amount)? = call["amount"].typed, case .uuid(let key)? = call["key"].typed
            else { throw JobFailure(type: "TypeError", arguments: ["a datetime, a decimal and a uuid are expected"]) }
            when.instant = when.instant + .seconds(86_400)
            let parts = amount.text.split(separator: ".", maxSplits: 1)
            let places = parts.count > 1 ? parts[1].count : 0
            guard let digits = Int64(parts.joined()) else { throw JobFailure(type: "ValueError", arguments: [.string("\(amount.text) has an exponent")]) }
            let doubled = String(digits * 2)
            let text = places == 0 ? doubled : "\(doubled.dropLast(places)).\(doubled.suffix(places))"
            return [TypedValue.datetime(when).json, ExactDecimal(text).map { TypedValue.decimal($0).json } ?? .null, TypedValue.uuid(key).json]
        }
    }

    private mutating func registerWorkflowMatrixTasks() {
        matrix("replaced", ["x", "y"]) { call in try await call.context.replace(with: Self.add(call["x"], call["y"], on: call.context.queue)) }
        matrix("more", ["numbers"]) { call in
            for number in call["numbers"].arrayValue ?? [] { _ = try await call.context.addToChord(Self.add(number, 1, on: call.context.queue)) }
            return 0
        }
        matrix("spawn", ["x"]) { call in
            _ = try await call.context.send(Self.add(call["x"], call["x"], on: call.context.queue))
            return call["x"]
        }
    }

    private static func add(_ x: JSONValue, _ y: JSONValue, on queue: String) -> Signature {
        Signature("matrix.add", args: [x, y], options: ["queue": .string(queue)])
    }
}
