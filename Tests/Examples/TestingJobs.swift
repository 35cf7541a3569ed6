import Apium
import ApiumTesting
import DynamicJSON
import Testing

/// How a user's own jobs are tested.
@Suite("Example: tests of one's own", .timeLimit(.minutes(1)))
struct TestingExamples {
    @Test("a job is a function: called without worker and broker")
    func function() async throws {
        // docs: function
        #expect(try await Add(x: 2, y: 3).run(in: JobContext()) == 5)
        // docs: end
    }

    @Test("a worker on the broker in memory runs what is enqueued")
    func worker() async throws {
        // docs: worker
        var registry = JobRegistry()
        registry.register(Add.self)
        try await TestWorker.run(registry) { client in
            let handle = try await client.enqueue(Add(x: 2, y: 3))
            #expect(try await handle.value(within: .seconds(10)) == 5)
        }
        // docs: end
    }

    @Test("time is what the test says")
    func clock() async throws {
        // docs: clock
        let clock = ManualClock()
        let broker = InMemoryBroker(clock: clock)
        let client = ApiumClient(broker: broker, results: broker.results)
        var registry = JobRegistry()
        registry.register(Add.self)
        try await TestWorker.run(registry, client: client) { client in
            let tomorrow = try await client.enqueue(Add(x: 2, y: 3), .after(.hours(24)))
            #expect(try await tomorrow.state() == .pending)
            clock.advance(by: .hours(24))
            #expect(try await tomorrow.value(within: .seconds(10)) == 5)
        }
        // docs: end
    }
}
