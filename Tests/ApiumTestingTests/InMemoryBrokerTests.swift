import ApiumCore
import ApiumTesting
import Testing

@Suite("The in-memory broker")
struct InMemoryBrokerTests {
    @Test("keeps every law of brokers", .timeLimit(.minutes(1)), arguments: BrokerConformance.allCases)
    func conformance(law: BrokerConformance.Law) async throws {
        try await BrokerConformance(patience: .seconds(20)) {
            let clock = ManualClock()
            let broker = InMemoryBroker(clock: clock)
            return BrokerConformance.World(
                broker: broker, results: broker.results, lease: .seconds(5), pass: { clock.advance(by: $0) }, silence: { ($0 as? InMemorySession)?.silence() })
        }.check(law)
    }

    @Test("keeps the laws when the results are kept elsewhere", .timeLimit(.minutes(1)), arguments: BrokerConformance.casesWithResultsElsewhere)
    func resultsElsewhere(law: BrokerConformance.Law) async throws {
        try await BrokerConformance(patience: .seconds(20)) {
            let clock = ManualClock()
            let results = InMemoryBroker(clock: clock).results
            return BrokerConformance.World(
                broker: InMemoryBroker(clock: clock, results: results), results: results, lease: .seconds(5), pass: { clock.advance(by: $0) },
                silence: { ($0 as? InMemorySession)?.silence() }, resultsAreOnBroker: false)
        }.check(law)
    }

    @Test("keeps the laws on the machine's clock, too", .timeLimit(.minutes(1)))
    func systemClock() async throws {
        let law = try #require(BrokerConformance.allCases.first { $0.name.hasPrefix("nothing is lost") })
        try await BrokerConformance(patience: .seconds(20)) {
            let broker = InMemoryBroker()
            return BrokerConformance.World(
                broker: broker, results: broker.results, lease: .milliseconds(80), pass: { try await Task.sleep(for: $0) },
                silence: { ($0 as? InMemorySession)?.silence() })
        }.check(law)
    }

    @Test("the laws' names are different sentences")
    func names() {
        let names = BrokerConformance.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.count >= 45)
    }

    @Test("a session that lost its lease is told so")
    func leaseLost() async throws {
        let clock = ManualClock()
        let broker = InMemoryBroker(clock: clock)
        let lost = broker.open(WorkerIdentity(name: "lost@test", pid: 1, queues: ["q"]))
        let other = broker.open(WorkerIdentity(name: "other@test", pid: 2, queues: ["q"]))
        lost.silence()
        clock.advance(by: .seconds(6))
        _ = try await other.maintain()
        var events = lost.events.makeAsyncIterator()
        #expect(await events.next() == .leaseLost)
        #expect(await events.next() == nil)
        await #expect(throws: ApiumError.self) { try await lost.claim(limit: 1) }
    }

    @Test("a law that is broken is reported with its reason")
    func brokenLaw() async throws {
        let law = try #require(BrokerConformance.allCases.first { $0.name.hasPrefix("nothing is lost") })
        let clock = ManualClock()
        let broker = InMemoryBroker(clock: clock)
        // A world in which nobody ever vanishes.
        let world = BrokerConformance.World(broker: broker, results: broker.results, lease: .seconds(5), pass: { clock.advance(by: $0) }, silence: { _ in })
        let error = await #expect(throws: ConformanceFailure.self) { try await BrokerConformance { world }.check(law) }
        #expect(error?.message.contains("six leases later") == true)
    }
}
