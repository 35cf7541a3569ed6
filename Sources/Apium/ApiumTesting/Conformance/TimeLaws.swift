import ApiumCore

extension BrokerConformance {
    static let timeLaws: [Law] = [
        Law("a delayed job comes when it is due, and never early") { try await $0.delayedJobsAreNeverEarly() },
        Law("a job scheduled by its end comes when it is due, and never early") { try await $0.rescheduledJobsAreNeverEarly() },
        Law("due jobs come in the order of their times") { try await $0.dueJobsComeInOrder() },
        Law("a delay of nothing is no delay") { try await $0.noDelayIsNoDelay() },
    ]
}

extension Scene {
    /// Waits until the one scheduled job is on its queue, and requires that this is not before `due`.
    func expectPromotion(notBefore due: Timestamp) async throws {
        let worker = try await session("none")
        try await expectLength(0)
        let scheduled = try await broker.scheduledCount()
        try expect(scheduled == 1, "\(scheduled) jobs are scheduled instead of one")
        try await maintain(worker, until: "the job is due") { try await broker.queueLength("jobs") == 1 }
        let now = try await broker.serverTime()
        try expect(now >= due, "a job due at \(due.iso8601) was on its queue at \(now.iso8601)")
        let left = try await broker.scheduledCount()
        try expect(left == 0, "the job is on its queue and scheduled, too")
    }

    func delayedJobsAreNeverEarly() async throws {
        let due = try await broker.serverTime() + world.lease
        try await enqueue("a", after: world.lease)
        try await expectPromotion(notBefore: due)
        try await expectNext("a", by: try await session())
    }

    func rescheduledJobsAreNeverEarly() async throws {
        let worker = try await session()
        try await enqueue("a", priority: 3)
        let delivery = try await claimOne(by: worker)
        var again = message("a", priority: 3)
        again.headers.retries = 1
        let due = try await broker.serverTime() + world.lease
        let outcome = try await complete(
            delivery, .schedule(again, queue: "jobs", after: world.lease), result: ResultDocument(id: "a", state: .retry), by: worker)
        try expect(outcome == .done, "the completion was answered \(outcome)")
        let repeated = try await complete(delivery, .schedule(again, queue: "jobs", after: world.lease), by: worker)
        try expect(repeated == .alreadyDone, "the repeated completion was answered \(repeated)")
        try expect(try await results.document(for: "a")?.state == .retry, "the state RETRY was not stored")
        try await expectPromotion(notBefore: due)
        let retried = try Message(decoding: try await claimOne(by: worker).payload)
        try expect(retried.headers.retries == 1 && retried.properties.priority == 3, "the job came back as \(retried)")
    }

    func dueJobsComeInOrder() async throws {
        let worker = try await session()
        try await enqueue("late", after: moment * 3)
        try await enqueue("early", after: moment)
        try await enqueue("middle", after: moment * 2)
        try await world.pass(moment * 4)
        try await maintain(worker, until: "all are due") { try await broker.queueLength("jobs") == 3 }
        try await expectNext("early", "middle", "late", by: worker)
    }

    func noDelayIsNoDelay() async throws {
        let worker = try await session()
        try await enqueue("a", after: .zero)
        try await enqueue("b", after: .seconds(-5))
        try await maintain(worker, until: "both are on their queue") { try await broker.queueLength("jobs") == 2 }
        try await expectNext("a", "b", by: worker)
    }
}
