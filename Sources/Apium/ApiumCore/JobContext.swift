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
    /// A logger that carries job id, name and attempt.
    public let logger: Logger
    /// The worker's node name.
    public let worker: String

    private let progress: @Sendable (JobState, JSONValue) async throws -> Void
    private let client: (any JobEnqueuing)?

    /// Makes a context; workers and tests do.
    public init(
        message: Message, queue: String, fence: Int64, worker: String, logger: Logger, client: (any JobEnqueuing)? = nil,
        progress: @escaping @Sendable (JobState, JSONValue) async throws -> Void = { _, _ in }
    ) {
        id = message.id
        task = message.task
        retries = message.headers.retries
        redelivered = message.properties.redelivered
        self.message = message
        self.queue = queue
        self.fence = fence
        self.worker = worker
        self.logger = logger
        self.client = client
        self.progress = progress
    }

    /// Stores a state on the way with a value, Celery's `update_state`: readers see it until the next one.
    public func updateState(_ state: JobState = "PROGRESS", _ value: JSONValue) async throws {
        try await progress(state, value)
    }

    /// Enqueues a job as a child of this one: same root, this one as parent.
    @discardableResult
    public func enqueue<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions = EnqueueOptions()) async throws -> String {
        guard let client else { throw ApiumError(.notAvailable, "this context was made without a client, so the job cannot enqueue others") }
        var options = options
        options.rootID = message.headers.rootID ?? id
        options.parentID = id
        return try await client.enqueueJob(job, options)
    }
}

/// What can enqueue jobs: the client, and what stands in for it in tests.
public protocol JobEnqueuing: Sendable {
    /// Enqueues a job and answers its id.
    func enqueueJob<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions) async throws -> String
}

/// What a caller says about one job.
public struct EnqueueOptions: Sendable {
    /// The job's id; `nil` makes a new one.
    public var id: String?
    /// The queue; `nil`: the job's own, else the client's default.
    public var queue: String?
    /// Not before this much time has passed on the broker's clock.
    public var delay: Duration?
    /// Dropped as REVOKED when it has not started within this time.
    public var expires: Duration?
    /// 0 (first) to 9; `nil`: the job's own.
    public var priority: Int?
    /// `nil`: the job's own.
    public var ignoreResult: Bool?
    /// Additional headers.
    public var headers: [String: JSONValue] = [:]
    /// The workflow's first job.
    public var rootID: String?
    /// The sender's id.
    public var parentID: String?

    /// Makes options that change nothing.
    public init() {}

    /// Runs it after this time.
    public static func after(_ delay: Duration) -> EnqueueOptions { with { $0.delay = delay } }

    /// Puts it on this queue.
    public static func on(queue: String) -> EnqueueOptions { with { $0.queue = queue } }

    /// Gives it this id.
    public static func id(_ id: String) -> EnqueueOptions { with { $0.id = id } }

    /// Makes options by changing the defaults.
    public static func with(_ change: (inout EnqueueOptions) -> Void) -> EnqueueOptions {
        var options = EnqueueOptions()
        change(&options)
        return options
    }
}
