import ApiumCore

extension BrokerConformance {
    static let limitLaws: [Law] = [
        Law("no more jobs run at once than a limit allows, over all sessions, and the rest waits in order") { try await $0.concurrencyIsGlobal() },
        Law("jobs under a limit hold up no others of their queue") { try await $0.limitsBlockNobody() },
        Law("a job that comes later does not overtake those that wait") { try await $0.nobodyOvertakes() },
        Law("jobs begin no faster than a rate, and as soon as it allows") { try await $0.ratesAreKept() },
        Law("a burst lets so many begin at once") { try await $0.burstsBeginAtOnce() },
        Law("each key has its own share, and one with a limit of its own keeps that") { try await $0.keysAreApart() },
        Law("a job under several limits keeps all of them, and takes nothing of those that would let it pass") { try await $0.allLimitsCount() },
        Law("whatever ends a delivery gives back what it took") { try await $0.everyEndGivesBack() },
        Law("a lost worker's permits come back") { try await $0.crashesGiveBack() },
        Law("a session that closes gives its permits back") { try await $0.closingGivesBack() },
        Law("a question that is asked again is answered as before, and takes nothing more") { try await $0.questionsMayBeRepeated() },
        Law("a limit that is raised or cleared lets go what waits, in order") { try await $0.changedLimitsLetGo() },
        Law("more jobs than are let go at once come back in order when a limit is cleared") { try await $0.longLinesKeepTheirOrder() },
        Law("limits are state: a later session knows them, and the epoch tells the others") { try await $0.limitsAreState() },
        Law("limits that cannot be are refused, and nothing changes") { try await $0.impossibleLimitsAreRefused() },
        Law("a stale worker is told that its jobs are taken") { try await $0.staleWorkersAreToldSo() },
        Law("of jobs with random keys never more run than allowed, none is lost, and those of a key keep their order") {
            try await $0.randomKeys(limitingAll: false)
        },
        Law("of jobs with random keys and a limit over all of them never more run than allowed, and none is lost") {
            try await $0.randomKeys(limitingAll: true)
        },
    ]
}

extension Scene {
    private func onQueue(_: Message) -> [HoldTarget] { [.queue("jobs")] }
    private func onHost(_ message: Message) -> [HoldTarget] { message.limitKey.map { [.key($0)] } ?? [] }

    func concurrencyIsGlobal() async throws {
        try await broker.setLimit(.concurrency(2), on: .queue("jobs"))
        let (first, second) = (try await session(name: "first"), try await session(name: "second"))
        try await enqueue("a", "b", "c", "d")
        let one = try await begin(1, by: first, onQueue)
        let other = try await begin(3, by: second, onQueue)
        try expect(try ids(one) == ["a"] && ids(other) == ["b"], "\(try ids(one)) and \(try ids(other)) run at once")
        try await expectWaiting(["c", "d"], on: .queue("jobs"))
        try await expectLength(0)
        try await end(other[0], by: second)
        try await expectWaiting(["d"], on: .queue("jobs"))
        let next = try await begin(1, by: first, onQueue)
        try expect(try ids(next) == ["c"], "\(try ids(next)) began after an end, instead of c")
        try await end(one[0], by: first)
        try await end(next[0], by: first)
        try await expectRuns("d", by: second, onQueue)
        try await expectWaiting([], on: .queue("jobs"))
    }

    func limitsBlockNobody() async throws {
        try await broker.setLimit(.concurrency(1), on: .eachKey("host"))
        let worker = try await session()
        try await broker.enqueue([job("a1", host: "a"), job("a2", host: "a"), job("a3", host: "a"), job("free"), job("b1", host: "b")])
        let begun = try await begin(4, by: worker, onHost) + (try await begin(1, by: worker, onHost))
        try expect(try ids(begun) == ["a1", "free", "b1"], "\(try ids(begun)) began")
        try await expectWaiting(["a2", "a3"], on: host("a"))
    }

    func nobodyOvertakes() async throws {
        try await broker.setLimit(.concurrency(1), on: .queue("jobs"))
        let worker = try await session()
        try await enqueue("a", "b")
        let running = try await begin(2, by: worker, onQueue)
        try await end(running[0], by: worker)
        // Now b is on its way, and c asks before b does.
        try await enqueue("c")
        let claimed = try await claim(2, by: worker)
        try expect(try ids(claimed) == ["b", "c"], "the claims gave \(try ids(claimed)): what was let go is not in front")
        let early = try await ask([claimed[1]], by: worker, onQueue)
        try expect(early.isEmpty, "c began before b")
        let next = try await ask([claimed[0]], by: worker, onQueue)
        try expect(try ids(next) == ["b"], "b does not begin")
        try await end(next[0], by: worker)
        try await expectRuns("c", by: worker, onQueue)
    }

    func ratesAreKept() async throws {
        let interval = moment * 2
        try await broker.setLimit(.rate(.init(every: interval)), on: .queue("jobs"))
        let worker = try await session()
        try await enqueue("a", "b", "c")
        let before = try await broker.serverTime()
        let first = try await begin(3, by: worker, onQueue)
        try expect(try ids(first) == ["a"], "\(try ids(first)) began at once")
        for (id, place) in [("b", 1), ("c", 2)] {
            try await maintain(worker, until: "\(id) may begin") { try await broker.queueLength("jobs") == 1 }
            let now = try await broker.serverTime()
            try expect(now - before >= interval * place, "\(id) was let go after \(now - before)")
            try await expectRuns(id, by: worker, onQueue)
        }
        try await end(first[0], by: worker)
    }

    func burstsBeginAtOnce() async throws {
        try await broker.setLimit(.rate(.init(every: world.lease * 100, burst: 3)), on: .queue("jobs"))
        let worker = try await session()
        try await enqueue("a", "b", "c", "d")
        let begun = try await begin(4, by: worker, onQueue)
        try expect(try ids(begun) == ["a", "b", "c"], "\(try ids(begun)) began at once with a burst of 3")
    }

    func keysAreApart() async throws {
        try await broker.setLimit(.concurrency(1), on: .eachKey("host"))
        try await broker.setLimit(.concurrency(2), on: host("big"))
        let worker = try await session()
        try await broker.enqueue(["a1", "a2", "b1"].map { job($0, host: String($0.prefix(1))) } + ["x", "y", "z"].map { job($0, host: "big") })
        let begun = try await begin(6, by: worker, onHost)
        try expect(try ids(begun) == ["a1", "b1", "x", "y"], "\(try ids(begun)) began")
        let rows = try await broker.holds()
        let each = rows.first { $0.target == .eachKey("host") }
        try expect(each?.limit == .concurrency(1) && each?.waiting == 2, "the row of all keys is \(String(describing: each))")
        try expect(rows.contains { $0.target == host("big") && $0.waiting == 1 && $0.running == 2 }, "the rows are \(rows)")
    }

    func allLimitsCount() async throws {
        try await broker.setLimit(.concurrency(2), on: .job("conformance.job"))
        try await broker.setLimit(.concurrency(1), on: .eachKey("host"))
        let both: (Message) -> [HoldTarget] = { message in [.job("conformance.job")] + onHost(message) }
        let worker = try await session()
        try await broker.enqueue([job("a1", host: "a"), job("a2", host: "a"), job("b1", host: "b"), job("c1", host: "c")])
        let begun = try await begin(4, by: worker, both)
        try expect(try ids(begun) == ["a1", "b1"], "\(try ids(begun)) began: a2 has taken what it could not use, or more run than may")
        try await end(begun[1], by: worker)
        try await expectRuns("c1", by: worker, both)
        try await end(begun[0], by: worker)
        try await expectRuns("a2", by: worker, both)
    }

    func everyEndGivesBack() async throws {
        try await broker.setLimit(.concurrency(1), on: .queue("jobs"))
        let worker = try await session()
        let record = ShelvedRecord(id: "0", task: "t", queue: "jobs", reason: "r", at: Timestamp(microseconds: 0), attempts: 1, payload: [1])
        let ends: [Completion.Disposition] = [
            .done, .schedule(message("0"), queue: "jobs", after: world.lease * 100), .requeue(message("back", on: "second"), queue: "second"),
            .shelve(.parked, record), .shelve(.dead, record), .shelve(.quarantine, record),
        ]
        for (number, disposition) in ends.enumerated() {
            try await enqueue("job-\(number)")
            let begun = try await begin(1, by: worker, onQueue)
            try expect(begun.count == 1, "nothing could begin after the end before \(disposition)")
            try await end(begun[0], disposition, by: worker)
        }
        let rows = try await broker.holds()
        try expect(rows.allSatisfy { $0.running == 0 && $0.waiting == 0 }, "the rows are \(rows)")
    }

    func crashesGiveBack() async throws {
        try await broker.setLimit(.concurrency(1), on: .queue("jobs"))
        let (victim, other) = (try await session(name: "victim"), try await session(name: "other"))
        try await enqueue("a", "b")
        let held = try await begin(2, by: victim, onQueue)
        try expect(try ids(held) == ["a"], "\(try ids(held)) began")
        try await world.silence(victim)
        try await maintain(other, until: "both are on their queue") { try await broker.queueLength("jobs") == 2 }
        var ran: [String] = []
        while ran.count < 2 {
            for delivery in try await begin(1, by: other, onQueue) {
                ran += try ids([delivery])
                try await end(delivery, by: other)
            }
        }
        try expect(Set(ran) == ["a", "b"], "\(ran) ran")
        try await expectWaiting([], on: .queue("jobs"))
    }

    func closingGivesBack() async throws {
        try await broker.setLimit(.concurrency(1), on: .queue("jobs"))
        let (first, second) = (try await session(name: "first"), try await session(name: "second"))
        try await enqueue("a")
        _ = try await begin(1, by: first, onQueue)
        try await first.close()
        try await expectRuns("a", by: second, onQueue)
        let rows = try await broker.holds()
        try expect(rows.allSatisfy { $0.running == 0 && $0.waiting == 0 }, "the rows are \(rows)")
    }

    func questionsMayBeRepeated() async throws {
        try await broker.setLimit(Limit(rate: .init(every: world.lease * 100, burst: 2), concurrency: 5), on: .queue("jobs"))
        let worker = try await session()
        try await enqueue("a", "b", "c")
        let claimed = try await claim(3, by: worker)
        let questions = try claimed.map { try admission($0, onQueue) }
        let first = try await worker.admit(questions)
        let second = try await worker.admit(questions)
        try expect(first == [.admitted, .admitted, .waiting(on: .queue("jobs"))], "the questions were answered \(first)")
        try expect(second == [.admitted, .admitted, .waiting(on: nil)], "the repeated questions were answered \(second)")
        try await expectWaiting(["c"], on: .queue("jobs"))
        let rows = try await broker.holds()
        try expect(rows.first?.running == 2, "the rows are \(rows)")
        let none = try await worker.admit([])
        try expect(none.isEmpty, "no questions were answered \(none)")
    }

    func changedLimitsLetGo() async throws {
        try await broker.setLimit(.concurrency(1), on: .queue("jobs"))
        let worker = try await session()
        try await enqueue("a", "b", "c", "d", "e")
        let running = try await begin(5, by: worker, onQueue)
        try await broker.setLimit(.concurrency(3), on: .queue("jobs"))
        try await maintain(worker, until: "two more may run") { try await broker.queueLength("jobs") == 2 }
        let more = try await begin(2, by: worker, onQueue)
        try expect(try ids(more) == ["b", "c"], "\(try ids(more)) began after the limit was raised")
        try await broker.setLimit(nil, on: .queue("jobs"))
        try await enqueue("f")
        try await maintain(worker, until: "the rest may run") { try await broker.queueLength("jobs") == 3 }
        try await expectRuns("d", "e", by: worker, onQueue)
        try await expectNext("f", by: worker)
        for delivery in running + more { try await end(delivery, by: worker) }
        let rows = try await broker.holds()
        try expect(rows.isEmpty, "a cleared limit left \(rows)")
    }

    func longLinesKeepTheirOrder() async throws {
        try await broker.setLimit(.concurrency(1), on: .eachKey("host"))
        let worker = try await session()
        let all = (0..<150).map { "job-\($0)" }
        try await broker.enqueue(all.map { job($0, host: "a") })
        let running = try await begin(all.count, by: worker, onHost)
        try expect(running.count == 1, "\(running.count) run at once")
        try await broker.setLimit(nil, on: .eachKey("host"))
        try await end(running[0], by: worker)
        var ran = try ids(running)
        try await maintain(worker, until: "all have run") {
            while try await broker.queueLength("jobs") > 0 {
                for delivery in try await ask(try await worker.claim(limit: 7).deliveries, by: worker, onHost) {
                    ran += try ids([delivery])
                    try await end(delivery, by: worker)
                }
            }
            return ran.count == all.count
        }
        try expect(ran == all, "the jobs began in the order \(ran)")
    }

    func limitsAreState() async throws {
        let early = try await session(name: "early")
        let before = try await early.control()
        try expect(before.holds.isEmpty, "something is limited before anybody said so: \(before.holds)")
        let limit = Limit(rate: .perMinute(30, burst: 4), concurrency: 2)
        try await broker.setLimit(limit, on: .eachKey("host"))
        try await broker.setLimit(.concurrency(7), on: .job("some.job"))
        let after = try await early.control()
        try expect(after.epoch != before.epoch, "the epoch is still \(after.epoch)")
        let known = try await (try await session(name: "late")).control().holds
        try expect(known.limits == [.eachKey("host"): limit, .job("some.job"): .concurrency(7)], "a later session knows \(known.limits)")
        let targets = known.targets(queue: "jobs", task: "some.job") { LimitKey("host", "a") }
        try expect(targets == [.job("some.job"), host("a")], "a job has to ask \(targets)")
        try await broker.setLimit(nil, on: .job("some.job"))
        let cleared = try await early.control()
        try expect(cleared.holds.limits.count == 1 && cleared.epoch != after.epoch, "after clearing one there are \(cleared.holds.limits)")
    }

    func impossibleLimitsAreRefused() async throws {
        let impossible: [(Limit, HoldTarget)] = [
            (Limit(), .queue("jobs")), (.concurrency(0), .queue("jobs")), (.rate(.init(every: .zero)), .queue("jobs")),
            (.rate(.perSecond(1, burst: 0)), .queue("jobs")), (.concurrency(1), .queue("")), (.concurrency(1), .eachKey("a=b")),
            (.concurrency(1), .run("x")), (.concurrency(1), .job("a\u{0}b")),
        ]
        for (limit, target) in impossible {
            do {
                try await broker.setLimit(limit, on: target)
            } catch let error as ApiumError where error.code == .badArguments {
                continue
            }
            throw ConformanceFailure("the limit \(limit) on \(target) was taken")
        }
        let rows = try await broker.holds()
        try expect(rows.isEmpty, "refused limits left \(rows)")
    }

    func staleWorkersAreToldSo() async throws {
        try await broker.setLimit(.concurrency(5), on: .queue("jobs"))
        let (victim, other) = (try await session(name: "victim"), try await session(name: "other"))
        try await enqueue("a")
        let claimed = try await claim(1, by: victim)
        try await world.silence(victim)
        try await maintain(other, until: "the job is back") { try await broker.queueLength("jobs") == 1 }
        let outcomes = try await victim.admit([try admission(claimed[0], onQueue)])
        try expect(outcomes == [.taken], "a stale worker was answered \(outcomes)")
        let rows = try await broker.holds()
        try expect(rows.allSatisfy { $0.running == 0 }, "a stale worker has taken a permit: \(rows)")
    }
}
