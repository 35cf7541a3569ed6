import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Looks at what workers hold", .enabled(if: OwnServer.path != nil), .timeLimit(.minutes(1)))
struct FlightTests {
    @Test("hundreds of workers that are gone, of which only empty batches are remembered, cost a few requests, and hide none that holds something")
    func manyThatAreGone() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            let session = try await bench.session()
            try await bench.enqueue(["a", "b"])
            #expect(try await bench.claim(2, from: session).count == 2)
            let keys = bench.broker.keys
            var commands: [RedisCommand] = []
            for number in 0..<450 {
                let gone = "gone-\(number)"
                commands.append(RedisCommand("ZADD", keys.reaped, 1, gone))
                for batch in 2..<11 {
                    commands.append(RedisCommand("HSET", keys.flight(gone), batch, keys.ready("q", step: 0), "idle:\(batch)", 1))
                }
            }
            commands.append(RedisCommand("LPUSH", keys.batch("gone-449", 7), Bench.message("late").encoded()))
            _ = try await bench.redis.pipeline(commands)
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
