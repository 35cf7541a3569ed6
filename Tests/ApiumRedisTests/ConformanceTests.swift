import ApiumCore
import ApiumTesting
import Testing

@testable import ApiumRedis

@Suite("The broker on Redis", .serialized, .enabled(if: Bench.url != nil))
struct ConformanceTests {
    @Test("keeps every law of brokers", .timeLimit(.minutes(1)), arguments: BrokerConformance.allCases)
    func law(_ law: BrokerConformance.Law) async throws {
        try await BrokerConformance {
            let bench = try Bench.start()
            let results = RedisResults(bench.configuration, keyPrefix: bench.options.resultKeyPrefix, logger: Bench.logger)
            return BrokerConformance.World(
                broker: bench.broker, results: results, lease: .milliseconds(500), pass: { try await Task.sleep(for: $0) },
                silence: { ($0 as? RedisSession)?.suspendRenewal() },
                tearDown: {
                    await results.shutdown()
                    try await bench.end()
                })
        }.check(law)
    }
}
