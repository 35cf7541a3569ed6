/// Thrown by a job: run me again, counted as a retry. Celery's `Retry`.
public struct Retry: Error {
    /// How long to wait. Default: 180 seconds, as Celery's `default_retry_delay`.
    public var delay: Duration
    /// Retries allowed in all; the next one after that fails the job. Default: 3, as Celery's; `nil`: for ever.
    public var maxRetries: Int?
    /// What went wrong: stored with the state `RETRY`, and as the failure once the retries are used up.
    public var reason: (any Error)?

    /// Makes the instruction.
    public init(after delay: Duration = .seconds(180), maxRetries: Int? = 3, reason: (any Error)? = nil) {
        self.delay = delay
        self.maxRetries = maxRetries
        self.reason = reason
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
