/// How jobs of one type are queued, retried and limited.
public struct JobOptions: Sendable {
    /// The queue, unless the caller names one. Default: `nil`, where the client's router sends it (`celery`).
    public var queue: String?
    /// Celery's priority on Redis, 0 (first) to 9. Default: `nil`, what the client's router says (0).
    public var priority: Int?
    /// What happens after a failure. Default: ``RetryPolicy/never``.
    public var retry: RetryPolicy
    /// How often a thrown ``Retry`` may bring the job back, unless it says otherwise. Default: 3, as Celery's `max_retries`;
    /// `nil`: for ever.
    public var maxRetries: Int?
    /// How long a thrown ``Retry`` waits that names no time. Default: 180 seconds, as Celery's `default_retry_delay`.
    public var retryDelay: Duration
    /// The run is cancelled and fails with `TimeLimitExceeded` after this time; a limit in the message counts before it.
    /// Default: none.
    public var timeLimit: Duration?
    /// The run is told after this time that it should end: its task is cancelled, and ``JobContext/sleep(for:)`` and
    /// ``JobContext/checkLimits()`` throw ``SoftTimeLimitExceeded``, which the job may catch. Default: none.
    public var softTimeLimit: Duration?
    /// Whether the result is thrown away. Default: `false`.
    public var ignoreResult: Bool { didSet { given.insert(.ignoreResult) } }
    /// Whether a failure is stored although the result is thrown away. Default: `false`.
    public var storeErrorsEvenIfIgnored: Bool { didSet { given.insert(.storeErrorsEvenIfIgnored) } }
    /// Acknowledge after the run (`true`, the default) or before it, as Celery does by default: a job whose worker dies
    /// is then never repeated.
    public var acksLate: Bool { didSet { given.insert(.acksLate) } }
    /// Whether a job that took its worker, or the child process it ran in, down with it runs again, until it is quarantined. With `false`
    /// the death of its child is its failure; with early acknowledgement it always is. Celery's `reject_on_worker_lost`, whose default
    /// is the other one. Default: `true`.
    public var rejectOnWorkerLost: Bool { didSet { given.insert(.rejectOnWorkerLost) } }
    /// Whether the job runs in a child process of the worker's executable, which can be killed: its hard time limit and a termination then
    /// take effect whatever it does, and a crash is its own. Default: `false`.
    public var isolated: Bool
    /// Whether a failed job is kept in the dead set, from where it can be queued again. Default: `true`.
    public var keepsFailures: Bool
    /// Whether a `STARTED` state is stored. Default: `false`.
    public var trackStarted: Bool { didSet { given.insert(.trackStarted) } }
    /// Whether a message that comes again, though its job's SUCCESS is stored, is not run again; what should follow the job
    /// is sent if it never was. Celery's `worker_deduplicate_successful_tasks`. Default: `false`.
    public var deduplicatesSuccessful: Bool { didSet { given.insert(.deduplicatesSuccessful) } }

    /// Whether no other of these jobs is enqueued while one holds its lock. The steps of a workflow are always sent. Default: `nil`, any number is.
    public var unique: Unique?

    /// How many retries there are at most, for people who look: those of the policy, else those of a thrown ``Retry``; `nil`: not known, or no end.
    public var mostRetries: Int? { retry.mostRetries == 0 ? maxRetries : retry.mostRetries }

    /// What was said: the rest may be filled in by ``JobDefaults``.
    var given = Given()

    /// Makes options; each default is given at its property.
    public init(
        queue: String? = nil, priority: Int? = nil, retry: RetryPolicy = .never, maxRetries: Int? = 3, retryDelay: Duration = .seconds(180),
        timeLimit: Duration? = nil, softTimeLimit: Duration? = nil, ignoreResult: Bool? = nil, storeErrorsEvenIfIgnored: Bool? = nil,
        acksLate: Bool? = nil, rejectOnWorkerLost: Bool? = nil, isolated: Bool = false, keepsFailures: Bool = true, trackStarted: Bool? = nil,
        deduplicatesSuccessful: Bool? = nil, unique: Unique? = nil
    ) {
        self.unique = unique
        self.queue = queue
        self.priority = priority
        self.retry = retry
        self.maxRetries = maxRetries
        self.retryDelay = retryDelay
        self.timeLimit = timeLimit
        self.softTimeLimit = softTimeLimit
        self.ignoreResult = ignoreResult ?? false
        if ignoreResult != nil { given.insert(.ignoreResult) }
        self.storeErrorsEvenIfIgnored = storeErrorsEvenIfIgnored ?? false
        if storeErrorsEvenIfIgnored != nil { given.insert(.storeErrorsEvenIfIgnored) }
        self.acksLate = acksLate ?? true
        if acksLate != nil { given.insert(.acksLate) }
        self.rejectOnWorkerLost = rejectOnWorkerLost ?? true
        if rejectOnWorkerLost != nil { given.insert(.rejectOnWorkerLost) }
        self.isolated = isolated
        self.keepsFailures = keepsFailures
        self.trackStarted = trackStarted ?? false
        if trackStarted != nil { given.insert(.trackStarted) }
        self.deduplicatesSuccessful = deduplicatesSuccessful ?? false
        if deduplicatesSuccessful != nil { given.insert(.deduplicatesSuccessful) }
    }
}
