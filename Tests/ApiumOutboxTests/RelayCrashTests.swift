import ApiumCore
import PostgresClient
import Synchronization
import Testing

@testable import ApiumOutbox

@Suite("Relays that die", .serialized, .timeLimit(.minutes(2)), .enabled(if: OutboxBench.url != nil))
struct RelayCrashTests {
    @Test("a relay that is killed between enqueueing and deleting leaves rows that the next one only deletes")
    func killedBetween() async throws {
        try await OutboxBench.with { bench in
            try await bench.commit(0..<20)
            // Its connection is killed while it is in the transaction: nothing of it commits.
            let tripped = TrippedBroker(broker: bench.broker) { _ in
            } after: { _ in
                try await bench.postgres.query(
                    "select pg_terminate_backend(pid) from pg_locks where relation = 'apium_outbox'::regclass and mode = 'RowShareLock' and pid <> pg_backend_pid()"
                )
            }
            await #expect(throws: PostgresError.self) { try await bench.relay(to: tripped).relayBatch() }
            #expect(try await bench.waiting() == 20)
            #expect(try await bench.broker.queueLength("receipts") == 20)
            #expect(try await bench.relay().relayBatch() == 20)
            #expect(try await bench.waiting() == 0)
            #expect(try await bench.orders() == (0..<20).map { Int64($0) })
        }
    }

    @Test("a broker that cannot be reached leaves all rows")
    func brokerDown() async throws {
        try await OutboxBench.with { bench in
            try await bench.commit(0..<3)
            let down = TrippedBroker(broker: bench.broker, before: { _ in throw ApiumError(.unavailable, "Redis can't be reached") })
            await #expect(throws: ApiumError.self) { try await bench.relay(to: down).relayBatch() }
            // The answer was lost: the jobs are there.
            let cut = TrippedBroker(broker: bench.broker, after: { _ in throw ApiumError(.unavailable, "the connection was lost") })
            await #expect(throws: ApiumError.self) { try await bench.relay(to: cut).relayBatch() }
            #expect(try await bench.waiting() == 3)
            #expect(try await bench.relay().relayBatch() == 3)
            #expect(try await bench.orders() == [0, 1, 2])
        }
    }

    @Test("many relays side by side hand over each job once, some of them dying")
    func manyRelays() async throws {
        try await OutboxBench.with { bench in
            try await bench.commit(0..<600)
            let calls = CallCounter()
            let tripped = TrippedBroker(broker: bench.broker) { _ in
                if calls.next().isMultiple(of: 3) { throw ApiumError(.unavailable, "down") }
            } after: { _ in
                if calls.next().isMultiple(of: 5) { throw ApiumError(.unavailable, "cut") }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<5 {
                    let relay = bench.relay(to: number == 0 ? bench.broker : tripped, options: OutboxRelayOptions(batch: 7))
                    group.addTask {
                        while try await bench.waiting() > 0 {
                            do { _ = try await relay.relayBatch() } catch is ApiumError {}
                        }
                    }
                }
                try await group.waitForAll()
            }
            let orders = try await bench.orders()
            #expect(orders.count == 600 && Set(orders).count == 600)
        }
    }

    @Test("a relay is woken by a commit, however long its poll")
    func woken() async throws {
        try await OutboxBench.with { bench in
            let relay = bench.relay(options: OutboxRelayOptions(poll: .seconds(3600)))
            let running = Task { try await relay.run() }
            try await bench.commit(0..<1)
            try await bench.eventually("the first job") { try await bench.broker.queueLength("receipts") == 1 }
            try await bench.commit(1..<2)
            try await bench.eventually("the second job") { try await bench.broker.queueLength("receipts") == 2 }
            running.cancel()
            try await running.value
        }
    }

    @Test("a relay that nobody woke looks by itself, and goes on after failures")
    func polls() async throws {
        try await OutboxBench.with { bench in
            let calls = CallCounter()
            let tripped = TrippedBroker(broker: bench.broker, before: { _ in if calls.next() < 4 { throw ApiumError(.unavailable, "down") } })
            let relay = bench.relay(to: tripped, options: OutboxRelayOptions(poll: .milliseconds(20)))
            let running = Task { try await relay.run() }
            // Written as by somebody who tells nobody.
            let message = String(
                decoding: Message(headers: .init(task: Receipt.name, id: "silent"), body: TaskArguments().encodedBody()).encoded(), as: UTF8.self)
            try await bench.postgres.query("insert into apium_outbox (job_id, exchange, routing_key, message) values ('silent', '', 'receipts', \(message))")
            try await bench.eventually("the job") { try await bench.waiting() == 0 }
            #expect(try await bench.broker.queueLength("receipts") == 1)
            #expect(calls.count >= 4)
            running.cancel()
            try await running.value
        }
    }
}

/// Counts calls.
final class CallCounter: Sendable {
    private let guarded = Mutex(0)
    var count: Int { guarded.withLock { $0 } }
    func next() -> Int {
        guarded.withLock {
            $0 += 1
            return $0
        }
    }
}
