import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Who watches over leases on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct WatchTests {
    /// Registers a worker that renews once and then not for hours, so that what others have seen of it is all that counts.
    private func silent(_ bench: Bench) async throws -> RedisSession {
        let session = try await bench.session("silent", lease: .seconds(36_000))
        try await bench.eventually("it has renewed once") {
            try await bench.broker.registeredWorkers().contains { $0.incarnation == session.incarnation && $0.renewals == 1 }
        }
        return session
    }

    private func run(of bench: Bench) async throws -> String {
        try #require(ServerInformation(try await bench.redis.send(RedisCommand("INFO", "server")).asString())["run_id"])
    }

    /// Says that this worker has been silent for two leases, in a run of the server.
    private func tell(_ bench: Bench, of session: RedisSession, in run: String) async throws {
        try await bench.redis.send(RedisCommand("HSET", session.keys.silence, session.incarnation, "72000000000 \(run) 1"))
    }

    private func isRegistered(_ session: RedisSession, _ bench: Bench) async throws -> Bool {
        try await bench.broker.registeredWorkers().contains { $0.incarnation == session.incarnation }
    }

    @Test("an observer goes on from what others have seen of a silent worker: of another run of the server only when it has stood still for long")
    func told() async throws {
        try await Bench.with { bench in
            let lost = try await silent(bench)
            try await tell(bench, of: lost, in: "another")
            let first = try await bench.session("first", queues: ["none"])
            for _ in 0..<3 { _ = try await first.maintain() }
            #expect(try await isRegistered(lost, bench))
            try await first.close()
            try await tell(bench, of: lost, in: try await run(of: bench))
            let second = try await bench.session("second", queues: ["none"])
            try await bench.eventually("the lease is taken") {
                _ = try await second.maintain()
                return try await !isRegistered(lost, bench)
            }
            try await second.close()
            try await lost.close()
        }
    }

    @Test("what is seen of a silent worker is written down with an end, and nothing of one that renews")
    func written() async throws {
        try await Bench.with { bench in
            let lost = try await bench.session("lost", lease: .seconds(3))
            lost.suspendRenewal()
            let other = try await bench.session("other", queues: ["none"], lease: .seconds(3))
            let key = lost.keys.silence
            try await bench.eventually("it is written down") {
                _ = try await other.maintain()
                return try await bench.redis.send(RedisCommand("EXISTS", key)) == .integer(1)
            }
            #expect(try await bench.redis.send(RedisCommand("HKEYS", key)).asArray().map(\.string) == [lost.incarnation])
            #expect((1...60_000).contains(try await bench.redis.send(RedisCommand("PTTL", key)).asInt()))
            try await other.close()
            try await lost.close()
        }
    }

    @Test("seven watch beside the janitor, the first by their incarnations, and the eighth does not")
    func deputies() async throws {
        try await Bench.with { bench in
            let lost = try await silent(bench)
            // Somebody has the shared duties and does nothing.
            try await bench.redis.send(RedisCommand("SET", lost.keys.janitor, "stopped", "PX", 120_000))
            var others: [RedisSession] = []
            for number in 0..<9 { others.append(try await bench.session("w\(number)", queues: ["none"])) }
            let ranked = (others + [lost]).map(\.incarnation).sorted()
            func rank(_ session: RedisSession) throws -> Int { try #require(ranked.firstIndex(of: session.incarnation)) }
            try await tell(bench, of: lost, in: try await run(of: bench))
            for session in others where try rank(session) >= 7 {
                for _ in 0..<3 { #expect(try await !session.maintain().isJanitor) }
                #expect(try await isRegistered(lost, bench))
            }
            let last = try #require(try others.filter { try rank($0) < 7 }.max { $0.incarnation < $1.incarnation })
            _ = try await last.maintain()
            #expect(try await !isRegistered(lost, bench))
            for session in others { try await session.close() }
            try await lost.close()
        }
    }

    @Test("a janitor whose lease has passed to another finds out, and leaves the duties to that one")
    func succession() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            try await bench.eventually("it has the duties") { try await session.maintain().isJanitor }
            try await bench.redis.send(RedisCommand("SET", session.keys.janitor, "another", "PX", 120_000))
            try await bench.eventually("it has found out") { try await !session.maintain().isJanitor }
            try await bench.enqueue(["later"], after: .milliseconds(1))
            for _ in 0..<5 { #expect(try await session.maintain().promoted == 0) }
            #expect(try await bench.redis.send(RedisCommand("GET", session.keys.janitor)).string == "another")
            try await bench.redis.send(RedisCommand("DEL", session.keys.janitor))
            try await bench.eventually("it has them again, and does them") {
                _ = try await session.maintain()
                return try await bench.waiting() == ["later"]
            }
            try await session.close()
        }
    }
}
