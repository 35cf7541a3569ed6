import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

// On a server of their own: they count its commands, and cut its replies.
@Suite("Reads that open their batches on Redis", .enabled(if: Bench.url != nil && OwnServer.path != nil), .timeLimit(.minutes(2)))
struct OpeningReadTests {
    /// Runs `body` with a worker that has got one job by a blocked read and waits for the next.
    private func withLivelyWorker(
        change: (inout RedisBrokerOptions) -> Void = { _ in },
        _ body: @Sendable (Bench, CuttingProxy, RedisSession, Task<[Delivery], any Error>) async throws -> Void
    ) async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration, change: change) { bench in
            let proxy = try await CuttingProxy.start(for: bench.configuration)
            let broker = RedisBroker(proxy.configuration, options: bench.options, logger: Bench.logger)
            let session = try await broker.open(WorkerIdentity(name: "w@host", pid: 1, queues: ["q"], lease: .seconds(5)))
            do {
                let first = Task { try await session.claim(limit: 8).deliveries }
                try await waits(bench, session)
                try await bench.enqueue(["first"])
                let deliveries = try await within("the first claim") { try await first.value }
                #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done])
                let next = Task { try await session.claim(limit: 8).deliveries }
                try await waits(bench, session)
                try await body(bench, proxy, session, next)
                try? await session.close()
                let left = try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") }
                #expect(left == [])
            } catch {
                await broker.shutdown()
                await proxy.stop()
                throw error
            }
            await broker.shutdown()
            await proxy.stop()
        }
    }

    private func waits(_ bench: Bench, _ session: RedisSession) async throws {
        try await bench.eventually("it waits") {
            let list = try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString()
            return list.split(separator: "\n").filter { $0.contains("apium:\(session.incarnation):wait") && $0.contains("flags=b") }.count == 4
        }
    }

    @Test("what comes to a list on which a job came before is given out without another round trip, fenced")
    func quick() async throws {
        try await withLivelyWorker { bench, _, session, next in
            let fence = try await bench.redis.send(RedisCommand("GET", bench.broker.keys.fence)).asInt()
            try await bench.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
            try await bench.enqueue(["next"])
            let deliveries = try await within("the next claim") { try await next.value }
            #expect(deliveries.map(\.id) == ["next"])
            #expect(try #require(deliveries.first).fence > fence)
            #expect(try await bench.calls("lmove") == 0)
            let flight = try await bench.redis.send(RedisCommand("HKEYS", bench.broker.keys.flight(session.incarnation))).asArray().map { try $0.asString() }
            #expect(!flight.contains("idle:\(deliveries[0].tag.batch)"))
            #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done])
        }
    }

    @Test("what comes with the job that a read brings is claimed next, in order")
    func crowd() async throws {
        try await withLivelyWorker { bench, _, session, next in
            let ids = (0..<30).map { "job-\($0)" }
            try await bench.enqueue(ids)
            var deliveries = try await within("the next claim") { try await next.value }
            deliveries += try await bench.claim(30 - deliveries.count, from: session)
            #expect(deliveries.map(\.id) == ids)
            #expect(zip(deliveries, deliveries.dropFirst()).allSatisfy { $0.fence < $1.fence })
            #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == Array(repeating: .done, count: 30))
        }
    }

    @Test("a read that opened its batch in vain is followed by reads that don't, and their batches are idle again")
    func inVain() async throws {
        try await withLivelyWorker(change: { $0.blockingTimeout = .milliseconds(100) }) { bench, _, session, next in
            try await bench.eventually("reads begin anew") { try await bench.calls("blmove") > 20 }
            let scripts = try await bench.calls("evalsha")
            let reads = try await bench.calls("blmove")
            try await bench.eventually("they go on") { try await bench.calls("blmove") >= reads + 8 }
            // The lease and the janitor call scripts, too, but not four for each round of reads.
            #expect(try await bench.calls("evalsha") - scripts < 8)
            let flight = try await bench.redis.send(RedisCommand("HKEYS", bench.broker.keys.flight(session.incarnation))).asArray().map { try $0.asString() }
            #expect(flight.filter { $0.hasPrefix("idle:") }.count == flight.count / 2)
            try await bench.enqueue(["late"])
            let deliveries = try await within("the next claim") { try await next.value }
            #expect(deliveries.map(\.id) == ["late"])
            #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done])
        }
    }

    @Test("what a read brought whose answer was cut is claimed all the same")
    func cut() async throws {
        try await withLivelyWorker { bench, proxy, session, next in
            proxy.swallowReplies()
            try await bench.enqueue(["cut"])
            try await bench.eventually("the server moved the job") { try await bench.broker.queueLength("q") == 0 }
            await proxy.cut()
            let deliveries = try await within("the next claim") { try await next.value }
            #expect(deliveries.map(\.id) == ["cut"])
            #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done])
        }
    }

    @Test("what a read brings to a worker that was reaped goes back at once, and its session has lost its lease")
    func reaped() async throws {
        try await withLivelyWorker { bench, _, session, next in
            session.suspendRenewal()
            try await bench.redis.send(RedisCommand("DEL", bench.broker.keys.worker(session.incarnation)))
            try await bench.enqueue(["back"])
            await #expect(throws: ApiumError.self) { try await within("the next claim") { try await next.value } }
            #expect(try await bench.waiting() == ["back"])
            let reaped = try await bench.redis.send(RedisCommand("ZSCORE", bench.broker.keys.reaped, session.incarnation))
            #expect(!reaped.isNull)
        }
    }
}
