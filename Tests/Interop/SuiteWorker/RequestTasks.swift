import ApiumCore
import DynamicJSON

/// Tasks that look at their own request.
extension SuiteTasks {
    mutating func registerRequestTasks() {
        task("ids", ["i"]) { $0.context.message.identity(with: $0["i"]) }
        task("collect_ids", ["res", "i"]) { [$0["res"], $0.context.message.identity(with: $0["i"])] }
        task("return_priority", .rest) { .string("Priority: \($0.context.message.properties.priority)") }
        task("return_request_eta") { $0.context.message.headers.eta.map { .string($0) } ?? .null }
        task("return_properties") { $0.context.message.propertiesObject }
        let limits: @Sendable (SuiteCall) -> JSONValue = { call in
            let headers = call.context.message.headers
            return ["time_limit": Self.number(headers.hardTimeLimit), "soft_time_limit": Self.number(headers.softTimeLimit)]
        }
        task("return_request_time_limits", run: limits)
        task("task_with_declared_time_limits", run: limits)
        // Its limits contradict each other, so that Celery's client refuses to send it: registered because the suite's module has it.
        task("soft_time_limit_must_exceed_time_limit") { _ in .null }
    }

    /// Whole seconds stay whole, as they were sent.
    private static func number(_ seconds: Double?) -> JSONValue {
        guard let seconds else { return .null }
        return Int64(exactly: seconds).map { .int($0) } ?? .double(seconds)
    }
}

extension Message {
    /// The ids around the job, and a value.
    fileprivate func identity(with value: JSONValue) -> JSONValue {
        [headers.rootID.map { .string($0) } ?? .null, headers.parentID.map { .string($0) } ?? .null, value]
    }

    /// The envelope's properties as Python sees them.
    fileprivate var propertiesObject: JSONValue {
        var members = properties.extra
        members["correlation_id"] = .string(properties.correlationID ?? id)
        members["reply_to"] = properties.replyTo.map { .string($0) }
        members["delivery_mode"] = .int(Int64(properties.deliveryMode))
        members["delivery_info"] = ["exchange": .string(properties.exchange), "routing_key": .string(properties.routingKey)]
        members["priority"] = .int(Int64(properties.priority))
        members["body_encoding"] = .string(body.transferEncoding.rawValue)
        members["delivery_tag"] = properties.deliveryTag.map { .string($0) }
        members["expiration"] = properties.expiration.map { .string($0) }
        return .object(members)
    }
}
