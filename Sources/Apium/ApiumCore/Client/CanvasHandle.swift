import DynamicJSON

/// What sending an untyped canvas answers: the handle of its last job, or of a group.
public struct CanvasHandle: Sendable {
    /// The ids: of the result, its members if it is a group, and what comes before it.
    public let tuple: ResultTuple
    let client: ApiumClient

    init(_ tuple: ResultTuple, client: ApiumClient) {
        self.tuple = tuple
        self.client = client
    }

    /// The job's or the group's id.
    public var id: String { tuple.id }

    /// Whether it is a group.
    public var isGroup: Bool { tuple.members != nil }

    /// The step before it; `nil` when it has none or it is not known.
    public var parent: CanvasHandle? { tuple.parent.map { CanvasHandle($0, client: client) } }

    /// The members of a group; none for a job.
    public var members: [CanvasHandle] { (tuple.members ?? []).map { CanvasHandle($0, client: client) } }

    /// Waits for the value; of a group, for the list of its members' values. See ``JobHandle/value(within:)``.
    public func value(within timeout: Duration) async throws -> JSONValue { try await client.value(of: tuple, within: timeout) }

    /// Waits for the value as a type.
    public func value<Output: Decodable>(as type: Output.Type, within timeout: Duration) async throws -> Output {
        try client.decode(type, from: try await value(within: timeout), of: tuple)
    }

    /// As the handle of a job.
    public func job<Output: Decodable & Sendable>(as _: Output.Type = JSONValue.self) -> JobHandle<Output> { JobHandle(tuple, client: client) }

    /// As the handle of a group; `nil` when it is a job.
    public func group<Element: Decodable & Sendable>(of _: Element.Type = JSONValue.self) -> GroupHandle<Element>? {
        isGroup ? GroupHandle(tuple, client: client) : nil
    }

    /// What is known of the whole workflow from here.
    public func graph(limit: Int = 10_000) async throws -> ResultGraph { try await client.graph(of: tuple, limit: limit) }

    /// Cancels the job, or the jobs of the group; with `chain` also the steps before it.
    public func revoke(chain: Bool = false) async throws {
        var ids: [String] = []
        var next: ResultTuple? = tuple
        while let tuple = next {
            ids += tuple.jobs
            next = chain ? tuple.parent : nil
        }
        try await client.revoke(ids)
    }

    /// Deletes the results of this and of the steps before it.
    public func forget() async throws {
        var next: ResultTuple? = tuple
        while let tuple = next {
            for id in tuple.jobs { try await client.results.forget(id) }
            next = tuple.parent
        }
    }
}

extension ResultTuple {
    /// The ids of the jobs whose values make up this one's.
    var jobs: [String] { members.map { $0.flatMap(\.jobs) } ?? [id] }

    /// The value, made of the documents of ``jobs``.
    func value(_ documents: [String: ResultDocument]) -> JSONValue {
        members.map { .array($0.map { $0.value(documents) }) } ?? documents[id]?.result ?? .null
    }
}
