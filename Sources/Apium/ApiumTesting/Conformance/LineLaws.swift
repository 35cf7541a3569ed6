import ApiumCore

extension BrokerConformance {
    /// The lines of those who wait under limits and pauses, when several of these come together.
    static let lineLaws: [Law] = [
        Law("what was let go does not begin when it is paused before, and has given back what it took") { try await $0.pausesStopWhatWasLetGo() },
        Law("a limit on all keys counts for those who wait since it was not there") { try await $0.laterLimitsCount() },
        Law("a paused queue holds up no other that shares a limit with it, and goes on in order") { try await $0.pausedQueuesHoldUpNobody() },
        Law("a job that was let go to a queue which is paused then gives its place to the next") { try await $0.pausedQueuesGiveBack() },
        Law("a queue that nobody serves holds up the others of its line once, and its jobs run when it is served") { try await $0.forsakenQueuesHoldUpOnce() },
        Law("jobs that come back to a line stand there by their age") { try await $0.thoseWhoReturnKeepTheirOrder() },
        Law("jobs of a lost worker come back to the front of a line, in order") { try await $0.theLostReturnInOrder() },
        Law("jobs that wait in lines count for the limit of their queue") { try await $0.linesCountForTheirQueue() },
    ]
}

extension Scene {
    private func ofType(_ message: Message) -> [HoldTarget] { [.job(message.task)] }
    private func onHost(_ message: Message) -> [HoldTarget] { message.limitKey.map { [.key($0)] } ?? [] }

    func pausesStopWhatWasLetGo() async throws {
        let target = HoldTarget.job("conformance.job")
        try await broker.setLimit(Limit(rate: .init(every: world.lease * 100, burst: 3), concurrency: 3), on: target)
        try await broker.pause(target)
        let worker = try await session()
        try await enqueue("a", "b", "c")
        _ = try await begin(3, by: worker, ofType)
        try await broker.resume(target)
        try await maintain(worker, until: "they are let go") { try await broker.queueLength("jobs") == 3 }
        try await broker.pause(target)
        let early = try await begin(3, by: worker, ofType)
        try expect(early.isEmpty, "\(try ids(early)) began while they were paused")
        let row = try await broker.holds().first { $0.target == target }
        try expect(row?.waiting == 3 && row?.running == 0, "the row is \(String(describing: row))")
        try await broker.resume(target)
        try await maintain(worker, until: "they are let go again") { try await broker.queueLength("jobs") == 3 }
        let begun = try await begin(3, by: worker, ofType)
        try expect(begun.count == 3, "\(try ids(begun)) began: tokens or permits are gone")
        for delivery in begun { try await end(delivery, by: worker) }
    }

    func laterLimitsCount() async throws {
        let worker = try await session()
        try await broker.pause(host("a"))
        try await broker.enqueue((0..<100).map { job("job-\($0)", host: "a") })
        _ = try await begin(100, by: worker, onHost)
        try await broker.resume(host("a"))
        // More than are let go at once: the rest still waits when the limit comes.
        try await maintain(worker, until: "some are let go") { try await broker.queueLength("jobs") == 64 }
        try await broker.setLimit(.concurrency(1), on: .eachKey("host"))
        let first = try await begin(64, by: worker, onHost)
        for delivery in first { try await end(delivery, by: worker) }
        try await maintain(worker, until: "one more is let go") { try await broker.queueLength("jobs") > 0 }
        try await expectLength(1)
        try await expectRuns("job-64", "job-65", by: worker, onHost)
        try await expectLength(1)
    }

    func pausedQueuesHoldUpNobody() async throws {
        let target = HoldTarget.job("conformance.job")
        try await broker.setLimit(.concurrency(1), on: target)
        let worker = try await session("jobs", "second")
        try await enqueue("running")
        let running = try await begin(1, by: worker, ofType)
        try await enqueue("x", "y", on: "second")
        _ = try await begin(2, by: worker, ofType)
        try await enqueue("a", "b")
        _ = try await begin(2, by: worker, ofType)
        try await expectWaiting(["x", "y", "a", "b"], on: target)
        try await broker.pause(.queue("second"))
        _ = try await worker.control()
        try await end(running[0], by: worker)
        try await expectRuns("a", "b", by: worker, ofType)
        try await expectLength(0, of: "second")
        try await expectWaiting(["x", "y"], on: .queue("second"))
        try await enqueue("z", on: "second")
        try await broker.resume(.queue("second"))
        _ = try await worker.control()
        try await maintain(worker, until: "the first is let go") { try await broker.queueLength("second") == 2 }
        try await expectRuns("x", "y", "z", by: worker, ofType)
        let holds = try await worker.control().holds
        try expect(holds.draining.isEmpty && holds.paused.isEmpty, "there is still \(holds)")
    }

    func pausedQueuesGiveBack() async throws {
        let target = HoldTarget.job("conformance.job")
        try await broker.setLimit(Limit(rate: .init(every: world.lease * 100, burst: 3), concurrency: 1), on: target)
        let worker = try await session("jobs", "second")
        try await enqueue("running")
        let running = try await begin(1, by: worker, ofType)
        try await enqueue("x", on: "second")
        _ = try await begin(1, by: worker, ofType)
        try await enqueue("a")
        _ = try await begin(1, by: worker, ofType)
        try await end(running[0], by: worker)
        try await expectLength(1, of: "second")
        try await broker.pause(.queue("second"))
        _ = try await worker.control()
        try await maintain(worker, until: "the next is let go") { try await broker.queueLength("jobs") == 1 }
        try await expectRuns("a", by: worker, ofType)
        try await broker.resume(.queue("second"))
        _ = try await worker.control()
        try await expectRuns("x", by: worker, ofType)
    }

    func forsakenQueuesHoldUpOnce() async throws {
        let target = HoldTarget.job("conformance.job")
        try await broker.setLimit(.concurrency(1), on: target)
        let before = try await session("jobs", "second")
        try await enqueue("running")
        let running = try await begin(1, by: before, ofType)
        try await enqueue("x", "y", "z", on: "second")
        _ = try await begin(3, by: before, ofType)
        try await enqueue("a", "b")
        _ = try await begin(2, by: before, ofType)
        try await end(running[0], by: before)
        try await expectWaiting(["y", "z", "a", "b"], on: target)
        try await before.close()
        try await world.outlastReservations()
        let worker = try await session("jobs")
        try await maintain(worker, until: "the first that is served is let go") { try await broker.queueLength("jobs") == 1 }
        try await expectLength(3, of: "second")
        try await expectRuns("a", "b", by: worker, ofType)
        let later = try await session("second")
        // In front of the one that was let go first.
        try await expectRuns("y", "z", "x", by: later, ofType)
    }

    func thoseWhoReturnKeepTheirOrder() async throws {
        var dice = Dice()
        let target = HoldTarget.job("conformance.job")
        let all = (0..<40).map { "job-\($0)" }
        try await broker.pause(target)
        let worker = try await session()
        try await broker.enqueue(all.map { job($0) })
        _ = try await begin(all.count, by: worker, ofType)
        try await broker.resume(target)
        try await maintain(worker, until: "they are let go") { try await broker.queueLength("jobs") == all.count }
        try await broker.pause(target)
        try await enqueue("later")
        let claimed = try await claim(all.count + 1, by: worker)
        _ = try await ask([claimed[all.count]], by: worker, ofType)
        for delivery in claimed.dropLast().shuffled(using: &dice) { _ = try await ask([delivery], by: worker, ofType) }
        let waiting = try await broker.waitingJobs(on: target, limit: 100).map { try Message(decoding: $0.payload).id }
        try expect(waiting == all + ["later"], "\(waiting) is the order of those who came back (seed \(dice.seed))")
        try await broker.resume(target)
        try await maintain(worker, until: "they are let go again") { try await broker.queueLength("jobs") == all.count + 1 }
        let begun = try await begin(all.count + 1, by: worker, ofType)
        try expect(try ids(begun) == all + ["later"], "\(try ids(begun)) is the order in which they began (seed \(dice.seed))")
        for delivery in begun { try await end(delivery, by: worker) }
    }

    func theLostReturnInOrder() async throws {
        let run: (Message) -> [HoldTarget] = { _ in [.run("conformance.job:7")] }
        let (victim, other) = (try await session(name: "victim"), try await session(name: "other"))
        try await enqueue("running")
        let running = try await begin(1, by: other, run)
        try await enqueue("a", "b", "c")
        _ = try await claim(3, by: victim)
        try await enqueue("later")
        _ = try await begin(1, by: other, run)
        try await world.silence(victim)
        try await maintain(other, until: "they are back") { try await broker.queueLength("jobs") == 3 }
        _ = try await begin(3, by: other, run)
        try await expectWaiting(["a", "b", "c", "later"], on: .run("conformance.job:7"))
        try await end(running[0], by: other)
        try await expectRuns("a", "b", "c", "later", by: other, run)
    }

    func linesCountForTheirQueue() async throws {
        let target = HoldTarget.job("conformance.job")
        try await broker.setLimit(.concurrency(1), on: target)
        let worker = try await session("jobs", "second")
        try await enqueue("a", "b", "c")
        let running = try await begin(3, by: worker, ofType)
        try await enqueue("elsewhere", on: "second")
        _ = try await begin(1, by: worker, ofType)
        try await expectOffer("d", limit: 2, .refused(QueueFull(queue: "jobs", limit: 2, length: 2)))
        try await expectOffer("d", limit: 3, .enqueued)
        try await expectOffer("e", limit: 3, .refused(QueueFull(queue: "jobs", limit: 3, length: 3)))
        try await end(running[0], by: worker)
        try await expectOffer("e", limit: 3, .refused(QueueFull(queue: "jobs", limit: 3, length: 3)))
        try await expectRuns("b", "c", by: worker, ofType)
        try await expectOffer("e", limit: 1, .refused(QueueFull(queue: "jobs", limit: 1, length: 1)))
        try await expectOffer("e", limit: 2, .enqueued)
    }

    private func expectOffer(_ id: String, limit: Int, _ expected: EnqueueOutcome, line: Int = #line) async throws {
        var offer = job(id)
        offer.conditions.queueLimit = limit
        let outcomes = try await broker.enqueue([offer], EnqueueTerms(isAllOrNone: false)).outcomes
        try expect(outcomes == [expected], "\(id) was answered \(outcomes)", line: line)
    }
}
