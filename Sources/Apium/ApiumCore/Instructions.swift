import DynamicJSON

/// Thrown by a job: run me again, counted as a retry. Celery's `Retry`.
///
/// The message comes back with the same id and all it carried: stamps, custom headers, links, the rest of its chain and its
/// chord. What is given here is changed.
public struct Retry: Error {
    /// How long to wait. `nil`: the job's ``JobOptions/retryDelay``.
    public var delay: Duration?
    /// Retries allowed in all; the next one after that fails the job. `nil`: for ever. Only of account when
    /// ``usesLimitOfJob`` is false.
    public var maxRetries: Int?
    /// Whether the job's own ``JobOptions/maxRetries`` counts.
    public var usesLimitOfJob: Bool
    /// What went wrong: stored with the state `RETRY`, and as the failure once the retries are used up.
    public var reason: (any Error)?
    /// Positional arguments for the next run. `nil`: the same. Keyword arguments of the parameters they fill go.
    public var args: [JSONValue]?
    /// Keyword arguments for the next run. `nil`: the same. One that names a parameter given by position takes its place there.
    public var kwargs: [String: JSONValue]?
    /// What else is different in the next run: queue, priority, expires, ignoreResult, headers. Ids, delay and eta are of no account.
    public var options = EnqueueOptions()

    /// Makes the instruction: the job's own limit counts.
    public init(
        after delay: Duration? = nil, reason: (any Error)? = nil, args: [JSONValue]? = nil, kwargs: [String: JSONValue]? = nil,
        options: EnqueueOptions = EnqueueOptions()
    ) {
        self.delay = delay
        maxRetries = nil
        usesLimitOfJob = true
        self.reason = reason
        self.args = args
        self.kwargs = kwargs
        self.options = options
    }

    /// Makes the instruction with a limit of its own; `nil`: for ever.
    public init(
        after delay: Duration? = nil, maxRetries: Int?, reason: (any Error)? = nil, args: [JSONValue]? = nil, kwargs: [String: JSONValue]? = nil,
        options: EnqueueOptions = EnqueueOptions()
    ) {
        self.init(after: delay, reason: reason, args: args, kwargs: kwargs, options: options)
        self.maxRetries = maxRetries
        usesLimitOfJob = false
    }
}

/// Thrown by a job: run me again later; not counted as a retry.
public struct Snooze: Error {
    /// How long to wait.
    public var delay: Duration

    /// Makes the instruction.
    public init(for delay: Duration) { self.delay = delay }
}

/// Thrown by a job: I am done, and there is nothing to store. Celery's `Ignore`.
public struct Ignore: Error {
    /// Makes the instruction.
    public init() {}
}

/// Thrown by a job: give the message back, or refuse it for good. Celery's `Reject`.
public struct Reject: Error {
    /// Why.
    public var reason: String
    /// Back to the end of its queue (`true`), or ended as a FAILURE of type `Reject` (`false`, the default).
    public var requeue: Bool

    /// Makes the instruction.
    public init(_ reason: String = "", requeue: Bool = false) {
        self.reason = reason
        self.requeue = requeue
    }
}

/// Thrown by ``JobContext/replace(with:)``: the run ends here, and what takes its place goes out in the step that ends it.
///
/// Let it pass: the replacement counts even when the job catches this, and what the job returns then is dropped.
public struct Replaced: Error {
    /// Makes the instruction; contexts do.
    public init() {}
}

/// Thrown by ``JobContext/sleep(for:)`` and ``JobContext/checkLimits()`` once the job's soft time limit has passed.
///
/// A job may catch it, clean up and return normally; uncaught it is the job's failure, billiard's class of that name.
public struct SoftTimeLimitExceeded: JobFailureConvertible, Hashable {
    /// Makes the error.
    public init() {}

    public var jobFailure: JobFailure { JobFailure(type: "SoftTimeLimitExceeded", module: "billiard.exceptions") }
}
