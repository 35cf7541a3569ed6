import ApiumCore
import DynamicJSON

/// Tasks that leave marks in Redis.
extension SuiteTasks {
    mutating func registerMarkingTasks() {
        let marks = marks
        task("sum_and_record", ["values", "redis_key"]) { call in
            let sum = try PythonArithmetic.sum(call["values"])
            try await marks.append(.string(call.context.id), to: call.key("redis_key"))
            return sum
        }
        let echoed: Parameters = ["message", .optional("redis_key", "redis-echo")]
        let echo: @Sendable (BoundArguments) async throws -> Void = { try await marks.append($0["message"], to: $0.key("redis_key")) }
        task("redis_echo", echoed, errback: Self.inline(echoed, of: "redis_echo", run: echo)) { call in
            try await echo(call.arguments)
            return .null
        }
        task("redis_count", [.optional("redis_key", "redis-count")]) { call in
            try await marks.increment(call.key("redis_key"))
            return .null
        }
        task("redis_echo_group_id", ["_", .optional("redis_key", "redis-group-ids")]) { call in
            try await marks.append(call.context.message.headers.group.map { .string($0) } ?? .null, to: call.key("redis_key"))
            return .null
        }
    }
}

extension SuiteCall {
    /// The value of a parameter that names a key.
    func key(_ name: String) throws -> String { try arguments.key(name) }
}

extension BoundArguments {
    /// The value of a parameter that names a key.
    func key(_ name: String) throws -> String {
        guard let key = self[name].stringValue else { throw JobFailure(type: "TypeError", arguments: [.string("\(name) is no text")]) }
        return key
    }
}
