import ApiumCore
import ApiumTesting
import DynamicJSON
import Testing

@Suite("What callers say about enqueueing", .timeLimit(.minutes(1)))
struct EnqueueClientTests {
    private struct Count: Job {
        static let name = "test.count"
        static let options = JobOptions(queue: "counts", priority: 3)
        var number: Int
        func run(in context: JobContext) async throws -> Int { number }
    }

    private let broker = InMemoryBroker(clock: ManualClock(), queueLimits: ["counts": 3])
    private var client: ApiumClient { ApiumClient(broker: broker, results: broker.results) }

    @Test("many jobs go in one call, each with an outcome, and with the options of their type")
    func bulk() async throws {
        let bulk = try await client.enqueueAll((0..<5).map { Count(number: $0) }, .after(.zero))
        #expect(bulk.items.map(\.outcome).prefix(3) == [.enqueued, .enqueued, .enqueued])
        #expect(bulk.refusals.map(\.index) == [3, 4])
        #expect(bulk.refusals.allSatisfy { $0.reason == QueueFull(queue: "counts", limit: 3, length: 3) })
        #expect(Set(bulk.handles.map(\.id)).count == 5)
        #expect(try await broker.queueLength("counts") == 3)
    }

    @Test("options of each job, with an id that is known among them")
    func each() async throws {
        let first = try await client.enqueueAll([Count(number: 1), Count(number: 2)]) { .once("count-\($0.number)") }
        #expect(first.handles.map(\.id) == ["count-1", "count-2"] && first.handles.allSatisfy { !$0.wasKnown })
        let second = try await client.enqueueAll([Count(number: 2), Count(number: 3)]) { .once("count-\($0.number)") }
        #expect(second.items.map(\.outcome) == [.known, .enqueued] && second.handles[0].wasKnown)
        #expect(try await broker.queueLength("counts") == 3)
    }

    @Test("a single job for a full queue throws, and the error can be matched")
    func single() async throws {
        for number in 0..<3 { try await client.enqueue(Count(number: number)) }
        let error = await #expect(throws: QueueFull.self) { try await client.enqueue(Count(number: 3)) }
        #expect(error?.queue == "counts")
        #expect(try await client.enqueue(Count(number: 3), .queueLimit(4)).receipt?.outcomes == [.enqueued])
    }

    @Test("what cannot be is said before anything is sent")
    func refused() async throws {
        func refusal(_ body: () async throws -> Void) async -> ApiumError.Code? {
            do { try await body() } catch { return (error as? ApiumError)?.code }
            return nil
        }
        let client = client
        #expect(await refusal { try await client.enqueue(Count(number: 1), EnqueueOptions().once()) } == .badArguments)
        #expect(await refusal { try await client.enqueueAll([Count(number: 1), Count(number: 2)], .id("same")) } == .badArguments)
        #expect(await refusal { try await client.send(Signature("a"), .once("x")) } == .badArguments)
        #expect(await refusal { try await client.enqueue(Count(number: 1), .after(.seconds(1_000_000_000_000))) } == .badArguments)
        #expect(await refusal { try await client.enqueue(Count(number: 1), .expiring(in: .seconds(1e20))) } == .badArguments)
        #expect(await refusal { try await client.enqueue(Count(number: 1), .confirmed(.replicas(1))) } == .notAvailable)
        #expect(try await broker.queueLength("counts") == 0)
    }

    @Test("a workflow whose first messages do not fit is refused as a whole")
    func workflow() async throws {
        let group = Signature.group((0..<4).map { Signature("test.count", kwargs: ["number": .int($0)], options: ["queue": "counts"]) })
        await #expect(throws: QueueFull.self) { try await client.send(group) }
        #expect(try await broker.queueLength("counts") == 0)
    }
}
