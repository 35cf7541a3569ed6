import DynamicJSON

/// Enqueues jobs and reads their results.
///
/// ```swift
/// let handle = try await apium.enqueue(CheckPrice(productID: 7), .after(.minutes(5)))
/// let outcome = try await handle.value(within: .seconds(20))
/// ```
public struct ApiumClient: Sendable, JobEnqueuing {
    /// Where the jobs go.
    public let broker: any Broker
    /// Where the results are.
    public let results: any ResultBackend
    /// Decides where jobs go whose callers don't say. Default: the queue `celery`.
    public let router: Router
    /// What stands in the header `origin`.
    public let origin: String
    let makeID: @Sendable () -> String
    /// How bodies are written, unless a call says otherwise: Celery's `task_serializer` and `task_compression`. Default: JSON, not
    /// compressed.
    public var format = ContentFormat.json
    /// The exchange on which Celery's workers listen for control commands. Default: `celery.pidbox`.
    public var controlExchange = "celery.pidbox"
    /// Swift errors that stored failures are turned back into by ``JobHandle/value(within:)``. Default: none, so that ``JobFailure``
    /// is thrown.
    public var failures = FailureTypes()

    /// Makes a client.
    public init(
        broker: any Broker, results: any ResultBackend, router: Router = Router(), origin: String = "apium",
        makeID: @escaping @Sendable () -> String = JobID.make
    ) {
        self.broker = broker
        self.results = results
        self.router = router
        self.origin = origin
        self.makeID = makeID
    }

    /// Makes a client whose jobs go to this queue when nobody says where.
    public init(broker: any Broker, results: any ResultBackend, defaultQueue: String, origin: String = "apium") {
        self.init(broker: broker, results: results, router: Router(defaultQueue: defaultQueue), origin: origin)
    }

    /// Enqueues a typed job.
    ///
    /// - Throws: ``ApiumError`` `unavailable` when the broker cannot be reached: the job may or may not be queued then.
    @discardableResult
    public func enqueue<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions = EnqueueOptions()) async throws -> JobHandle<Definition.Output>
    {
        let id = try await enqueueJob(job, options)
        return JobHandle(ResultTuple(id: id), client: self)
    }

    public func enqueueJob<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions) async throws -> String {
        guard case .object(let kwargs) = try JSONValueEncoder().encode(job) else {
            throw ApiumError(.badArguments, "\(Definition.name) does not encode as an object, so it has no keyword arguments")
        }
        let call = TaskCall(task: Definition.name, arguments: TaskArguments(kwargs: kwargs), options: Definition.options.completing(options))
        return try await enqueue([call])[0]
    }

    /// Enqueues a task by name: a Python worker's, or one known only at run time.
    @discardableResult
    public func enqueue(task: String, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], _ options: EnqueueOptions = EnqueueOptions()) async throws
        -> JobHandle<JSONValue>
    {
        let id = try await enqueue([TaskCall(task: task, arguments: TaskArguments(args: args, kwargs: kwargs), options: options)])[0]
        return JobHandle(ResultTuple(id: id), client: self)
    }

    /// Enqueues many calls in one round trip; answers their ids in order.
    public func enqueue(_ calls: [TaskCall]) async throws -> [String] {
        let now = calls.contains { $0.options.needsTime } ? try await broker.serverTime() : Timestamp(microseconds: 0)
        let dispatcher = dispatcher(now: now)
        let outgoing = try calls.map { try $0.outgoing(dispatcher) }
        try await broker.enqueue(outgoing)
        return outgoing.map(\.message.id)
    }

    /// The handle of a job enqueued elsewhere.
    public func handle<Output: Decodable & Sendable>(_ id: String, as _: Output.Type = JSONValue.self) -> JobHandle<Output> {
        JobHandle(ResultTuple(id: id), client: self)
    }

    /// Cancels jobs: waiting ones never run, running ones are told. Kept in the broker until consumed or 7 days old.
    ///
    /// Celery's workers are told, too, by a broadcast: those that are up then do not begin the jobs.
    public func revoke(_ ids: String...) async throws { try await revoke(ids) }

    /// Cancels jobs, see ``revoke(_:)-(String...)``.
    public func revoke(_ ids: [String]) async throws {
        guard !ids.isEmpty else { return }
        try await broker.revoke(ids)
        try await tell("revoke", ["task_id": .array(ids.map { .string($0) }), "terminate": false])
    }

    /// Cancels all jobs that carry one of these values under the name of a stamp, those that are sent later among them.
    /// Celery's workers are told, too.
    ///
    /// ```swift
    /// try await client.revoke(stamped: ["tenant": ["acme"]])
    /// ```
    ///
    /// - Parameter terminate: whether jobs that run are stopped, too; Celery's workers let them go on. Default: `true`.
    public func revoke(stamped stamps: [String: [JSONValue]], terminate: Bool = true) async throws {
        guard !stamps.isEmpty else { return }
        try await broker.revoke(Revocation(stamps: stamps, terminate: terminate))
        try await tell("revoke_by_stamped_headers", ["headers": .object(stamps.mapValues { .array($0) }), "terminate": false])
    }

    /// Celery's workers keep revokes in their memory: they hear of them by a broadcast, and want no answer.
    private func tell(_ method: String, _ arguments: [String: JSONValue]) async throws {
        try await broker.controlTransport?.broadcast(ControlRequest(method, arguments: arguments), exchange: controlExchange)
    }
}

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

    /// The message of this call, as Celery's producer would write it.
    func outgoing(_ dispatcher: Dispatcher) throws -> Outgoing {
        try dispatcher.outgoing(task, arguments, SendOptions(options, now: dispatcher.now))
    }
}

extension EnqueueOptions {
    /// Whether a message of these options can only be made when the broker's time is known.
    var needsTime: Bool { delay != nil || eta != nil || expires != nil }

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
        return options
    }
}
