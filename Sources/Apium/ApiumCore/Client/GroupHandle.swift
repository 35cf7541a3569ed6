import DynamicJSON

/// Jobs that were sent together: Celery's `GroupResult`. The members of groups in it, and of chains that end in groups, are lists.
///
/// ```swift
/// let handle = try await client.enqueue(Group(products.map { CheckPrice(productID: $0) }))
/// let outcomes = try await handle.values(within: .seconds(60))
/// ```
public struct GroupHandle<Element: Decodable & Sendable>: Sendable {
    /// The group's id and members.
    public let tuple: ResultTuple
    let client: ApiumClient

    init(_ tuple: ResultTuple, client: ApiumClient) {
        self.tuple = tuple
        self.client = client
    }

    /// The group's id.
    public var id: String { tuple.id }

    /// How many members it has.
    public var count: Int { tuple.members?.count ?? 0 }

    /// The members, in order.
    public var members: [CanvasHandle] { (tuple.members ?? []).map { CanvasHandle($0, client: client) } }

    /// Waits for all members, over the backend's one subscription connection; answers their values in order.
    ///
    /// - Throws: the failure of the first member that is seen to have failed, without waiting for the others; else as
    ///   ``JobHandle/value(within:)``.
    public func values(within timeout: Duration) async throws -> [Element] {
        let value = try await client.value(of: tuple, within: timeout)
        return try (value.arrayValue ?? []).map { try client.decode(Element.self, from: $0, of: tuple) }
    }

    /// Waits for all members and answers how each ended, value or failure, in order.
    ///
    /// - Throws: ``ApiumError`` `timedOut` when one is not ready in time, `badResult` when a stored value is not an `Element`.
    public func outcomes(within timeout: Duration) async throws -> [Result<Element, JobFailure>] {
        let deadline = ContinuousClock.now + timeout
        let documents = try await client.documents(of: tuple.jobs, until: deadline, stopsAtFailure: false)
        var outcomes: [Result<Element, JobFailure>] = []
        for member in tuple.members ?? [] {
            do {
                let value = try ApiumClient.value(of: member, in: documents)
                outcomes.append(.success(try client.decode(Element.self, from: value, of: member)))
            } catch let failure as JobFailure {
                outcomes.append(.failure(failure))
            }
        }
        return outcomes
    }

    /// The states of all jobs in it now, by id; a nested group's members are counted one by one.
    public func states() async throws -> [String: JobState] {
        let ids = tuple.jobs
        let documents = try await client.results.documents(for: ids)
        return Dictionary(zip(ids, documents.map { $0?.state ?? .pending }), uniquingKeysWith: { first, _ in first })
    }

    /// How many of its jobs have succeeded.
    public func completedCount() async throws -> Int { try await states().values.reduce(0) { $0 + ($1 == .success ? 1 : 0) } }

    /// Whether all its jobs have ended.
    public func isReady() async throws -> Bool { try await states().values.allSatisfy(\.isReady) }

    /// Keeps the group under its id, so that ``ApiumClient/group(_:as:)``, or Python's `GroupResult.restore`, finds it.
    public func save() async throws { try await client.results.saveGroup(id, tuple.json) }

    /// Cancels all its jobs.
    public func revoke() async throws { try await client.revoke(tuple.jobs) }

    /// Deletes all its jobs' results.
    public func forget() async throws { for id in tuple.jobs { try await client.results.forget(id) } }
}
