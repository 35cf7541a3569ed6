import ApiumCore
import Synchronization

extension BrokerConformance {
    static let claimLaws: [Law] = [
        Law("a claimed job is nobody else's") { try await $0.aClaimedJobIsNobodyElses() },
        Law("a claim gives the bytes of the message that was enqueued") { try await $0.aClaimGivesTheMessage() },
        Law("jobs are claimed in the order in which they were enqueued") { try await $0.jobsComeInOrder() },
        Law("a claim gives no more jobs than it asked for") { try await $0.aClaimKeepsItsLimit() },
        Law("a lower priority number is claimed first, whatever the queue") { try await $0.priorityComesFirst() },
        Law("queues take turns") { try await $0.queuesTakeTurns() },
        Law("a session claims from its own queues only") { try await $0.sessionsKeepToTheirQueues() },
        Law("fences grow with every claim anywhere") { try await $0.fencesGrow() },
        Law("a claim waits, and a later enqueue wakes it") { try await $0.aClaimWaits() },
        Law("a cancelled claim leaves nothing lost") { try await $0.aCancelledClaimLosesNothing() },
        Law("concurrent claimers get every job once") { try await $0.claimersAreDisjoint() },
    ]
}

extension Scene {
    func aClaimedJobIsNobodyElses() async throws {
        let (first, second) = (try await session(), try await session())
        try await enqueue("a")
        _ = try await claimOne(by: first)
        try await expectLength(0)
        async let other = claimOne(by: second)
        try await enqueue("b")
        let seen = try ids([try await other])
        try expect(seen == ["b"], "the second session was given \(seen)")
    }

    func aClaimGivesTheMessage() async throws {
        let worker = try await session()
        let sent = message("a", priority: 4)
        try await broker.enqueue([Outgoing(sent, to: "jobs")])
        let delivery = try await claimOne(by: worker)
        let received = try Message(decoding: delivery.payload)
        try expect(received.headers == sent.headers, "the headers are \(received.headers)")
        try expect(received.body == sent.body, "the body differs")
        try expect(received.properties.routingKey == "jobs" && received.properties.priority == 4, "the properties are \(received.properties)")
        try expect(received.properties.deliveryTag?.isEmpty == false, "the broker made no delivery tag")
        try expect(!received.properties.redelivered, "a first delivery is marked redelivered")
        try expect(delivery.queue == "jobs", "the delivery names queue \(delivery.queue)")
    }

    func jobsComeInOrder() async throws {
        let worker = try await session()
        try await enqueue("a", "b")
        try await enqueue("c")
        try await expectNext("a", "b", "c", by: worker)
    }

    func aClaimKeepsItsLimit() async throws {
        let worker = try await session()
        try await enqueue("a", "b", "c", "d")
        let count = try await worker.claim(limit: 3).deliveries.count
        try expect((1...3).contains(count), "a claim of three gave \(count)")
        try await expectLength(4 - count)
    }

    func priorityComesFirst() async throws {
        let worker = try await session("first", "second")
        try await enqueue("nine", on: "first", priority: 9)
        try await enqueue("six", on: "first", priority: 6)
        // 3 and 5 belong to one step, in which the order of enqueueing counts.
        try await enqueue("five", on: "second", priority: 5)
        try await enqueue("three", on: "second", priority: 3)
        try await enqueue("zero", on: "second", priority: 0)
        try await expectNext("zero", "five", "three", "six", "nine", by: worker)
    }

    func queuesTakeTurns() async throws {
        let worker = try await session("first", "second")
        try await enqueue("a1", "a2", "a3", on: "first")
        try await enqueue("b1", "b2", "b3", on: "second")
        for round in 1...3 {
            let queues = [try await claimOne(by: worker).queue, try await claimOne(by: worker).queue]
            try expect(Set(queues) == ["first", "second"], "in round \(round) the claims were from \(queues)")
        }
    }

    func sessionsKeepToTheirQueues() async throws {
        let worker = try await session("first")
        try await enqueue("other", on: "second")
        try await enqueue("own", on: "first")
        try await expectNext("own", by: worker)
        try await expectLength(1, of: "second")
    }

    func fencesGrow() async throws {
        let (first, second) = (try await session(), try await session())
        try await enqueue("a", "b", "c", "d")
        var fences = try await claim(2, by: first).map(\.fence)
        fences += [try await claimOne(by: second).fence, try await claimOne(by: first).fence]
        try expect(zip(fences, fences.dropFirst()).allSatisfy { $0 < $1 }, "the fences are \(fences)")
    }

    func aClaimWaits() async throws {
        let worker = try await session()
        async let claimed = claimOne(by: worker)
        try await world.pass(moment)
        try await enqueue("late")
        let seen = try ids([try await claimed])
        try expect(seen == ["late"], "the waiting claim was given \(seen)")
    }

    func aCancelledClaimLosesNothing() async throws {
        let worker = try await session()
        let expected = (0..<20).map { "job-\($0)" }
        for id in expected {
            let claim = Task { try await worker.claim(limit: 5) }
            try await broker.enqueue([job(id)])
            claim.cancel()
            _ = await claim.result
        }
        try await worker.close()
        let seen = try ids(try await claim(expected.count, by: try await session()))
        try expect(Set(seen) == Set(expected), "after cancelled claims and a close these jobs are there: \(seen)")
        try await expectLength(0)
    }

    func claimersAreDisjoint() async throws {
        let count = 200
        let seen = Tally()
        try await broker.enqueue((0..<count).map { job("job-\($0)") })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                let worker = try await session()
                group.addTask {
                    while true {
                        let deliveries = try await worker.claim(limit: 7).deliveries
                        let claimed = try ids(deliveries)
                        let total = seen.add(claimed)
                        _ = try await worker.complete(deliveries.map { Completion($0.tag, .done) })
                        if total >= count { return }
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
        let all = seen.ids
        try expect(all.count == count && Set(all).count == count, "\(count) jobs were claimed \(all.count) times, \(Set(all).count) of them different")
    }
}

/// The ids several tasks have seen.
private final class Tally: Sendable {
    private let guarded = Mutex<[String]>([])

    var ids: [String] { guarded.withLock { $0 } }

    /// Adds ids and answers how many there are.
    func add(_ ids: [String]) -> Int {
        guarded.withLock { all in
            all += ids
            return all.count
        }
    }
}
