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
        task("redis_echo", ["message", .optional("redis_key", "redis-echo")]) { call in
            try await marks.append(call["message"], to: call.key("redis_key"))
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
    func key(_ name: String) throws -> String {
        guard let key = self[name].stringValue else { throw JobFailure(type: "TypeError", arguments: [.string("\(name) is no text")]) }
        return key
    }
}
