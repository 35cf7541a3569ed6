import ApiumCore
import DynamicJSON

/// How a run ended, before anything is written. What follows from it is decided in one place: ``Verdict/completion(of:in:)``.
enum Verdict: Sendable {
    /// It returned a value.
    case success(JSONValue)
    /// It failed for good.
    case failure(JobFailure)
    /// It runs again after the delay, counted; the cause is stored with the state RETRY.
    case retry(after: Duration, cause: JobFailure?)
    /// It runs again after the delay, not counted.
    case snooze(Duration)
    /// It is not due yet: a message with an ETA that came straight to a queue.
    case notDue(Duration)
    /// It is done, and nothing is stored.
    case ignored
    /// It goes to the back of its queue.
    case requeue
    /// It was cancelled or has expired; the word is Celery's: `revoked`, `expired` or `terminated`.
    case revoked(String)
    /// It cannot run here and is kept for somebody to look at.
    case parked(reason: String, failure: JobFailure?)
}

/// A claimed message that was decoded, and what the verdict needs to know of its worker.
struct Assignment: Sendable {
    var delivery: Delivery
    var message: Message
    var options: JobOptions
    var worker: String
    var resultExtended: Bool
    /// For `result_extended`; `nil` while the body is not decoded.
    var arguments: TaskArguments?

    /// The header counts before the job's own setting.
    var ignoresResult: Bool { message.headers.ignoreResult ?? options.ignoreResult }

    /// The message as it is sent again: `retries` and `eta` are the caller's to set.
    func message(changing change: (inout Message) -> Void) -> Message {
        var copy = message
        copy.properties.deliveryTag = nil
        change(&copy)
        return copy
    }

    /// A result document of this job, with what Celery adds for `result_extended`.
    func document(_ state: JobState, _ result: JSONValue, traceback: String? = nil, now: Timestamp) -> ResultDocument {
        var extra: [String: JSONValue] = [:]
        if resultExtended {
            extra = [
                "name": .string(message.task), "args": .array(arguments?.args ?? []), "kwargs": .object(arguments?.kwargs ?? [:]), "worker": .string(worker),
                "retries": .int(Int64(message.headers.retries)), "queue": .string(delivery.queue),
            ]
        }
        return ResultDocument(
            id: message.id, state: state, result: result, traceback: traceback, dateDone: state.isReady ? now : nil, children: [],
            groupID: message.headers.group, parentID: message.headers.parentID, extra: extra)
    }

    /// The record of this job for one of the broker's shelves.
    func record(reason: String, now: Timestamp) -> ShelvedRecord {
        ShelvedRecord(
            id: message.id, task: message.task, queue: delivery.queue, reason: reason, at: now, attempts: message.headers.retries + 1, payload: delivery.payload
        )
    }
}

extension Verdict {
    /// What is written for this verdict: the end of the delivery, and the result that goes with it.
    ///
    /// A FAILURE is always stored with the job in the dead set; a RETRY document only when the result is wanted at all
    /// (Celery's rule for `ignore_result`).
    func completion(of job: Assignment, now: Timestamp) -> Completion {
        let tag = job.delivery.tag
        let queue = job.delivery.queue
        switch self {
        case .success(let value):
            return Completion(tag, .done, results: job.ignoresResult ? [] : [job.document(.success, value, now: now)])
        case .failure(let failure):
            let results = job.ignoresResult ? [] : [job.document(.failure, failure.value, traceback: failure.traceback(of: job.message.task), now: now)]
            return Completion(tag, .shelve(.dead, job.record(reason: failure.description, now: now)), results: results)
        case .retry(let delay, let cause):
            let again = job.message {
                $0.headers.retries += 1
                // The scheduled set holds it until it is due on the broker's clock; an ETA of this machine's clock would only
                // hold it up again where the two differ.
                $0.headers.eta = nil
                $0.headers.parentID = $0.headers.parentID ?? $0.headers.id
            }
            let results = job.ignoresResult ? [] : [job.document(.retry, cause?.value ?? .null, traceback: cause?.traceback(of: job.message.task), now: now)]
            return Completion(tag, .schedule(again, queue: queue, after: delay), results: results)
        case .snooze(let delay), .notDue(let delay):
            return Completion(tag, .schedule(job.message { _ in }, queue: queue, after: delay))
        case .ignored:
            return Completion(tag, .done)
        case .requeue:
            return Completion(tag, .requeue(job.message { $0.properties.redelivered = true }, queue: queue))
        case .revoked(let word):
            let failure = JobFailure(type: "TaskRevokedError", arguments: [.string(word)], module: "celery.exceptions")
            return Completion(tag, .done, results: [job.document(.revoked, failure.value, now: now)])
        case .parked(let reason, let failure):
            let results = failure.map { [job.document(.failure, $0.value, now: now)] } ?? []
            return Completion(tag, .shelve(.parked, job.record(reason: reason, now: now)), results: results)
        }
    }

    /// The verdict of what a run threw.
    ///
    /// - Parameters:
    ///   - stop: why the worker had told the job to stop, if it had; `abandoned` has no verdict, the job is not ours to end.
    static func thrown(_ error: any Error, stop: RunningJobs.StopReason?, retries: Int, policy: RetryPolicy, taskText: @autoclosure () -> String) -> Verdict? {
        switch stop {
        case .abandoned: return nil
        case .revoked: return .revoked("terminated")
        case .timeLimit(let limit):
            return afterFailure(TimeLimitExceeded(limit: limit), retries: retries, policy: policy)
        case nil: break
        }
        switch error {
        case let retry as Retry:
            if let limit = retry.usesLimitOfJob ? 3 : retry.maxRetries, retries + 1 > limit {
                return .failure(
                    retry.reason.map { JobFailure($0) }
                        ?? JobFailure(type: "MaxRetriesExceededError", arguments: [.string("Can't retry \(taskText())")], module: "celery.exceptions"))
            }
            return .retry(after: retry.delay ?? .seconds(180), cause: retry.reason.map { JobFailure($0) })
        case let snooze as Snooze: return .snooze(snooze.delay)
        case is Ignore: return .ignored
        case let reject as Reject:
            if reject.requeue { return .requeue }
            return .failure(JobFailure(type: "Reject", arguments: [.string(reject.reason), .bool(false)], module: "celery.exceptions"))
        default: return afterFailure(error, retries: retries, policy: policy)
        }
    }

    private static func afterFailure(_ error: any Error, retries: Int, policy: RetryPolicy) -> Verdict {
        // Arguments that do not fit today do not fit tomorrow.
        if let error = error as? ApiumError, error.code == .badArguments {
            return .failure(JobFailure(type: "TypeError", arguments: [.string(error.description)], module: "builtins"))
        }
        switch policy.decision(after: .init(retries: retries, error: error)) {
        case .giveUp: return .failure(JobFailure(error))
        case .after(let delay): return .retry(after: delay, cause: JobFailure(error))
        }
    }
}

/// A run that took longer than its limit; stored as billiard's class of that name, which Python raises.
public struct TimeLimitExceeded: JobFailureConvertible {
    /// The limit.
    public var limit: Duration
    public var jobFailure: JobFailure { JobFailure(type: "TimeLimitExceeded", arguments: [.double(limit.inSeconds)], module: "billiard.exceptions") }
}

extension JobFailure {
    /// Swift has no traceback to show: the text says where it was raised and what.
    func traceback(of task: String) -> String { "in task \(task)\n\(description)" }
}
