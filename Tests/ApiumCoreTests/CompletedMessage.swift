import DynamicJSON

/// What our messages leave out, filled in as Celery's readers do: `Context`'s defaults (celery/app/task.py) and kombu's.
extension JSONValue {
    /// An envelope of protocol 2 with all its headers and properties.
    var completedEnvelope: JSONValue {
        guard var envelope = objectValue, case .object(let headers)? = envelope["headers"], case .object(let properties)? = envelope["properties"] else {
            return self
        }
        let fixed: [String: JSONValue] = [
            "shadow": nil, "eta": nil, "expires": nil, "group": nil, "group_index": nil, "retries": 0, "timelimit": [nil, nil], "root_id": nil,
            "parent_id": nil, "argsrepr": nil, "kwargsrepr": nil, "origin": nil, "ignore_result": nil, "replaced_task_nesting": 0, "stamped_headers": nil,
            "stamps": [:],
        ]
        envelope["headers"] = .object(headers.merging(fixed) { own, _ in own })
        envelope["properties"] = .object(
            properties.merging(["correlation_id": headers["id"] ?? nil, "delivery_mode": 2, "body_encoding": "utf-8"]) { own, _ in own })
        return .object(envelope)
    }

    /// A body of protocol 2 with all that could follow the task.
    var completedBody: JSONValue {
        guard case .array(let parts) = self, parts.count == 3, case .object(let embed) = parts[2] else { return self }
        let fixed: [String: JSONValue] = ["callbacks": nil, "errbacks": nil, "chain": nil, "chord": nil]
        return [parts[0], parts[1], .object(embed.merging(fixed) { own, _ in own })]
    }
}
