import ApiumCore
import DynamicJSON
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("The control state on Redis, read by those who know a part of it", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct ControlStateTests {
    @Test("what an older release has revoked is read all the same: its epochs say nothing of the ids")
    func olderRelease() async throws {
        try await Bench.with { bench in
            let keys = bench.broker.keys
            try await bench.broker.revoke(["new"])
            let known = try await bench.broker.controlState()
            for key in [keys.revoked, keys.terminated] { try await bench.redis.send(RedisCommand("ZADD", key, "4000000000000", "old")) }
            try await bench.redis.send(RedisCommand("HINCRBY", keys.control, "epoch", 1))
            try await bench.broker.revoke(["newer"])
            let read = try await bench.broker.controlState(since: known.epoch, knowing: 1)
            #expect(read.since == nil && read.revoked == ["new", "old", "newer"] && read.terminated == read.revoked)
            try await bench.broker.revoke(["newest"])
            #expect(try await bench.broker.controlState(since: read.epoch, knowing: 3).revoked == ["newest"])
        }
    }

    @Test("the ids of a thousand epochs are kept for those who know the one before, and of no more")
    func bounded() async throws {
        try await Bench.with { bench in
            let broker = bench.broker
            for number in 0..<1005 { try await broker.revoke(["id-\(number)"]) }
            #expect(try await bench.redis.send(RedisCommand("HLEN", broker.keys.control)) == .integer(1001))
            let late = try await broker.controlState(since: 4, knowing: 4)
            #expect(late.since == nil && late.revoked.count == 1005)
            let known = try await broker.controlState(since: 5, knowing: 5)
            #expect(known.since == 5 && known.revoked.count == 1000 && !known.revoked.contains("id-4"))
        }
    }

    @Test("very many ids that are revoked at once are read from where they all stand")
    func many() async throws {
        try await Bench.with { bench in
            try await bench.broker.revoke((0..<1001).map { "id-\($0)" })
            let whole = try await bench.broker.controlState(since: 0, knowing: 0)
            #expect(whole.since == nil && whole.revoked.count == 1001)
            try await bench.broker.revoke((0..<1000).map { "more-\($0)" })
            let news = try await bench.broker.controlState(since: 1, knowing: 1001)
            #expect(news.since == 1 && news.revoked.count == 1000 && news.terminated.count == 1000)
        }
    }

    @Test("changes of limits and pauses are epochs of which it is known that they revoke nothing")
    func otherEpochs() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            try await bench.broker.revoke(["a"])
            let known = try await session.control()
            _ = try await bench.broker.pause(.queue("q"))
            let paused = try await session.control(since: known.epoch, knowing: 1)
            #expect(paused.since == known.epoch && paused.revoked.isEmpty && paused.holds.pausedQueues == ["q"])
            try await session.close()
        }
    }

    @Test("a job whose task was cancelled by its soft limit stores states and enqueues, until it must stop")
    func afterSoftLimit() async throws {
        try await Bench.with { bench in
            let limits = JobLimits()
            let context = JobContext(
                message: Bench.message("job"), queue: "q", fence: 1, worker: "w", logger: Bench.logger,
                client: ApiumClient(broker: bench.broker, results: bench.results, defaultQueue: "q"), services: Storing(results: bench.results), limits: limits)
            let job = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                limits.raise(.soft)
                try await context.updateState("PROGRESS", 7)
                let rest = try await context.enqueue(Rest())
                limits.raise(.stop)
                await #expect(throws: (any Error).self) { try await context.updateState("PROGRESS", 8) }
                return rest
            }
            let rest = try await job.value
            #expect(try await bench.results.document(for: "job")?.result == 7)
            #expect(try await bench.waiting() == [rest])
        }
    }

    private struct Rest: JobDefinition {
        static let name = "rest"
        typealias Output = Int
    }

    /// What stores states, and does nothing else.
    private struct Storing: JobServices {
        let results: RedisResults

        func report(_ state: JobState, _ value: JSONValue) async throws { try await results.store(ResultDocument(id: "job", state: state, result: value)) }
        func adopt(_ child: ResultTuple) {}
        func send(_ signature: Signature, args: [JSONValue], kwargs: [String: JSONValue], asChild: Bool) async throws -> ResultTuple? { nil }
        func replace(with signature: Signature) async throws {}
        func addToChord(_ signature: Signature) async throws -> ResultTuple? { nil }
    }
}
