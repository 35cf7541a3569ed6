import ApiumCore
import DynamicJSON

extension BrokerConformance {
    /// What operators may do with messages that wait; a broker that is no ``InspectableBroker`` keeps them by letting nobody do anything.
    static let waitingLaws: [Law] = [
        Law("a waiting message is rewritten where it stands, in its order") { try await $0.waitingMessagesAreRewritten() },
        Law("a waiting message is sent to another queue, or made to wait for a time") { try await $0.waitingMessagesAreSent() },
        Law("a waiting message is deleted, and the lock of its job with it") { try await $0.waitingMessagesAreDeleted() },
        Law("what a limit or a pause holds back is rewritten, sent and deleted, and its line goes on") { try await $0.heldMessagesAreMoved() },
        Law("a message that was claimed or changed meanwhile is left alone") { try await $0.movedMessagesAreLeft() },
        Law("a revocation tells when it was made, and who was the first") { try await $0.revocationsAreTold() },
        Law("a rate tells when it lets the next job begin") { try await $0.ratesTellWhen() },
        Law("locks that hold for a time are told from those that end with their job") { try await $0.locksAreTold() },
    ]
}

extension Scene {
    private var inspected: (any InspectableBroker)? { broker as? any InspectableBroker }

    private func ready(_ id: String, on queue: String = "jobs", _ broker: any InspectableBroker) async throws -> WaitingMessage {
        let records = try await broker.readyMessages(in: queue, ScanWindow(mentioning: [id])).records
        guard let record = try records.first(where: { try Message(decoding: $0.payload).id == id }) else {
            throw ConformanceFailure("\(id) is not in queue \(queue)")
        }
        return WaitingMessage(.ready, queue: queue, payload: record.payload)
    }

    private func scheduled(_ id: String, _ broker: any InspectableBroker) async throws -> WaitingMessage {
        let records = try await broker.scheduledMessages(ScanWindow(mentioning: [id])).records
        guard let record = records.first else { throw ConformanceFailure("\(id) does not wait for its time") }
        return WaitingMessage(.scheduled, queue: record.queue, payload: record.payload, key: record.key)
    }

    /// The message with other retries, by which it is told from what it was.
    private func edited(_ payload: [UInt8]) throws -> [UInt8] {
        var message = try Message(decoding: payload)
        message.headers.retries = 7
        // It is asked anew, and not as one that was on its way.
        message.waitedFor = []
        return message.encoded()
    }

    private func expectReady(_ expected: [String], retries: [Int], on queue: String = "jobs", _ broker: any InspectableBroker, line: Int = #line) async throws {
        let messages = try await broker.readyMessages(in: queue, ScanWindow()).records.map { try Message(decoding: $0.payload) }
        try expect(messages.map(\.id) == expected, "queue \(queue) holds \(messages.map(\.id)) instead of \(expected)", line: line)
        try expect(messages.map(\.headers.retries) == retries, "the retries are \(messages.map(\.headers.retries))", line: line)
    }

    func waitingMessagesAreRewritten() async throws {
        guard let broker = inspected else { return }
        try await enqueue("a", "b", "c")
        let b = try await ready("b", broker)
        try expect(try await broker.move(b, .rewrite(try edited(b.payload))), "a waiting message was not rewritten")
        try await expectReady(["a", "b", "c"], retries: [0, 7, 0], broker)
        try await enqueue("later", after: world.lease * 100)
        let later = try await scheduled("later", broker)
        try expect(try await broker.move(later, .rewrite(try edited(later.payload))), "a scheduled message was not rewritten")
        let page = try await broker.scheduledMessages(ScanWindow()).records
        try expect(page.count == 1, "\(page.count) messages wait for their time instead of one")
        try expect(try Message(decoding: page[0].payload).headers.retries == 7, "the scheduled message is the old one")
        try expect(page[0].due - (try await broker.serverTime()) > world.lease * 50, "a rewritten message is due at another time")
    }

    func waitingMessagesAreSent() async throws {
        guard let broker = inspected else { return }
        try await enqueue("a", "b")
        try await enqueue("other", on: "second")
        let a = try await ready("a", broker)
        try expect(try await broker.move(a, .send(try edited(a.payload), queue: "second")), "a waiting message was not sent elsewhere")
        try await expectReady(["b"], retries: [0], broker)
        try await expectReady(["other", "a"], retries: [0, 7], on: "second", broker)
        let b = try await ready("b", broker)
        let due = try await broker.serverTime() + world.lease * 100
        try expect(try await broker.move(b, .schedule(b.payload, queue: "jobs", at: due)), "a waiting message was not made to wait")
        try await expectLength(0)
        let record = try await broker.scheduledMessages(ScanWindow()).records.first
        try expect(record?.due == due && record?.queue == "jobs", "what waits is \(String(describing: record?.due))")
        let waiting = try await scheduled("b", broker)
        try expect(try await broker.move(waiting, .send(waiting.payload, queue: "jobs")), "a scheduled message was not sent at once")
        try await expectReady(["b"], retries: [0], broker)
        try expect(try await broker.scheduledCount() == 0, "what was sent still waits for its time")
        var urgent = try Message(decoding: try await ready("b", broker).payload)
        urgent.properties.priority = 9
        try await enqueue("c")
        try expect(try await broker.move(try await ready("b", broker), .send(urgent.encoded(), queue: "jobs")), "it was not sent with another priority")
        try await expectReady(["c", "b"], retries: [0, 0], broker)
    }

    func waitingMessagesAreDeleted() async throws {
        guard let broker = inspected else { return }
        var unique = job("a")
        let lock = UniqueLock(key: "conformance:delete", scope: .ended)
        unique.message.uniqueLock = lock
        unique.conditions.lock = lock
        try await broker.enqueue([unique])
        try expect(try await broker.uniqueLocks(limit: 10).map(\.id) == ["a"], "the lock was not taken")
        try await enqueue("b")
        let a = try await ready("a", broker)
        try expect(try await broker.move(a, .delete), "a waiting message was not deleted")
        try await expectReady(["b"], retries: [0], broker)
        try expect(try await broker.uniqueLocks(limit: 10).isEmpty, "the lock of a deleted job holds")
        try await enqueue("later", after: world.lease * 100)
        try expect(try await broker.move(try await scheduled("later", broker), .delete), "a scheduled message was not deleted")
        try expect(try await broker.scheduledCount() == 0, "a deleted message waits for its time")
    }

    func heldMessagesAreMoved() async throws {
        guard let broker = inspected else { return }
        let target = HoldTarget.job("conformance.job")
        try await broker.pause(target)
        let worker = try await session()
        try await enqueue("a", "b", "c", "d")
        _ = try await begin(4, by: worker) { _ in [target] }
        try await expectWaiting(["a", "b", "c", "d"], on: target)
        let held = try await broker.waitingJobs(on: target, limit: 10).map { WaitingMessage(.held(target), queue: $0.queue, payload: $0.payload, key: $0.key) }
        try expect(try await broker.move(held[1], .delete), "a held job was not deleted")
        try expect(try await broker.move(held[2], .send(held[2].payload, queue: "second")), "a held job was not sent elsewhere")
        try expect(try await broker.move(held[3], .rewrite(try edited(held[3].payload))), "a held job was not rewritten")
        try await expectWaiting(["a"], on: target)
        try await expectReady(["d"], retries: [7], broker)
        try await expectLength(1, of: "second")
        try expect(try await broker.move(held[1], .delete) == false, "a job was deleted twice")
        _ = try await begin(1, by: worker) { _ in [target] }
        try await expectWaiting(["a", "d"], on: target)
        try await broker.resume(target)
        try await maintain(worker, until: "the held jobs are back") { try await broker.queueLength("jobs") == 2 }
        try await expectRuns("a", "d", by: worker) { _ in [] }
    }

    func movedMessagesAreLeft() async throws {
        guard let broker = inspected else { return }
        try await enqueue("a", "b")
        let a = try await ready("a", broker)
        let worker = try await session()
        let delivery = try await claimOne(by: worker)
        for move in [WaitingMove.delete, .rewrite(try edited(a.payload)), .send(a.payload, queue: "jobs")] {
            try expect(try await broker.move(a, move) == false, "a claimed message was moved")
        }
        try await expectReady(["b"], retries: [0], broker)
        try await complete(delivery, by: worker)
        let b = try await ready("b", broker)
        try expect(try await broker.move(b, .rewrite(try edited(b.payload))), "a waiting message was not rewritten")
        try expect(try await broker.move(b, .delete) == false, "an edited message was deleted by one who saw the old one")
        try await enqueue("later", after: world.lease * 100)
        let later = try await scheduled("later", broker)
        try expect(try await broker.move(later, .rewrite(try edited(later.payload))), "a scheduled message was not rewritten")
        try expect(try await broker.move(later, .delete) == false, "an edited scheduled message was deleted by one who saw the old one")
    }

    func revocationsAreTold() async throws {
        guard let broker = inspected else { return }
        try expect(try await broker.revocation(of: "a") == nil, "a job that nobody revoked is revoked")
        let before = try await broker.serverTime()
        try await broker.revoke(Revocation(ids: ["a"], terminate: true, by: "anna@desk"))
        try await broker.revoke(Revocation(ids: ["a", "b"], by: "remote control"))
        try await broker.revoke(Revocation(ids: ["c"]))
        let first = try await broker.revocation(of: "a")
        try expect(first?.by == "anna@desk", "it was revoked by \(String(describing: first?.by))")
        // A server may keep whole seconds.
        try expect(
            first?.at.map { $0 - before > .milliseconds(-1001) && $0 - before < .seconds(60) } ?? false, "it was revoked at \(String(describing: first?.at))")
        try expect(try await broker.revocation(of: "b")?.by == "remote control", "the second is told otherwise")
        try expect(try await broker.revocation(of: "c") != nil, "a revocation without a name is not told")
        try expect(try await broker.revocation(of: "c")?.by == nil, "a revocation without a name has one")
    }

    func ratesTellWhen() async throws {
        guard let broker = inspected else { return }
        let interval = world.lease * 100
        try await broker.setLimit(.rate(Limit.Rate(every: interval)), on: .eachKey("host"))
        try await broker.setLimit(.concurrency(5), on: .queue("jobs"))
        let worker = try await session()
        try await broker.enqueue([job("a", host: "shop"), job("b", host: "shop")])
        let began = try await begin(2, by: worker) { _ in [self.host("shop")] }
        try expect(try ids(began) == ["a"], "\(try ids(began)) began")
        let rows = Dictionary(try await broker.holds().map { ($0.target, $0) }) { $1 }
        let wait = rows[host("shop")]?.opensAt.map { $0 }
        let now = try await broker.serverTime()
        try expect(wait.map { $0 > now && $0 - now <= interval } ?? false, "the next begins at \(String(describing: wait)), now it is \(now)")
        try expect(rows[.queue("jobs")]?.opensAt == nil, "a limit without a rate tells a time")
    }

    func locksAreTold() async throws {
        guard let broker = inspected else { return }
        for (id, scope) in [("ends", UniqueLock.Scope.ended), ("lasts", .time)] {
            var unique = job(id)
            unique.conditions.lock = UniqueLock(key: "conformance:\(id)", scope: scope, life: world.lease * 100)
            try await broker.enqueue([unique])
        }
        let locks = Dictionary(try await broker.uniqueLocks(limit: 10).map { ($0.id, $0.isForTime) }) { $1 }
        try expect(locks == ["ends": false, "lasts": true], "the locks are \(locks)")
    }
}
