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
    public var origin: String
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
    /// - Throws: ``ApiumError`` `unavailable` when the broker cannot be reached: the job may or may not be queued then; ``QueueFull`` when
    ///   its queue has a limit and is full.
    @discardableResult
    public func enqueue<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions = EnqueueOptions()) async throws -> JobHandle<Definition.Output>
    {
        try await enqueueOne(TaskCall(job, options))
    }

    public func enqueueJob<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions) async throws -> String {
        try await enqueue(job, options).id
    }

    /// Enqueues a task by name: a Python worker's, or one known only at run time.
    @discardableResult
    public func enqueue(task: String, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], _ options: EnqueueOptions = EnqueueOptions()) async throws
        -> JobHandle<JSONValue>
    {
        try await enqueueOne(TaskCall(task: task, arguments: TaskArguments(args: args, kwargs: kwargs), options: options))
    }

    private func enqueueOne<Output>(_ call: TaskCall) async throws -> JobHandle<Output> {
        let (ids, receipt) = try await send([call], isAllOrNone: true)
        return JobHandle(ResultTuple(id: ids[0]), client: self, receipt: receipt)
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
    ///
    /// - Parameter by: who does it, for whoever asks why a job did not run. Default: not said.
    public func revoke(_ ids: [String], by: String? = nil) async throws {
        guard !ids.isEmpty else { return }
        try await broker.revoke(ids, by: by)
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
