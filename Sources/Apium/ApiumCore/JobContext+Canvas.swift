import DynamicJSON

extension JobContext {
    /// Sends a signature from inside the job, with `args` in front of its own unless it is immutable: same root, this job as
    /// parent, and listed among the result's children unless `asChild` is false. Any canvas may be sent.
    ///
    /// - Returns: what can be waited for, and returned by the job (``ResultTuple/json``); `nil` when nothing was sent.
    @discardableResult
    public func send(_ signature: Signature, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], asChild: Bool = true) async throws -> ResultTuple? {
        try await asking { try await services.send(signature, args: args, kwargs: kwargs, asChild: asChild) }
    }

    /// Ends this run and lets a signature take its place: under this job's id, with its callbacks, its place in its chain, group
    /// and chord. This run stores nothing. Celery's `self.replace`.
    ///
    /// The replacement goes out in the step that ends this delivery: a worker that dies before runs the job again, and one that
    /// dies after has lost nothing.
    ///
    /// - Throws: ``Replaced`` always, unless the signature cannot take the place; let it pass.
    public func replace(with signature: Signature) async throws -> Never {
        try await asking { try await services.replace(with: signature) }
        throw Replaced()
    }

    /// Sends a signature as one more part of the chord this job is a part of. Celery's `self.add_to_chord`.
    @discardableResult
    public func addToChord(_ signature: Signature) async throws -> ResultTuple? {
        try await asking { try await services.addToChord(signature) }
    }
}
