import DynamicJSON

/// Celery's older message form: everything about the task stands in the body, and the headers are the caller's.
enum ProtocolOne {
    /// Turns a message of protocol 1 into one of protocol 2.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when the body is not one of protocol 1, `refusedContent` when it cannot be
    ///   read because of its content type or compression.
    static func message(custom: [String: JSONValue], compression: String?, properties: Message.Properties, body: Message.Body) throws -> Message {
        let content = try body.json(compression: compression)
        guard let fields = content.objectValue, let task = fields["task"]?.stringValue else {
            throw ApiumError(.malformedMessage, "the message has a task neither in its headers (protocol 2) nor in its body (protocol 1)")
        }
        guard let id = fields["id"]?.stringValue else {
            throw ApiumError(.malformedMessage, "the body of protocol 1 for task '\(task.prefix(200))' has no id")
        }
        let arguments = try TaskArguments(members: fields)
        var headers = Message.Headers(task: task, id: id)
        headers.lang = "py"
        headers.retries = Int(min(max(fields["retries"]?.intValue ?? 0, 0), Int64(Int32.max)))
        headers.eta = fields["eta"]?.stringValue
        headers.expires = fields["expires"]?.stringValue
        headers.group = (fields["taskset"] ?? fields["group"])?.stringValue
        headers.groupIndex = fields["group_index"]?.intValue.map(Int.init)
        headers.timeLimit = (fields["timelimit"]?[0]?.doubleValue, fields["timelimit"]?[1]?.doubleValue)
        headers.argsRepr = PythonText.list(arguments.args)
        headers.kwargsRepr = PythonText.dictionary(arguments.kwargs)
        headers.custom = custom
        return Message(headers: headers, properties: properties, body: arguments.encodedBody())
    }
}
