import DynamicJSON

/// How a job behaves when it is linked to the failure of another (`link_error`).
///
/// Celery decides by the number of parameters of the errback's function; a Swift job says so itself (celery-wire 9.3).
public enum ErrbackStyle: Sendable {
    /// Sent as a job with the failed job's id as its first argument: Celery's old style. The default, and the style of names
    /// that this worker does not know.
    case task
    /// Called in place, in the worker that saw the failure: Celery's new style. Nothing is stored for it, and what it throws is
    /// logged.
    ///
    /// - Parameters:
    ///   - parameters: how many positional parameters a Python function of this task has; `nil`: any number. With arguments
    ///     stored in a mutable signature that leave room for one or none, the job is sent as a task all the same.
    ///   - call: what is called.
    case inline(parameters: Int?, call: @Sendable (ErrbackCall) async throws -> Void)

    /// Whether a signature of this task is called in place.
    public func isInline(_ signature: Signature) -> Bool {
        guard case .inline(let parameters, _) = self else { return false }
        guard let parameters else { return true }
        let stored = signature.args.count + signature.kwargs.count
        // As Python's partial: more stored than there is room for is no call at all, and the function alone decides.
        if signature.immutable || stored > parameters { return parameters > 1 }
        return parameters - stored > 1
    }
}

/// One call of an errback in place.
public struct ErrbackCall: Sendable {
    /// The job that failed.
    public var request: FailedRequest
    /// Why.
    public var failure: JobFailure
    /// Free text.
    public var traceback: String?
    /// The signature's own arguments. An immutable one gets nothing else in Python; here the request is there all the same.
    public var args: [JSONValue]
    /// The signature's own keyword arguments.
    public var kwargs: [String: JSONValue]

    /// Makes a call.
    public init(request: FailedRequest, failure: JobFailure, traceback: String? = nil, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:]) {
        self.request = request
        self.failure = failure
        self.traceback = traceback
        self.args = args
        self.kwargs = kwargs
    }
}

/// The job that failed, as errbacks see it: for a chord whose header failed it is the body, which never ran.
public struct FailedRequest: Sendable, Hashable {
    /// The failed job's id.
    public var id: String
    /// Its name, when known.
    public var task: String?
    /// The root of its workflow.
    public var rootID: String?
    /// Its sender.
    public var parentID: String?
    /// What it was called with.
    public var arguments: TaskArguments

    /// Makes a request.
    public init(id: String, task: String? = nil, rootID: String? = nil, parentID: String? = nil, arguments: TaskArguments = TaskArguments()) {
        self.id = id
        self.task = task
        self.rootID = rootID
        self.parentID = parentID
        self.arguments = arguments
    }
}
