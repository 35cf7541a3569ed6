import ApiumCore
import ApiumTesting
import DynamicJSON
import Testing

private struct Page: Codable, Sendable, Hashable { var text: String }

private struct Fetch: JobDefinition {
    static let name = "shop.fetch"
    static let options = JobOptions(queue: "fetch")
    typealias Output = Page
    var url: String
}

private struct Store: ContinuingJob {
    static let name = "shop.store"
    static let parameters = ["page", "bucket"]
    static var input: KeyPath<Store, Page> { \.page }
    typealias Output = Int64
    var page: Page
    var bucket: String?
}

private struct Count: ContinuingJob {
    static let name = "shop.count"
    static let parameters = ["numbers"]
    static var input: KeyPath<Count, [Int64]> { \.numbers }
    typealias Output = Int64
    var numbers: [Int64]
}

private struct Merge: ContinuingJob {
    static let name = "shop.merge"
    static let parameters = ["pages"]
    static var input: KeyPath<Merge, [Page]> { \.pages }
    typealias Output = Page
    var pages: [Page]
}

private struct Nameless: ContinuingJob {
    static let name = "shop.nameless"
    static var input: KeyPath<Nameless, Page> { \.page }
    typealias Output = Int64
    var page: Page
}

private struct OutOfStock: DecodableJobFailure, Equatable {
    static let failureType = "OutOfStock"
    static let failureModule = "shop.errors"
    var product: Int64
    var failureArguments: [JSONValue] { [.int(product)] }
    init(product: Int64) { self.product = product }
    init?(failureArguments: [JSONValue]) {
        guard let product = failureArguments.first?.intValue else { return nil }
        self.product = product
    }
}

@Suite("Canvas from the client")
struct CanvasClientTests {
    private let broker = InMemoryBroker()
    private var client: ApiumClient { ApiumClient(broker: broker, results: broker.results) }

    /// What waits in a queue, oldest first.
    private func messages(in queue: String) async throws -> [Message] {
        let count = try await broker.queueLength(queue)
        guard count > 0 else { return [] }
        let session = broker.open(WorkerIdentity(name: "reader@test", pid: 1, queues: [queue]))
        return try await session.claim(limit: count).deliveries.map { try Message(decoding: $0.payload) }
    }

    private func succeed(_ id: String, _ value: JSONValue, children: [ResultTuple]? = nil) async throws {
        try await broker.results.store(ResultDocument(id: id, state: .success, result: value, children: children?.map(\.json)))
    }

    private func fail(_ id: String, _ failure: JobFailure) async throws {
        try await broker.results.store(ResultDocument(id: id, state: .failure, result: failure.value))
    }

    @Test("a typed chain sends its first job, the rest in it, each with its type's options")
    func typedChain() async throws {
        let handle = try await client.enqueue(Chain(Fetch(url: "u"), then: Store.self))
        let first = try #require(try await messages(in: "fetch").first)
        let arguments = try first.arguments()
        #expect(first.task == "shop.fetch" && arguments.kwargs == ["url": "u"])
        let next = try Signature(json: try #require(arguments.embed.chain?.first))
        #expect(next.task == "shop.store" && next.options["task_id"] == .string(handle.id))
        #expect(handle.parent?.id == first.id)
        try await succeed(handle.id, 5)
        let value: Int64 = try await handle.value(within: .seconds(5))
        #expect(value == 5)
    }

    @Test("a step of a typed chain takes further arguments, but not its input twice")
    func restOfArguments() throws {
        let chain = try Chain(Fetch(url: "u")).then(Store.self, with: ["bucket": "eu"]).signature
        guard case .chain(let steps) = try chain.shape else { return #expect(Bool(false), "not a chain") }
        #expect(steps.last?.kwargs == ["bucket": "eu"])
        let error = #expect(throws: ApiumError.self) { try Chain(Fetch(url: "u")).then(Store.self, with: ["page": "p"]).signature }
        #expect(error?.code == .badArguments)
        #expect(throws: ApiumError.self) { try Chain(Fetch(url: "u"), then: Nameless.self).signature }
    }

    @Test("a typed chord opens before it is sent, and its body gets a list")
    func typedChord() async throws {
        let handle = try await client.enqueue(Chord([Fetch(url: "a"), Fetch(url: "b")], then: Merge.self).then(Store.self))
        let header = try await messages(in: "fetch")
        #expect(header.map(\.headers.groupIndex) == [0, 1])
        let group = try #require(header.first?.headers.group)
        // The chord is open: two parts complete it.
        let first = try await broker.results.bring([ChordPart(group: group, id: header[0].id, index: 0, state: .success, result: 1)])
        let second = try await broker.results.bring([ChordPart(group: group, id: header[1].id, index: 1, state: .success, result: 2)])
        #expect(first.isEmpty && second.count == 1)
        #expect(handle.parent != nil)
    }

    @Test("a typed group answers the list of its values, in order")
    func typedGroup() async throws {
        let handle = try await client.enqueue(Group([Fetch(url: "a"), Fetch(url: "b"), Fetch(url: "c")]))
        let ids = try await messages(in: "fetch").map(\.id)
        #expect(handle.members.map(\.id) == ids)
        async let values = handle.values(within: .seconds(10))
        for (index, id) in ids.enumerated().reversed() { try await succeed(id, ["text": .string("\(index)")]) }
        let pages = try await values
        #expect(pages == [Page(text: "0"), Page(text: "1"), Page(text: "2")])
        #expect(try await handle.isReady())
        #expect(try await handle.completedCount() == 3)
        #expect(try await client.enqueue(Group([Fetch]())).values(within: .zero).isEmpty)
    }

    @Test("a group that was followed is a chord of workflows")
    func groupOfChains() async throws {
        let chains = ["a", "b"].map { Chain(Fetch(url: $0), then: Store.self) }
        let handle = try await client.enqueue(Group(chains).then(Count.self))
        let messages = try await messages(in: "fetch")
        #expect(messages.count == 2)
        let last = try #require(try messages[0].arguments().embed.chain?.first)
        #expect(last["options"]?["chord"]?["options"]?["task_id"] == .string(handle.id))
    }

    @Test("one failed member fails the group's values at once; outcomes tell of each", .timeLimit(.minutes(1)))
    func failedMember() async throws {
        let handle = try await client.enqueue(Group([Fetch(url: "a"), Fetch(url: "b")]))
        let ids = handle.members.map(\.id)
        try await fail(ids[1], JobFailure(type: "KeyError", arguments: ["x"]))
        let failure = await #expect(throws: JobFailure.self) { try await handle.values(within: .seconds(60)) }
        #expect(failure?.is("KeyError") == true && failure?.is("KeyError", module: "other") == false)
        try await succeed(ids[0], ["text": "a"])
        // However long somebody would wait.
        let outcomes = try await handle.outcomes(within: .seconds(Int64.max))
        #expect(try outcomes[0].get() == Page(text: "a"))
        #expect(throws: JobFailure.self) { try outcomes[1].get() }
    }

    @Test("a saved group is found again by its id, also as Python saves it")
    func saved() async throws {
        let handle = try await client.enqueue(Group([Fetch(url: "a"), Fetch(url: "b")]))
        try await handle.save()
        let restored = try #require(try await client.group(handle.id, of: Page.self))
        #expect(restored.tuple == handle.tuple)
        #expect(try await client.group("unknown", of: Page.self) == nil)
    }

    @Test("a nested group's values are a nested list")
    func nested() async throws {
        let canvas = Signature.group([Signature("a"), .chain([Signature("b"), .group([Signature("c"), Signature("d")])])])
        let handle = try #require(try await client.send(canvas))
        for (number, id) in handle.tuple.allJobs.enumerated() { try await succeed(id, .int(Int64(number))) }
        #expect(try await handle.value(within: .seconds(5)) == [0, [1, 2]])
        #expect(try await handle.value(as: [JSONValue].self, within: .seconds(5)).count == 2)
    }

    @Test("a step that never runs because one before it was revoked says so, after the wait")
    func revokedBefore() async throws {
        let handle = try await client.enqueue(Chain(Fetch(url: "a"), then: Store.self))
        let first = try #require(handle.parent)
        let revoked = JobFailure(type: "TaskRevokedError", arguments: ["revoked"], module: "celery.exceptions")
        try await broker.results.store(ResultDocument(id: first.id, state: .revoked, result: revoked.value))
        let failure = await #expect(throws: JobFailure.self) { try await handle.value(within: .milliseconds(20)) }
        #expect(failure?.isRevoked == true)
    }

    @Test("a registered Swift error comes back as itself, another failure as it was stored")
    func registeredErrors() async throws {
        var client = client
        client.failures.register(OutOfStock.self)
        let handle = try await client.enqueue(Fetch(url: "a"))
        try await fail(handle.id, OutOfStock(product: 7).jobFailure)
        let error = await #expect(throws: OutOfStock.self) { try await handle.value(within: .seconds(1)) }
        #expect(error == OutOfStock(product: 7))
        let other = try await client.enqueue(Fetch(url: "b"))
        try await fail(other.id, JobFailure(type: "OutOfStock", arguments: ["no number"], module: "shop.errors"))
        await #expect(throws: JobFailure.self) { try await other.value(within: .seconds(1)) }
    }

    @Test("the graph has the steps before, the children and theirs, and a retried job has no edge to itself")
    func graph() async throws {
        let handle = try await client.enqueue(Chain(Fetch(url: "a"), then: Store.self))
        let first = try #require(handle.parent)
        let group = ResultTuple(id: "g", members: [ResultTuple(id: "m1"), ResultTuple(id: "m2")])
        try await succeed(first.id, 1, children: [ResultTuple(id: first.id), ResultTuple(id: handle.id)])
        try await succeed(handle.id, 2, children: [group])
        let graph = try await handle.graph()
        #expect(graph.nodes == [first.id: .success, handle.id: .success, "g": nil, "m1": .pending, "m2": .pending])
        let edge = ResultGraph.Edge.init(from:to:)
        #expect(Set(graph.edges) == [edge(first.id, handle.id), edge(handle.id, "g"), edge("g", "m1"), edge("g", "m2")])
        #expect(graph.dot.contains("\"g\" -> \"m1\";"))
        #expect(try await handle.children().map(\.id) == ["g"])
    }

    @Test("a countdown of a canvas is kept by the broker's clock")
    func delayed() async throws {
        try await client.send(.group([Signature("a"), Signature("b")]), .after(.minutes(5)))
        #expect(try await broker.scheduledCount() == 2)
        #expect(try await broker.queueLength("celery") == 0)
    }

    @Test("an empty chain is nothing to send")
    func empty() async throws {
        #expect(try await client.send(.chain([])) == nil)
        let group = try await client.send(.group([]))
        #expect(try await group?.value(within: .zero) == [])
    }
}

extension ResultTuple {
    /// The ids of the jobs in it.
    fileprivate var allJobs: [String] { members.map { $0.flatMap(\.allJobs) } ?? [id] }
}
