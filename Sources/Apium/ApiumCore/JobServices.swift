import DynamicJSON

/// What a running job asks of the worker: in its own process the worker itself, in a child process what speaks to it.
public protocol JobServices: Sendable {
    /// Stores a state on the way.
    func report(_ state: JobState, _ value: JSONValue) async throws

    /// Remembers the result of something the job has sent by itself as one of its children.
    func adopt(_ child: ResultTuple)

    /// Sends a signature from inside the job: same root, the job as parent. Answers what can be waited for; `nil` when nothing
    /// is sent (an empty group).
    func send(_ signature: Signature, args: [JSONValue], kwargs: [String: JSONValue], asChild: Bool) async throws -> ResultTuple?

    /// Remembers what takes the job's place: it goes out in the step that ends the job.
    ///
    /// - Throws: ``JobFailure`` `ImproperlyConfigured` for an empty chain and for a signature that is part of a chord.
    func replace(with signature: Signature) async throws

    /// Sends a signature as one more part of the chord this job is a part of.
    ///
    /// - Throws: ``ApiumError`` when the job is part of no chord.
    func addToChord(_ signature: Signature) async throws -> ResultTuple?
}

/// Services of a context made without a worker: everything but progress is refused.
struct NoServices: JobServices {
    var progress: @Sendable (JobState, JSONValue) async throws -> Void

    func report(_ state: JobState, _ value: JSONValue) async throws { try await progress(state, value) }
    func adopt(_ child: ResultTuple) {}
    func send(_ signature: Signature, args: [JSONValue], kwargs: [String: JSONValue], asChild: Bool) async throws -> ResultTuple? { throw missing }
    func replace(with signature: Signature) async throws { throw missing }
    func addToChord(_ signature: Signature) async throws -> ResultTuple? { throw missing }

    private var missing: ApiumError { ApiumError(.notAvailable, "this context was made without a worker, so the job cannot send signatures") }
}
