import ApiumCore
import DynamicJSON

/// How a run ended, before anything is written. What follows from it is decided in one place: ``AftermathPlanner``.
enum Verdict: Sendable {
    /// It returned a value.
    case success(JSONValue)
    /// It failed for good.
    case failure(JobFailure)
    /// Its child process is gone, by the job's own doing as far as anybody knows: it runs again, with one more crash to its name.
    case lost(JobFailure)
    /// The same, once too often.
    case quarantined(JobFailure)
    /// It runs again, counted.
    case retry(Again)
    /// It runs again after the delay, not counted; under a rate limit, in this turn.
    case snooze(Duration, turn: RateTurn? = nil)
    /// This worker doesn't know the job, another one does: it goes back for that one, counted.
    case passedOn(Duration)
    /// It is not due yet: a message with an ETA that came straight to a queue.
    case notDue(Duration)
    /// It is done, and nothing is stored.
    case ignored
    /// Others have taken its place: they go out, and nothing is stored.
    case replaced(DispatchPlan)
    /// It had succeeded before, and its end was not written: what follows it goes out, if it never did.
    case succeededBefore(JSONValue, followed: Bool)
    /// It goes to the back of its queue.
    case requeue
    /// It was cancelled or has expired; the word is Celery's: `revoked`, `expired` or `terminated`.
    case revoked(String)
    /// It cannot run here and is kept for somebody to look at.
    case parked(reason: String, failure: JobFailure?)

    /// The next run of a job that is retried.
    struct Again: Sendable {
        /// How long to wait.
        var delay: Duration
        /// Stored with the state RETRY.
        var cause: JobFailure?
        /// Other positional arguments.
        var args: [JSONValue]?
        /// Other keyword arguments.
        var kwargs: [String: JSONValue]?
        /// What else is different.
        var options = EnqueueOptions()
    }
}

extension Verdict {
    /// What a job's message and options make of a lost child: one that must not run twice has failed.
    func weighed(for job: Assignment, crashLimit: Int) -> Verdict {
        guard case .lost(let failure) = self else { return self }
        guard job.options.acksLate, job.options.rejectOnWorkerLost else { return .failure(failure) }
        return job.message.crashes + 1 < crashLimit ? self : .quarantined(failure)
    }

    /// The verdict of what a run threw.
    ///
    /// - Parameters:
    ///   - stop: why the worker had told the job to stop, if it had; `abandoned` has no verdict, the job is not ours to end.
    ///   - softLimit: whether its soft limit had passed: a job that lets the cancellation through has not caught it.
    static func thrown(
        _ error: any Error, stop: RunningJobs.StopReason?, softLimit: Bool = false, retries: Int, options: JobOptions, taskText: @autoclosure () -> String
    ) -> Verdict? {
        switch stop {
        case .abandoned: return nil
        case .revoked: return .revoked("terminated")
        case .timeLimit(let limit):
            return afterFailure(TimeLimitExceeded(limit: limit), retries: retries, policy: options.retry)
        case nil: break
        }
        switch error {
        case let retry as Retry:
            if let limit = retry.usesLimitOfJob ? options.maxRetries : retry.maxRetries, retries + 1 > limit {
                return .failure(
                    retry.reason.map { JobFailure($0) }
                        ?? JobFailure(type: "MaxRetriesExceededError", arguments: [.string("Can't retry \(taskText())")], module: "celery.exceptions"))
            }
            return .retry(
                Again(
                    delay: max(retry.delay ?? options.retryDelay, .zero), cause: retry.reason.map { JobFailure($0) }, args: retry.args, kwargs: retry.kwargs,
                    options: retry.options))
        case let lost as ChildLost: return .lost(lost.jobFailure)
        case is ChildPool.NoChild: return .snooze(.seconds(1))
        case let snooze as Snooze: return .snooze(snooze.delay)
        case is Ignore, is Replaced: return .ignored
        case let reject as Reject:
            if reject.requeue { return .requeue }
            return .failure(JobFailure(type: "Reject", arguments: [.string(reject.reason), .bool(false)], module: "celery.exceptions"))
        case is CancellationError where softLimit: return afterFailure(SoftTimeLimitExceeded(), retries: retries, policy: options.retry)
        default: return afterFailure(error, retries: retries, policy: options.retry)
        }
    }

    private static func afterFailure(_ error: any Error, retries: Int, policy: RetryPolicy) -> Verdict {
        // Arguments that do not fit today do not fit tomorrow.
        if let error = error as? ApiumError, error.code == .badArguments {
            return .failure(JobFailure(type: "TypeError", arguments: [.string(error.description)], module: "builtins"))
        }
        switch policy.decision(after: .init(retries: retries, error: error)) {
        case .giveUp: return .failure(JobFailure(error))
        case .after(let delay): return .retry(Again(delay: delay, cause: JobFailure(error)))
        }
    }
}

/// A run that took longer than its limit; stored as billiard's class of that name, which Python raises.
public struct TimeLimitExceeded: JobFailureConvertible {
    /// The limit.
    public var limit: Duration
    public var jobFailure: JobFailure { JobFailure(type: "TimeLimitExceeded", arguments: [seconds], module: "billiard.exceptions") }

    /// Whole seconds stay whole, as Python has them.
    private var seconds: JSONValue { Int64(exactly: limit.inSeconds).map { .int($0) } ?? .double(limit.inSeconds) }
}

extension JobFailure {
    /// Swift has no traceback to show: the text says where it was raised and what.
    func traceback(of task: String) -> String { "in task \(task)\n\(description)" }

    /// Python's `repr` of the exception, as chord errors quote it.
    var pythonText: String { "\(type)(\(arguments.map { PythonText.text($0) }.joined(separator: ", ")))" }
}
