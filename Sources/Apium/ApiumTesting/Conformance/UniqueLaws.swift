import ApiumCore

extension BrokerConformance {
    static let uniqueLaws: [Law] = [
        Law("while a job holds a lock no other of the key is enqueued, and its id is answered") { try await $0.locksHold() },
        Law("a lock that is held while a job is queued ends with the beginning of its run") { try await $0.queuedLocksEndWithTheRun() },
        Law("a lock goes with the end of its job, and stays where the job runs again or waits for somebody") { try await $0.locksGoWithTheEnd() },
        Law("a delayed job holds its lock while it waits for its time") { try await $0.delayedJobsHoldLocks() },
        Law("a lock for a time ends with it, whatever becomes of the job") { try await $0.locksForATime() },
        Law("of one call the first of a key is enqueued, and what is not unique is not looked at") { try await $0.locksWithinACall() },
        Law("of many that enqueue the same key, one does") { try await $0.lockAmongMany() },
        Law("a lost worker's job keeps its lock, and one that ends with its worker loses it") { try await $0.lostJobsAndLocks() },
        Law("a job that is deleted from a shelf loses its lock, and one that is queued again takes it again") { try await $0.shelvedJobsAndLocks() },
        Law("purging a queue ends the locks of its jobs, and no others") { try await $0.purgedLocks() },
        Law("locks are listed with their holders, and ended by hand") { try await $0.locksByHand() },
        Law("no end but its own job's ends a lock") { try await $0.strangersEndNoLock() },
    ]
}

extension Scene {
    private func unique(_ id: String, _ scope: UniqueLock.Scope = .ended, key: String = "key", life: Duration = .days(1), after delay: Duration? = nil)
        -> Outgoing
    {
        var outgoing = job(id, after: delay)
        let lock = UniqueLock(key: key, scope: scope, life: life)
        if scope != .time { outgoing.message.uniqueLock = lock }
        outgoing.conditions.lock = lock
        return outgoing
    }

    private func send(_ outgoing: Outgoing...) async throws -> [EnqueueOutcome] {
        try await broker.enqueue(outgoing, EnqueueTerms(isAllOrNone: false)).outcomes
    }

    private func expectFree(_ isFree: Bool, _ when: String, fileID: String = #fileID, line: Int = #line) async throws {
        let locks = try await broker.uniqueLocks(limit: 10).map(\.key)
        try expect(locks.contains("key") != isFree, "\(when) the locks are \(locks)", fileID: fileID, line: line)
    }

    /// Ends a delivery as a worker does.
    private func finish(_ delivery: Delivery, _ disposition: Completion.Disposition = .done, by session: any BrokerSession) async throws {
        var completion = Completion(delivery.tag, disposition)
        let message = try Message(decoding: delivery.payload)
        completion.holds = CompletionHolds(givesBack: delivery.isAdmitted, lock: message.uniqueLock.map { ($0, message.id) })
        let outcomes = try await session.complete([completion])
        try expect(outcomes == [.done], "an end was answered \(outcomes)")
    }

    func locksHold() async throws {
        let worker = try await session()
        let first = try await send(unique("a"))
        let second = try await send(unique("b"))
        try expect(first == [.enqueued] && second == [.duplicate(of: "a")], "the enqueues were answered \(first) and \(second)")
        try await expectLength(1)
        let other = try await send(unique("c", key: "other"))
        try expect(other == [.enqueued], "another key was answered \(other)")
        let running = try await claimOne(by: worker)
        let third = try await send(unique("d"))
        try expect(third == [.duplicate(of: "a")], "while it runs an enqueue was answered \(third)")
        try await finish(running, by: worker)
        let fourth = try await send(unique("e"))
        try expect(fourth == [.enqueued], "after its end an enqueue was answered \(fourth)")
    }

    func queuedLocksEndWithTheRun() async throws {
        let worker = try await session()
        _ = try await send(unique("a", .queued))
        let delivery = try await claimOne(by: worker)
        let claimed = try await send(unique("b", .queued))
        try expect(claimed == [.duplicate(of: "a")], "before the run an enqueue was answered \(claimed)")
        var question = try admission(delivery) { _ in [] }
        question.lock = try Message(decoding: delivery.payload).uniqueLock
        let outcomes = try await worker.admit([question])
        try expect(outcomes == [.admitted], "the beginning was answered \(outcomes)")
        let running = try await send(unique("c", .queued))
        try expect(running == [.enqueued], "while it runs an enqueue was answered \(running)")
        var admitted = delivery
        admitted.isAdmitted = true
        try await finish(admitted, by: worker)
        try await expectFree(false, "after the end of the first, whose lock is another's,")
        // One that ends without a run.
        try await finish(try await claimOne(by: worker), by: worker)
        try await expectFree(true, "after an end without a run")
    }

    func locksGoWithTheEnd() async throws {
        let worker = try await session()
        let record = ShelvedRecord(id: "a", task: "t", queue: "jobs", reason: "r", at: Timestamp(microseconds: 0), attempts: 1, payload: [1])
        let ends: [(Completion.Disposition, isFree: Bool)] = [
            (.done, true), (.shelve(.dead, record), true), (.shelve(.quarantine, record), true), (.shelve(.parked, record), false),
            (.schedule(message("again"), queue: "jobs", after: world.lease * 100), false), (.requeue(message("back"), queue: "second"), false),
        ]
        for (number, end) in ends.enumerated() {
            let sent = try await send(unique("job-\(number)"))
            try expect(sent == [.enqueued], "an enqueue was answered \(sent) before \(end)")
            try await finish(try await claimOne(by: worker), end.0, by: worker)
            try await expectFree(end.isFree, "after \(end.0)")
            _ = try await broker.unlock("key", heldBy: "job-\(number)")
        }
    }

    func delayedJobsHoldLocks() async throws {
        let worker = try await session()
        _ = try await send(unique("a", life: moment, after: moment * 2))
        try await world.pass(moment * 3 / 2)
        let waiting = try await send(unique("b"))
        try expect(waiting == [.duplicate(of: "a")], "while it waits for its time an enqueue was answered \(waiting)")
        let scheduled = try await broker.scheduledCount()
        try expect(scheduled == 1, "\(scheduled) jobs are scheduled")
        try await maintain(worker, until: "it is due") { try await broker.queueLength("jobs") == 1 }
    }

    func locksForATime() async throws {
        let worker = try await session()
        _ = try await send(unique("a", .time, life: moment * 2))
        try await finish(try await claimOne(by: worker), by: worker)
        let soon = try await send(unique("b", .time, life: moment * 2))
        try expect(soon == [.duplicate(of: "a")], "within the time an enqueue was answered \(soon)")
        try await world.pass(moment * 3)
        let late = try await send(unique("c", .time, life: moment * 2))
        try expect(late == [.enqueued], "after the time an enqueue was answered \(late)")
    }

    func locksWithinACall() async throws {
        let worker = try await session()
        let outcomes = try await send(job("x"), unique("a"), unique("b"), job("y"), unique("c", key: "other"))
        try expect(
            outcomes == [.enqueued, .enqueued, .duplicate(of: "a"), .enqueued, .enqueued], "the call was answered \(outcomes)")
        try await expectNext("x", "a", "y", "c", by: worker)
    }

    func lockAmongMany() async throws {
        let broker = broker
        let jobs = (0..<20).map { unique("job-\($0)") }
        let outcomes = try await withThrowingTaskGroup(of: EnqueueOutcome.self) { group in
            for job in jobs { group.addTask { try await broker.enqueue([job], EnqueueTerms()).outcomes[0] } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try expect(outcomes.filter { $0 == .enqueued }.count == 1, "twenty enqueues were answered \(outcomes)")
        try expect(Set(outcomes).count == 2, "the others were told different holders: \(Set(outcomes))")
        try await expectLength(1)
    }

    func lostJobsAndLocks() async throws {
        let (victim, other) = (try await session(name: "victim"), try await session(name: "other"))
        _ = try await send(unique("kept"))
        _ = try await send(unique("lost", key: "lost"))
        let held = try await claim(2, by: victim)
        _ = try await victim.acknowledgeEarly([held[1].tag])
        try await world.silence(victim)
        try await maintain(other, until: "the job is back") { try await broker.queueLength("jobs") == 1 }
        let locks = try await broker.uniqueLocks(limit: 10).map(\.key)
        try expect(locks == ["key"], "after the loss of a worker the locks are \(locks)")
        try await finish(try await claimOne(by: other), by: other)
        try await expectFree(true, "after the second run")
    }

    func shelvedJobsAndLocks() async throws {
        let worker = try await session()
        func shelve(_ shelf: Shelf) async throws {
            let delivery = try await claimOne(by: worker)
            let id = try Message(decoding: delivery.payload).id
            let record = ShelvedRecord(
                id: id, task: "t", queue: "jobs", reason: "r", at: Timestamp(microseconds: 0), attempts: 1, payload: delivery.payload)
            try await finish(delivery, .shelve(shelf, record), by: worker)
        }
        _ = try await send(unique("a"))
        try await shelve(.parked)
        try await expectFree(false, "while it is parked")
        let discarded = try await broker.discard("a", from: .parked)
        try expect(discarded, "the record was not there")
        try await expectFree(true, "after it was deleted")
        _ = try await send(unique("b"))
        try await shelve(.dead)
        let requeued = try await broker.requeue("b", from: .dead)
        try expect(requeued, "the record was not there")
        let second = try await send(unique("c"))
        try expect(second == [.duplicate(of: "b")], "while a job that was queued again waits an enqueue was answered \(second)")
        try await shelve(.dead)
        _ = try await send(unique("d"))
        _ = try await broker.requeue("b", from: .dead)
        let locks = try await broker.uniqueLocks(limit: 10).map(\.id)
        try expect(locks == ["d"], "a job that was queued again took the lock away: \(locks)")
    }

    func purgedLocks() async throws {
        let worker = try await session()
        _ = try await send(unique("running", key: "other"))
        _ = try await claimOne(by: worker)
        _ = try await send(unique("a"), job("x"))
        let purged = try await broker.purge("jobs")
        try expect(purged == 2, "\(purged) messages were purged")
        try await expectLength(0)
        let locks = try await broker.uniqueLocks(limit: 10).map(\.key)
        try expect(locks == ["other"], "after the purge the locks are \(locks)")
    }

    func locksByHand() async throws {
        _ = try await send(unique("a", life: .seconds(1000)))
        let rows = try await broker.uniqueLocks(limit: 10)
        try expect(rows.count == 1 && rows[0].key == "key" && rows[0].id == "a", "the rows are \(rows)")
        try expect(rows[0].remaining > .seconds(900) && rows[0].remaining <= .seconds(1000), "the lock lives for \(rows[0].remaining)")
        let stranger = try await broker.unlock("key", heldBy: "b")
        let holder = try await broker.unlock("key", heldBy: "a")
        let again = try await broker.unlock("key", heldBy: "a")
        try expect(!stranger && holder && !again, "unlocking was answered \(stranger), \(holder), \(again)")
        let none = try await broker.uniqueLocks(limit: 10)
        try expect(none.isEmpty, "an ended lock left \(none)")
    }

    func strangersEndNoLock() async throws {
        let worker = try await session()
        _ = try await send(unique("a"))
        let first = try await claimOne(by: worker)
        _ = try await broker.unlock("key", heldBy: "a")
        _ = try await send(unique("b"))
        try await finish(first, by: worker)
        try await expectFree(false, "after the end of a job whose lock was taken from it")
    }
}
