import DynamicJSON

/// Celery's older message form: everything about the task stands in the body, and the headers are the caller's.
enum ProtocolOne {
    /// The members of the body that have their own place in protocol 2. A naive `eta` is taken as UTC, whatever `utc` says:
    /// Celery's producers write none.
    private static let ownNames: Set<String> = [
        "task", "id", "args", "kwargs", "group", "group_index", "retries", "eta", "expires", "utc", "callbacks", "errbacks", "timelimit", "taskset", "chord",
    ]

    /// Turns a message of protocol 1 into one of protocol 2.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when the body is not one of protocol 1, `refusedContent` when it cannot be
    ///   read because of its content type or compression.
    static func message(fields: HeaderFields, properties: Message.Properties, body: Message.Body, accepting accepted: AcceptedContent) throws -> Message {
        let content = try body.value(compression: fields.compression, accepting: accepted)
        guard let members = content.objectValue, let task = members["task"]?.stringValue else {
            throw ApiumError(.malformedMessage, "the message has a task neither in its headers (protocol 2) nor in its body (protocol 1)")
        }
        guard let id = members["id"]?.stringValue else {
            throw ApiumError(.malformedMessage, "the body of protocol 1 for task '\(task.prefix(200))' has no id")
        }
        let arguments = try TaskArguments(members: members)
        var fields = fields
        var headers = fields.take(task: task, id: id)
        if headers.lang.isEmpty { headers.lang = "py" }
        headers.compression = nil
        headers.retries = Int(min(max(members["retries"]?.intValue ?? 0, 0), Int64(Int32.max)))
        headers.eta = members["eta"]?.stringValue
        headers.expires = members["expires"]?.stringValue
        headers.group = (members["taskset"] ?? members["group"])?.stringValue
        headers.groupIndex = members["group_index"]?.intValue.map(Int.init)
        headers.timeLimit = (members["timelimit"]?[0]?.doubleValue, members["timelimit"]?[1]?.doubleValue)
        headers.argsRepr = PythonText.list(arguments.args)
        headers.kwargsRepr = PythonText.dictionary(arguments.kwargs)
        // As in Celery what the body says besides becomes headers; the caller's own headers count more.
        headers.custom = members.filter { !ownNames.contains($0.key) }.merging(headers.custom) { $1 }
        return Message(headers: headers, properties: properties, body: arguments.encodedBody())
    }
}
