import DynamicJSON

/// A job that was sent, or will be by the step before it: its state and its result. Celery's `AsyncResult`.
///
/// ```swift
/// let handle = try await client.enqueue(CheckPrice(productID: 7))
/// do {
///     let outcome = try await handle.value(within: .seconds(20))
/// } catch let failure as JobFailure where failure.is("ValueError") {
///     …
/// }
/// ```
public struct JobHandle<Output: Decodable & Sendable>: Sendable {
    /// The job's id, and those of the steps before it as far as its sender knows them.
    public let tuple: ResultTuple
    /// What became of the enqueue that made this handle: one outcome, and what was confirmed. `nil` for a handle that was made otherwise.
    public let receipt: EnqueueReceipt?
    let client: ApiumClient

    init(_ tuple: ResultTuple, client: ApiumClient, receipt: EnqueueReceipt? = nil) {
        self.tuple = tuple
        self.receipt = receipt
        self.client = client
    }

    /// The job's id.
    public var id: String { tuple.id }

    /// Whether nothing was enqueued because the id was known (``EnqueueOptions/once(within:)``).
    public var wasKnown: Bool { receipt?.outcomes.first == .known }

    /// The step before it in a chain, the header of a chord's body; `nil` when it has none or it is not known.
    public var parent: CanvasHandle? { tuple.parent.map { CanvasHandle($0, client: client) } }

    /// The state now: `PENDING` when nothing is stored (waiting, unknown or expired).
    public func state() async throws -> JobState { try await document()?.state ?? .pending }

    /// Whether it has ended.
    public func isReady() async throws -> Bool { try await state().isReady }

    /// The stored document, if any: with the value of a custom state (`update_state`) while it runs.
    public func document() async throws -> ResultDocument? { try await client.results.document(for: id) }

    /// Waits for the result, by subscription.
    ///
    /// - Throws: ``JobFailure`` when the job failed or was revoked, or an error registered with ``ApiumClient/failures``; the failure of
    ///   a step before it when that is why it never ran; ``ApiumError`` `timedOut` when it is not ready in time, `badResult` when the
    ///   stored value is not an `Output`.
    public func value(within timeout: Duration) async throws -> Output {
        let value = try await client.value(of: tuple, within: timeout)
        return try client.decode(Output.self, from: value, of: tuple)
    }

    /// What the job has sent, as far as it has ended.
    public func children() async throws -> [CanvasHandle] {
        try await (document()?.children ?? []).compactMap { ResultTuple(json: $0) }.map { CanvasHandle($0, client: client) }
    }

    /// What is known of the whole workflow from here: the steps before, the children, and theirs.
    public func graph(limit: Int = 10_000) async throws -> ResultGraph { try await client.graph(of: tuple, limit: limit) }

    /// Cancels the job.
    public func revoke() async throws { try await client.revoke(id) }

    /// Deletes the result.
    public func forget() async throws { try await client.results.forget(id) }
}
