import DynamicJSON
import Logging

/// What a running job knows of itself, and what it may do while it runs.
public struct JobContext: Sendable {
    /// The task's id.
    public let id: String
    /// The task's name.
    public let task: String
    /// How often it has been retried before: 0 in the first run.
    public let retries: Int
    /// The queue it came from.
    public let queue: String
    /// A number that is greater in every later run of this job: hand it to whatever you write to, so that a run that was
    /// taken for dead cannot overwrite a newer one. Microseconds of the broker's clock, made monotonic.
    public let fence: Int64
    /// Whether the message has been delivered before.
    public let redelivered: Bool
    /// All headers and properties of the message.
    public let message: Message
    /// A logger that carries job id, name and attempt; made when it is asked for.
    public var logger: Logger {
        var logger = plainLogger
        logger[metadataKey: "job"] = "\(id)"
        logger[metadataKey: "task"] = "\(task)"
        logger[metadataKey: "attempt"] = "\(retries + 1)"
        return logger
    }
    /// The worker's node name.
    public let worker: String
    /// What the worker tells this run: soft limit, stop.
    public let limits: JobLimits
    /// What the job asks of the worker.
    public let services: any JobServices

    private let plainLogger: Logger
    private let client: (any JobEnqueuing)?

    /// Makes a context of a worker; runners do.
    public init(
        message: Message, queue: String, fence: Int64, worker: String, logger: Logger, client: (any JobEnqueuing)?, services: any JobServices,
        limits: JobLimits = JobLimits()
    ) {
        id = message.id
        task = message.task
        retries = message.headers.retries
        redelivered = message.properties.redelivered
        self.message = message
        self.queue = queue
        self.fence = fence
        self.worker = worker
        plainLogger = logger
        self.client = client
        self.services = services
        self.limits = limits
    }

    /// Makes a context without a worker: for tests that call a job as the function it is.
    ///
    /// - Parameters:
    ///   - message: the job's message. Default: one without arguments, of a task `test` with a new id.
    ///   - fence: see ``fence``. Default: 1.
    ///   - logger: Default: nothing is written.
    ///   - client: what ``enqueue(_:_:asChild:)`` calls. Default: none, so that it is refused.
    ///   - progress: gets the states on the way. Default: they are dropped.
    public init(
        message: Message = Message(headers: Message.Headers(task: "test", id: JobID.make()), body: TaskArguments().encodedBody()),
        queue: String = "celery", fence: Int64 = 1, worker: String = "test@localhost",
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, client: (any JobEnqueuing)? = nil,
        progress: @escaping @Sendable (JobState, JSONValue) async throws -> Void = { _, _ in }
    ) {
        self.init(message: message, queue: queue, fence: fence, worker: worker, logger: logger, client: client, services: NoServices(progress: progress))
    }

    /// Stores a state on the way with a value, Celery's `update_state`: readers see it until the next one.
    public func updateState(_ state: JobState = "PROGRESS", _ value: JSONValue) async throws {
        try await asking { try await services.report(state, value) }
    }

    /// Enqueues a job as a child of this one: same root, this one as parent. With `asChild` false it is not listed among the
    /// result's children (Celery's `add_to_parent`).
    @discardableResult
    public func enqueue<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions = EnqueueOptions(), asChild: Bool = true) async throws
        -> String
    {
        guard let client else { throw ApiumError(.notAvailable, "this context was made without a client, so the job cannot enqueue others") }
        var options = options
        options.rootID = message.headers.rootID ?? id
        options.parentID = id
        let child = try await asking { [options] in try await client.enqueueJob(job, options) }
        if asChild { services.adopt(ResultTuple(id: child)) }
        return child
    }
}

/// What can enqueue jobs: the client, and what stands in for it in tests.
public protocol JobEnqueuing: Sendable {
    /// Enqueues a job and answers its id.
    func enqueueJob<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions) async throws -> String
}
