import ApiumCore
import ApiumTesting
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("The broker on Redis", .serialized, .enabled(if: Bench.url != nil))
struct ConformanceTests {
    @Test("keeps every law of brokers", .timeLimit(.minutes(1)), arguments: BrokerConformance.allCases)
    func law(_ law: BrokerConformance.Law) async throws {
        try await BrokerConformance { try Self.world(resultsAreOnBroker: true) }.check(law)
    }

    @Test("keeps the laws when the results are kept elsewhere", .timeLimit(.minutes(1)), arguments: BrokerConformance.casesWithResultsElsewhere)
    func resultsElsewhere(_ law: BrokerConformance.Law) async throws {
        try await BrokerConformance { try Self.world(resultsAreOnBroker: false) }.check(law)
    }

    /// "Elsewhere" is another prefix on the same server: nothing the broker does finds it by itself.
    private static func world(resultsAreOnBroker: Bool) throws -> BrokerConformance.World {
        let other = RedisResultOptions(keyPrefix: "test:\(JobID.make()):elsewhere:")
        let bench = try Bench.start(results: resultsAreOnBroker ? nil : other)
        let results = bench.results
        return BrokerConformance.World(
            broker: bench.broker, results: results, lease: .milliseconds(500), pass: { try await Task.sleep(for: $0) },
            silence: { ($0 as? RedisSession)?.suspendRenewal() }, resultsAreOnBroker: resultsAreOnBroker,
            outlastClaims: { _ = try await bench.redis.send(RedisCommand("DEL", results.keys.claim($0))) },
            outlastReservations: { try await Self.outlastReservations(bench) }, tearDown: { try await bench.end() })
    }

    /// Time passes for all that is on its way, and for nothing else.
    private static func outlastReservations(_ bench: Bench) async throws {
        let script = """
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. 'apium:permits:*')) do
                for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
                    if string.sub(member, 1, 1) == 'r' then redis.call('ZADD', key, 1, member) end
                end
            end
            for _, list in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('HINCRBY', KEYS[1], list, -31000000) end
            for _, hold in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('ZADD', KEYS[2], 1, hold) end
            """
        let keys = bench.broker.keys
        try await bench.redis.send(RedisCommand("EVAL", script, 2, keys.away, keys.waiting, keys.prefix))
    }
}
