import DynamicJSON

extension Dispatcher {
    /// The message of a plain signature, its arguments and options being complete.
    func outgoing(_ signature: Signature, sender: Sender?) throws -> Outgoing {
        var arguments = TaskArguments(args: signature.args, kwargs: signature.kwargs)
        let own = signature.options.wire
        if own["link"].isGiven { arguments.embed.callbacks = own.signatures("link") }
        if own["link_error"].isGiven { arguments.embed.errbacks = own.signatures("link_error") }
        if own["chain"].isGiven { arguments.embed.chain = own.signatures("chain") }
        if let chord = own["chord"], !chord.isNull { arguments.embed.chord = chord }
        var options = try SendOptions(own, task: signature.task, now: now)
        options.rootID = options.rootID ?? sender?.rootID
        options.parentID = options.parentID ?? sender?.id
        return try outgoing(signature.task, arguments, options, routedAs: own["route_name"]?.stringValue ?? signature.innerTask)
    }

    /// The one way of making a message: as Celery's producer would write it (celery-wire 2).
    func outgoing(_ task: String, _ arguments: TaskArguments, _ options: SendOptions, routedAs name: String? = nil) throws -> Outgoing {
        let known = jobOptions(task)
        let id = options.id ?? makeID()
        // A caller who names an exchange has said where the message goes.
        let own = Route(queue: options.route.exchange == nil ? known?.queue : nil, priority: known?.priority)
        let destination = try router.destination(of: name ?? task, wish: options.route.completed(by: own))
        var headers = Message.Headers(task: task, id: id)
        headers.shadow = options.shadow
        headers.eta = options.etaText ?? (options.eta ?? options.delay.map { now + $0 })?.iso8601
        headers.expires = options.expiresText ?? options.expires?.iso8601
        headers.group = options.group
        headers.groupIndex = options.groupIndex
        headers.retries = options.retries
        headers.timeLimit = (options.hardTimeLimit, options.softTimeLimit)
        headers.rootID = options.rootID ?? id
        headers.parentID = options.parentID
        headers.origin = origin
        headers.ignoreResult = options.ignoreResult ?? known?.ignoreResult
        headers.replacedTaskNesting = options.replacedTaskNesting
        headers.stampedHeaders = options.stampedHeaders
        headers.stamps = options.stamps
        headers.argsRepr = PythonText.list(arguments.args)
        headers.kwargsRepr = PythonText.dictionary(arguments.kwargs)
        headers.custom = options.headers

        var properties = Message.Properties()
        (properties.exchange, properties.routingKey, properties.priority) = (destination.exchange, destination.routingKey, destination.priority)
        properties.correlationID = id
        properties.replyTo = options.replyTo
        if let expires = options.expires { properties.expiration = String(max((expires - now).wholeMicroseconds / 1000, 0)) }
        properties.extra = options.properties
        var format = format.changed(by: options.format)
        format.compression = options.compression ?? format.compression
        headers.compression = format.compression?.contentType
        let message = Message(headers: headers, properties: properties, body: try arguments.body(in: format))
        return Outgoing(message.traced(), to: destination, after: options.delay)
    }
}

extension Signature {
    /// The task that a map calls, by whose name its job is routed.
    fileprivate var innerTask: String? { subtaskType == nil ? nil : kwargs["task"]?["task"]?.stringValue }
}

extension JSONValue? {
    /// Neither missing nor null.
    fileprivate var isGiven: Bool { self.map { !$0.isNull } ?? false }
}
