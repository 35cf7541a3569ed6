import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

/// Steps whose goal is a key that is no list: what Redis refuses must have changed nothing.
@Suite("A queue whose key is no list", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct WrongKeyTests {
    private func spoil(_ queue: String, _ bench: Bench) async throws {
        try await bench.redis.send(RedisCommand("SET", bench.broker.keys.ready(queue, step: 0), "text"))
    }

    private func refused(_ step: () async throws -> some Sendable) async {
        let error = await #expect(throws: ApiumError.self) { try await step() }
        #expect(error?.code == .notAvailable)
    }

    @Test("a shelved record that cannot be put back stays on its shelf")
    func shelf() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            try await bench.enqueue(["a"])
            let delivery = try await bench.claim(1, from: session)[0]
            let record = ShelvedRecord(
                id: "a", task: "test.job", queue: "wrong", reason: "", at: Timestamp(microseconds: 0), attempts: 1, payload: delivery.payload)
            _ = try await session.complete([Completion(delivery.tag, .shelve(.dead, record))])
            try await spoil("wrong", bench)
            await refused { try await bench.broker.requeue(record, as: record, from: .dead) }
            #expect(try await bench.broker.records(in: .dead, limit: 5) == [record])
            try await session.close()
        }
    }

    @Test("a message that cannot be moved stays in its queue, or waits for its time")
    func moves() async throws {
        try await Bench.with { bench in
            try await spoil("wrong", bench)
            let payload = Bench.message("a").encoded()
            try await bench.enqueue(["a", "b"])
            let ready = try await bench.broker.readyMessages(in: bench.queue, ScanWindow(from: 0, count: 5)).records
            #expect(ready.count == 2)
            await refused { try await bench.broker.move(WaitingMessage(.ready, queue: bench.queue, payload: ready[0].payload), .send(payload, queue: "wrong")) }
            #expect(try await bench.waiting() == ["a", "b"])
            try await bench.enqueue(["later"], after: .hours(1))
            let scheduled = try await bench.broker.scheduledMessages(ScanWindow(from: 0, count: 5)).records
            #expect(scheduled.count == 1)
            let waiting = WaitingMessage(.scheduled, queue: bench.queue, payload: scheduled[0].payload, key: scheduled[0].key)
            await refused { try await bench.broker.move(waiting, .send(payload, queue: "wrong")) }
            #expect(try await bench.broker.scheduledMessages(ScanWindow(from: 0, count: 5)).records == scheduled)
        }
    }

    @Test("a slot whose job cannot be enqueued is not taken", arguments: [Overlap.Policy.allow, .skip, .queue, .cancel])
    func slots(overlap: Overlap.Policy) async throws {
        try await Bench.with { bench in
            let edition = ScheduleEdition(generation: 1, revision: 0)
            let adoption = ScheduleAdoption(edition: edition, entries: ["entry": .init(version: "1")])
            guard case .adopted = try await bench.broker.adopt(adoption) else { throw ApiumError(.unavailable, "not adopted") }
            try await spoil("wrong", bench)
            let slot = ScheduledSlot(
                entry: "entry", edition: edition, version: "1", instant: try await bench.broker.serverTime() + .seconds(-1), mark: nil,
                action: .fire(Outgoing(Bench.message("a"), to: "wrong"), overlap: Overlap(overlap)))
            await refused { try await bench.broker.fire(slot) }
            try await bench.redis.send(RedisCommand("DEL", bench.broker.keys.ready("wrong", step: 0)))
            #expect(try await bench.broker.fire(slot) == .done)
            #expect(try await bench.waiting("wrong") == ["a"])
        }
    }

    @Test("a job that waits for its turn keeps its place until its queue can be pushed to")
    func turns() async throws {
        try await Bench.with { bench in
            let edition = ScheduleEdition(generation: 1, revision: 0)
            guard case .adopted = try await bench.broker.adopt(ScheduleAdoption(edition: edition, entries: ["entry": .init(version: "1", queues: true)]))
            else { throw ApiumError(.unavailable, "not adopted") }
            let now = try await bench.broker.serverTime()
            func slot(_ id: String, _ seconds: Int, after mark: Int?) -> ScheduledSlot {
                ScheduledSlot(
                    entry: "entry", edition: edition, version: "1", instant: now + .seconds(seconds), mark: mark.map { now + .seconds($0) },
                    action: .fire(Outgoing(Bench.message(id), to: "turns"), overlap: Overlap(.queue)))
            }
            #expect(try await bench.broker.fire(slot("a", -9, after: nil)) == .done)
            #expect(try await bench.broker.fire(slot("b", -8, after: -9)) == .queued(behind: "a"))
            let session = try await bench.session(queues: ["turns"])
            let first = try await bench.claim(1, from: session)[0]
            let list = bench.broker.keys.ready("turns", step: 0)
            try await spoil("turns", bench)
            #expect(try await session.complete([Completion(first.tag, .done, endedRun: EntryRun(entry: "entry", jobID: "a"))]) == [.done])
            try await bench.redis.send(RedisCommand("DEL", list))
            // The next slot gives the turn to the job that waits, and waits behind it.
            #expect(try await bench.broker.fire(slot("c", -7, after: -8)) == .queued(behind: "b"))
            #expect(try await bench.waiting("turns") == ["b"])
            try await session.close()
        }
    }
}
