import DynamicJSON

/// One call of a task: its name, its arguments and what the caller says.
public struct TaskCall: Sendable {
    /// The task's name.
    public var task: String
    /// The arguments and what follows the task.
    public var arguments: TaskArguments
    /// What the caller says.
    public var options: EnqueueOptions

    /// Makes a call.
    public init(task: String, arguments: TaskArguments = TaskArguments(), options: EnqueueOptions = EnqueueOptions()) {
        self.task = task
        self.arguments = arguments
        self.options = options
    }

    /// Makes the call of a typed job, with the options of its type where the caller says nothing.
    ///
    /// - Throws: ``ApiumError`` `badArguments` when the job does not encode as an object.
    public init<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions = EnqueueOptions()) throws {
        guard case .object(let kwargs) = try JSONValueEncoder().encode(job) else {
            throw ApiumError(.badArguments, "\(Definition.name) does not encode as an object, so it has no keyword arguments")
        }
        self.init(task: Definition.name, arguments: TaskArguments(kwargs: kwargs), options: job.describing(Definition.options.completing(options)))
    }
}

extension Dispatcher {
    /// The message of a call, as Celery's producer would write it.
    ///
    /// - Throws: ``ApiumError`` `badArguments` when a job without an id shall be enqueued once, or for a delay or expiry of 10^12 seconds and
    ///   more; `queueNotFound` when its queue would have to be declared.
    public func outgoing(_ call: TaskCall) throws -> Outgoing {
        let options = call.options
        if options.conditions.onceWithin != nil, options.id == nil {
            throw ApiumError(.badArguments, "\(call.task.prefix(200)) shall be enqueued once, but has no id to tell it by; give one with .id or .once")
        }
        if options.needsTime { try options.validateTimes(of: call.task) }
        var outgoing = try outgoing(call.task, call.arguments, SendOptions(options, now: now))
        outgoing.conditions = options.conditions
        try lock(&outgoing, of: call)
        return outgoing
    }
}

extension EnqueueOptions {
    /// Whether a message of these options can only be made when the broker's time is known.
    var needsTime: Bool { delay != nil || eta != nil || expires != nil }

    /// Refuses spans that no clock can be moved by; those of a signature have the same bound.
    ///
    /// - Throws: ``ApiumError`` `badArguments`.
    func validateTimes(of task: String) throws {
        let bound = Duration.seconds(1_000_000_000_000)
        for (name, span) in [("delay", delay), ("expiry", expires)] {
            guard let span, span >= bound || span <= .zero - bound else { continue }
            throw ApiumError(.badArguments, "the \(name) of \(task.prefix(200)) is 10^12 seconds or more")
        }
    }

    /// What these options say about where the message goes.
    var route: Route { Route(queue: queue, exchange: exchange, routingKey: routingKey, priority: priority) }
}

extension JobOptions {
    /// The caller's options, with this job's own in the gaps.
    func completing(_ options: EnqueueOptions) -> EnqueueOptions {
        var options = options
        // A caller who names an exchange has said where the message goes.
        if options.exchange == nil { options.queue = options.queue ?? queue }
        options.priority = options.priority ?? priority
        options.ignoreResult = options.ignoreResult ?? ignoreResult
        options.unique = options.unique ?? unique
        return options
    }
}
