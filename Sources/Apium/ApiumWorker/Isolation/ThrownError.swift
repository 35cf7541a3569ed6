import ApiumCore
import DynamicJSON

/// What a job threw in a child, as it crosses to the worker: instructions as they are, other errors as their stored form with what
/// the job's retry policy said of them, because only the child knows the Swift error.
struct ThrownError {
    let json: JSONValue

    init(_ error: any Error, policy: RetryPolicy, retries: Int) {
        switch error {
        case let retry as Retry: json = Self.json(of: retry)
        case let snooze as Snooze: json = ["kind": "snooze", "delay": .int(snooze.delay.wholeMicroseconds)]
        case is Ignore: json = ["kind": "ignore"]
        case let reject as Reject: json = ["kind": "reject", "reason": .string(reject.reason), "requeue": .bool(reject.requeue)]
        case is Replaced: json = ["kind": "replaced"]
        case is CancellationError: json = ["kind": "cancelled"]
        case is SoftTimeLimitExceeded: json = ["kind": "soft limit"]
        case let error as ApiumError: json = ["kind": "apium", "code": .string(error.code.rawValue), "message": .string(error.description)]
        default:
            var members: [String: JSONValue] = ["kind": "failure", "failure": JobFailure(error).value]
            if case .after(let delay) = policy.decision(after: .init(retries: retries, error: error)) { members["again"] = .int(delay.wholeMicroseconds) }
            json = .object(members)
        }
    }

    init(json: JSONValue) throws {
        guard json["kind"]?.stringValue != nil else { throw FrameGarbage(description: "an error has no kind") }
        self.json = json
    }

    /// The error as the worker throws it.
    var error: any Error {
        switch json["kind"]?.stringValue {
        case "retry": Self.retry(json)
        case "snooze": Snooze(for: .microseconds(json["delay"]?.intValue ?? 0))
        case "ignore": Ignore()
        case "reject": Reject(json["reason"]?.stringValue ?? "", requeue: json["requeue"]?.boolValue ?? false)
        case "replaced": Replaced()
        case "cancelled": CancellationError()
        case "soft limit": SoftTimeLimitExceeded()
        case "apium": ApiumError(.init(rawValue: json["code"]?.stringValue ?? ""), json["message"]?.stringValue ?? "")
        default: failure
        }
    }

    private var failure: any Error {
        let failure = json["failure"].flatMap { JobFailure(value: $0) } ?? JobFailure(type: "Exception", module: "builtins")
        return FailureInChild(jobFailure: failure, retryDecision: json["again"]?.intValue.map { .after(.microseconds($0)) } ?? .giveUp)
    }

    // MARK: Retry

    private static func json(of retry: Retry) -> JSONValue {
        var members: [String: JSONValue] = ["kind": "retry", "own_limit": .bool(!retry.usesLimitOfJob), "options": json(of: retry.options)]
        members["delay"] = retry.delay.map { .int($0.wholeMicroseconds) }
        members["limit"] = retry.maxRetries.map { .int(Int64($0)) }
        members["reason"] = retry.reason.map { JobFailure($0).value }
        members["args"] = retry.args.map { .array($0) }
        members["kwargs"] = retry.kwargs.map { .object($0) }
        return .object(members)
    }

    private static func retry(_ json: JSONValue) -> Retry {
        let delay = json["delay"]?.intValue.map { Duration.microseconds($0) }
        let reason = json["reason"].flatMap { JobFailure(value: $0) }
        let args = json["args"]?.arrayValue
        let kwargs = json["kwargs"]?.objectValue
        let options = options(json["options"] ?? .null)
        guard json["own_limit"]?.boolValue == true else { return Retry(after: delay, reason: reason, args: args, kwargs: kwargs, options: options) }
        let limit = json["limit"]?.intValue.map { Int($0) }
        return Retry(after: delay, maxRetries: limit, reason: reason, args: args, kwargs: kwargs, options: options)
    }

    private static func json(of options: EnqueueOptions) -> JSONValue {
        var members: [String: JSONValue] = ["headers": .object(options.headers)]
        members["id"] = options.id.map { .string($0) }
        members["queue"] = options.queue.map { .string($0) }
        members["delay"] = options.delay.map { .int($0.wholeMicroseconds) }
        members["expires"] = options.expires.map { .int($0.wholeMicroseconds) }
        members["priority"] = options.priority.map { .int(Int64($0)) }
        members["ignore_result"] = options.ignoreResult.map { .bool($0) }
        members["root"] = options.rootID.map { .string($0) }
        members["parent"] = options.parentID.map { .string($0) }
        return .object(members)
    }

    private static func options(_ json: JSONValue) -> EnqueueOptions {
        .with {
            $0.headers = json["headers"]?.objectValue ?? [:]
            $0.id = json["id"]?.stringValue
            $0.queue = json["queue"]?.stringValue
            $0.delay = json["delay"]?.intValue.map { .microseconds($0) }
            $0.expires = json["expires"]?.intValue.map { .microseconds($0) }
            $0.priority = json["priority"]?.intValue.map { Int($0) }
            $0.ignoreResult = json["ignore_result"]?.boolValue
            $0.rootID = json["root"]?.stringValue
            $0.parentID = json["parent"]?.stringValue
        }
    }
}

/// A job's own error that was thrown in a child: its stored form, and what the job's policy decided there.
struct FailureInChild: JobFailureConvertible, RetryDecided {
    var jobFailure: JobFailure
    var retryDecision: RetryPolicy.Decision
}

/// The child process of a job is gone, and nobody had told it to stop.
struct ChildLost: JobFailureConvertible, CustomStringConvertible {
    var end: ChildEnd
    var run: UInt64

    var jobFailure: JobFailure { end.failure(ofRun: run) }
    var description: String { jobFailure.description }
}
