import DynamicJSON

extension ApiumClient {
    /// Enqueues many typed jobs in one round trip. What one of them meets, a full queue or a known id, does not concern the others.
    ///
    /// ```swift
    /// let bulk = try await client.enqueueAll(products.map { CheckPrice(productID: $0) })
    /// print(bulk.refusals)
    /// ```
    ///
    /// - Parameter options: what is said of each; an id cannot be, see ``enqueueAll(_:each:)``.
    /// - Throws: ``ApiumError`` `unavailable` when the broker cannot be reached: any of the jobs may or may not be queued then.
    @discardableResult
    public func enqueueAll<Definition: JobDefinition>(_ jobs: some Sequence<Definition>, _ options: EnqueueOptions = EnqueueOptions()) async throws
        -> BulkReceipt<Definition.Output>
    {
        if let id = options.id { throw ApiumError(.badArguments, "many jobs cannot have the same id '\(id.prefix(100))'; say the options of each") }
        return try await enqueueAll(jobs) { _ in options }
    }

    /// Enqueues many typed jobs in one round trip, with options of their own; a durability that one of them asks for is waited for by all.
    @discardableResult
    public func enqueueAll<Definition: JobDefinition>(_ jobs: some Sequence<Definition>, each options: (Definition) throws -> EnqueueOptions) async throws
        -> BulkReceipt<Definition.Output>
    {
        try await bulk(jobs.map { try TaskCall($0, options($0)) })
    }

    /// Enqueues many calls by name in one round trip.
    @discardableResult
    public func enqueueAll(_ calls: [TaskCall]) async throws -> BulkReceipt<JSONValue> { try await bulk(calls) }

    private func bulk<Output>(_ calls: [TaskCall]) async throws -> BulkReceipt<Output> {
        let (ids, receipt) = try await send(calls, isAllOrNone: false)
        let items = zip(ids, receipt.outcomes).map { id, outcome in
            let own = EnqueueReceipt([outcome], confirmation: receipt.confirmation)
            return BulkReceipt<Output>.Item(handle: JobHandle(ResultTuple(id: id), client: self, receipt: own), outcome: outcome)
        }
        return BulkReceipt(items: items, confirmation: receipt.confirmation)
    }

    /// The one way of calls into the broker.
    func send(_ calls: [TaskCall], isAllOrNone: Bool) async throws -> (ids: [String], receipt: EnqueueReceipt) {
        guard JobTracing.current != nil else { return try await deliver(calls, isAllOrNone: isAllOrNone) }
        return try await EnqueueSpan.around(calls.map(\.task)) {
            try await deliver(calls, isAllOrNone: isAllOrNone)
        } ids: {
            $0.ids
        }
    }

    private func deliver(_ calls: [TaskCall], isAllOrNone: Bool) async throws -> (ids: [String], receipt: EnqueueReceipt) {
        let now = calls.contains { $0.options.needsTime } ? try await broker.serverTime() : Timestamp(microseconds: 0)
        let dispatcher = dispatcher(now: now)
        let outgoing = try calls.map { try dispatcher.outgoing($0) }
        let durability = calls.lazy.compactMap(\.options.durability).reduce(nil as Durability?) { $1.merged(with: $0) }
        let receipt = try await broker.enqueue(outgoing, EnqueueTerms(durability: durability, isAllOrNone: isAllOrNone))
        let ids = zip(outgoing, receipt.outcomes).map { outgoing, outcome in
            if case .duplicate(let holder) = outcome { holder } else { outgoing.message.id }
        }
        return (ids, receipt)
    }
}

/// What became of many jobs that were enqueued in one call.
public struct BulkReceipt<Output: Decodable & Sendable>: Sendable {
    /// The jobs, in order.
    public var items: [Item]
    /// What has confirmed to hold them; `nil` when nobody asked.
    public var confirmation: Confirmation?

    /// One job.
    public struct Item: Sendable {
        /// The job, or the one that its id stands for already; of one that was refused there will be no result.
        public var handle: JobHandle<Output>
        /// What became of it.
        public var outcome: EnqueueOutcome
    }

    /// The handles of all jobs, in order.
    public var handles: [JobHandle<Output>] { items.map(\.handle) }

    /// The jobs that were not enqueued because their queues are full: their places in the call, and why.
    public var refusals: [(index: Int, reason: QueueFull)] {
        items.enumerated().compactMap { index, item in
            if case .refused(let reason) = item.outcome { (index, reason) } else { nil }
        }
    }
}
