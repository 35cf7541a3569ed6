import ApiumCore
import PostgresClient
import Testing

@testable import ApiumOutbox

@Suite("The outbox", .serialized, .timeLimit(.minutes(2)), .enabled(if: OutboxBench.url != nil))
struct OutboxTests {
    private struct Unwanted: Error {}

    @Test("a job is there when its transaction commits, and not when it does not")
    func transactions() async throws {
        try await OutboxBench.with { bench in
            await #expect(throws: Unwanted.self) {
                try await bench.postgres.transaction { tx in
                    try await tx.query("insert into orders (id) values (1)")
                    try await bench.outbox.enqueue(Receipt(order: 1), in: tx)
                    throw Unwanted()
                }
            }
            #expect(try await bench.waiting() == 0)
            let id = try await bench.postgres.transaction { tx in
                try await tx.query("insert into orders (id) values (2)")
                return try await bench.outbox.enqueue(Receipt(order: 2), in: tx)
            }
            #expect(!id.isEmpty)
            #expect(try await bench.waiting() == 1)
            #expect(try await bench.relay().relayBatch() == 1)
            #expect(try await bench.waiting() == 0)
            #expect(try await bench.orders() == [2])
        }
    }

    @Test("what the caller said reaches the broker: queue, delay, priority, headers")
    func options() async throws {
        try await OutboxBench.with { bench in
            try await bench.commit(0..<1, .on(queue: "slow").priority(6).headers(["tenant": "acme"]).id("receipt-0"))
            try await bench.commit(1..<2, .after(.seconds(600)))
            #expect(try await bench.relay().relayBatch() == 2)
            #expect(try await bench.broker.scheduledCount() == 1)
            let session = bench.broker.open(WorkerIdentity(name: "w@test", pid: 1, queues: ["slow"]))
            let message = try Message(decoding: try await session.claim(limit: 1).deliveries[0].payload)
            #expect(message.id == "receipt-0" && message.task == Receipt.name)
            #expect(message.properties.priority == 6 && message.headers.custom["tenant"] == "acme")
        }
    }

    @Test("jobs go in the order of their rows; an id that waits is not written twice")
    func order() async throws {
        try await OutboxBench.with { bench in
            let all = try await bench.commit(0..<250)
            #expect(Set(all).count == 250)
            try await bench.commit(250..<251, .id("same"))
            try await bench.commit(251..<252, .id("same"))
            #expect(try await bench.waiting() == 251)
            let relay = bench.relay()
            while try await relay.relayBatch() > 0 {}
            #expect(try await bench.orders() == (0..<251).map { Int64($0) })
        }
    }

    @Test("what was not handed over can be taken back")
    func withdrawing() async throws {
        try await OutboxBench.with { bench in
            let ids = try await bench.commit(0..<3)
            let gone = try await bench.postgres.transaction { tx in try await bench.outbox.withdraw([ids[1], "unknown"], in: tx) }
            #expect(gone == [ids[1]])
            #expect(try await bench.relay().relayBatch() == 2)
            #expect(try await bench.orders() == [0, 2])
            let late = try await bench.postgres.transaction { tx in try await bench.outbox.withdraw(ids, in: tx) }
            #expect(late.isEmpty)
        }
    }

    @Test("a full queue holds its jobs back, and the others go")
    func fullQueues() async throws {
        try await OutboxBench.with(queueLimits: ["receipts": 2]) { bench in
            try await bench.commit(0..<4)
            try await bench.commit(4..<5, .on(queue: "other"))
            let relay = bench.relay()
            #expect(try await relay.relayBatch() == 5)
            #expect(try await bench.waiting() == 2)
            #expect(try await relay.relayBatch() == 0)
            #expect(try await bench.orders() == [0, 1])
            #expect(try await bench.orders("other") == [4])
            // A relay that has seen nothing of it tries again at once.
            #expect(try await bench.relay().relayBatch() == 2)
            #expect(try await bench.orders() == [2, 3])
        }
    }

    @Test("however many jobs wait for a full queue, one behind them for another queue goes with the next batch, and nothing is written to those that wait")
    func manyForAFullQueue() async throws {
        try await OutboxBench.with(queueLimits: ["receipts": 1]) { bench in
            try await bench.commit(0..<1000)
            try await bench.commit(1000..<1001, .on(queue: "other"))
            let relay = bench.relay()
            #expect(try await relay.relayBatch() == 100)
            #expect(try await relay.relayBatch() == 1)
            #expect(try await bench.orders("other") == [1000])
            #expect(try await relay.relayBatch() == 0)
            let untouched = try await bench.postgres.query("select count(*) as rows from apium_outbox where retry_at is null and attempts = 0")
            #expect(try untouched[0]["rows", as: Int.self] == 999)
        }
    }

    @Test("a full queue's rows rest for a second, by queue and limit")
    func resting() {
        let full = FullQueues()
        let start = ContinuousClock.now
        full.note("a", at: start)
        full.note("b", at: start + .milliseconds(500))
        #expect(full.resting(at: start + .milliseconds(900)) == ["a", "b"])
        #expect(full.resting(at: start + .milliseconds(1100)) == ["b"])
        full.note("a", at: start + .milliseconds(1200))
        #expect(full.resting(at: start + .milliseconds(2000)) == ["a"])
        #expect(full.resting(at: start + .seconds(3)).isEmpty)
    }

    @Test("a unique job whose lock another has is not enqueued")
    func unique() async throws {
        try await OutboxBench.with { bench in
            let first = try await bench.commit(0..<1, .unique(.untilEnded.by("receipt")))
            try await bench.commit(1..<2, .unique(.untilEnded.by("receipt")))
            #expect(try await bench.waiting() == 2)
            #expect(try await bench.relay().relayBatch() == 2)
            #expect(try await bench.waiting() == 0)
            #expect(try await bench.broker.uniqueLocks(limit: 9).map(\.id) == first)
            #expect(try await bench.orders() == [0])
        }
    }

    @Test("a row that cannot be handed over stays with its reason, and holds nobody up")
    func badRows() async throws {
        try await OutboxBench.with { bench in
            try await bench.commit(0..<1)
            try await bench.postgres.query("insert into apium_outbox (job_id, exchange, routing_key, message) values ('bad', '', 'q', 'no message')")
            try await bench.commit(1..<2, .with { ($0.exchange, $0.routingKey) = ("nowhere", "k") })
            try await bench.commit(2..<3)
            #expect(try await bench.relay().relayBatch() == 4)
            #expect(try await bench.orders() == [0, 2])
            let backlog = try await bench.relay().backlog()
            #expect(backlog.waiting == 2 && backlog.failing == 2 && backlog.oldest != nil)
            let reasons = try await bench.postgres.query("select last_error, attempts from apium_outbox order by id")
            #expect(try reasons.allSatisfy { try $0["attempts", as: Int.self] == 1 })
            #expect(try reasons.last?["last_error", as: String.self].contains("nowhere") == true)
            #expect(try await bench.relay().relayBatch() == 0)
        }
    }
}
