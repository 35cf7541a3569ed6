import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Looks at what workers hold", .enabled(if: OwnServer.path != nil), .timeLimit(.minutes(1)))
struct FlightTests {
    /// What workers left that were reaped and had nothing, the first of them an hour ago.
    private func leave(_ count: Int, isReturned: Bool = false, _ bench: Bench) async throws {
        let keys = bench.broker.keys
        let now = try await bench.broker.serverTime().microseconds / 1000
        let commands = (0..<count).flatMap { number in
            let gone = "gone-\(number)"
            return [RedisCommand("ZADD", keys.reaped, Int(now) - 3_600_000 + number, gone)]
                + (2..<11).map { RedisCommand("HSET", keys.flight(gone), $0, keys.ready("q", step: 0), "idle:\($0)", 1) }
                + (isReturned ? [RedisCommand("HSET", keys.flight(gone), BatchReturner.returnedField, 1)] : [])
        }
        _ = try await bench.redis.pipeline(commands)
    }

    @Test("a janitor that is new returns what has just been left behind in a few requests, whatever a week has left, and what came late to old workers")
    func newJanitor() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            let keys = bench.broker.keys
            try await leave(450, isReturned: true, bench)
            let dead = try await bench.session("dead")
            try await bench.enqueue(["a", "b"])
            #expect(try await bench.claim(2, from: dead).count == 2)
            dead.suspendRenewal()
            try await bench.redis.send(.eval(RedisScripts.expire, keys: [keys.worker(dead.incarnation), keys.workers, keys.reaped], dead.incarnation, ""))
            try await bench.redis.send(RedisCommand("LPUSH", keys.batch("gone-3", 7), Bench.message("late").encoded()))
            let janitor = try await bench.session("new", queues: ["other"])
            try await bench.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
            let report = try await janitor.maintain()
            #expect(report.isJanitor && report.reaped == 3)
            #expect(try await Set(bench.waiting()) == ["a", "b", "late"])
            // One for each batch that holds something: the 4,050 that hold nothing are not read.
            #expect(try await bench.calls("lrange") <= 4)
            try await janitor.close()
            try? await dead.close()
        }
    }

    @Test("hundreds of workers that are gone, of which only empty batches are remembered, cost a few requests, and hide none that holds something")
    func manyThatAreGone() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            let session = try await bench.session()
            try await bench.enqueue(["a", "b"])
            #expect(try await bench.claim(2, from: session).count == 2)
            let keys = bench.broker.keys
            try await leave(450, bench)
            try await bench.redis.send(RedisCommand("LPUSH", keys.batch("gone-449", 7), Bench.message("late").encoded()))
            try await bench.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
            let flights = try await bench.broker.flights(limit: 10)
            #expect(try Set(flights.map { try Message(decoding: $0.payload).id }) == ["a", "b", "late"])
            #expect(flights.filter(\.isRegistered).count == 2)
            // One look at each of the batches that hold something; the workers are asked about together.
            #expect(try await bench.calls("evalsha") <= 3)
            #expect(try await bench.calls("exists") > 4000)
            try await session.close()
        }
    }
}
