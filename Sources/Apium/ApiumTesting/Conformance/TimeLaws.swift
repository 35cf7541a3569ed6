import ApiumCore

extension BrokerConformance {
    static let timeLaws: [Law] = [
        Law("a delayed job comes when it is due, and never early") { try await $0.delayedJobsAreNeverEarly() },
        Law("a job scheduled by its end comes when it is due, and never early") { try await $0.rescheduledJobsAreNeverEarly() },
        Law("due jobs come in the order of their times") { try await $0.dueJobsComeInOrder() },
        Law("a delay of nothing is no delay") { try await $0.noDelayIsNoDelay() },
        Law("a slot fires once, however many fire it") { try await $0.aSlotFiresOnce() },
        Law("an entry is in force since its version was adopted; an older schedule is refused") { try await $0.entriesBeginWithTheirVersion() },
        Law("a slot of an older generation is refused") { try await $0.staleGenerationsAreRefused() },
        Law("a slot in the future is refused with the time to wait") { try await $0.earlySlotsAreRefused() },
        Law("a slot before the mark is refused, the next one fires") { try await $0.slotsGoForward() },
        Law("a slot's job with a delay waits for it") { try await $0.slotsMayBeDelayed() },
        Law("a skipped slot moves the mark and sends nothing") { try await $0.skippedSlotsMoveTheMark() },
    ]
}

extension Scene {
    /// Waits until the one scheduled job is on its queue, and requires that this is not before `due`.
    private func expectPromotion(notBefore due: Timestamp) async throws {
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

    /// The high-water marks of entries.
    private func marks(_ entries: [String]) async throws -> [String: Timestamp] {
        try await adopt(Dictionary(uniqueKeysWithValues: entries.map { ($0, "1") }))?.compactMapValues(\.mark) ?? [:]
    }

    private func adopt(_ versions: [String: String], generation: Int64 = 1) async throws -> [String: EntryProgress]? {
        try await broker.adopt(ScheduleAdoption(generation: generation, versions: versions))
    }

    func entriesBeginWithTheirVersion() async throws {
        let before = try await broker.serverTime()
        guard let first = try await adopt(["kept": "1", "edited": "1", "gone": "1"]) else { throw ConformanceFailure("a first schedule is refused") }
        try expect(first.count == 3 && first.values.allSatisfy { $0.since >= before && $0.mark == nil }, "new entries were answered \(first)")
        let fired = try await slot("fired", entry: "edited", before: .seconds(1))
        _ = try await broker.fire(fired)
        try await world.pass(.milliseconds(5))
        let edit = try await broker.serverTime()
        let second = try await adopt(["kept": "1", "edited": "2"], generation: 2)
        try expect(second?["kept"] == first["kept"], "an entry that stayed as it was now goes on from \(String(describing: second))")
        try expect(second?["edited"].map { $0.since >= edit && $0.mark == fired.instant } == true, "an edited entry goes on from \(String(describing: second))")
        try expect(second?.count == 2, "an entry that is gone was answered: \(String(describing: second))")
        let again = try await adopt(["kept": "1", "edited": "2", "gone": "1"], generation: 2)
        try expect(again?["edited"] == second?["edited"], "the same version began again: \(String(describing: again))")
        try expect(again?["gone"].map { $0.since >= edit } == true, "an entry that came back goes on from \(String(describing: again))")
        let stale = try await adopt(["kept": "0"], generation: 1)
        try expect(stale == nil, "an older schedule was answered \(String(describing: stale))")
        let late = try await broker.fire(try await slot("late", entry: "kept", generation: 1, before: .zero))
        try expect(late == .staleGeneration, "after a newer schedule was adopted, a slot of the older one was answered \(late)")
    }

    /// A slot that is due.
    private func slot(_ id: String?, entry: String = "entry", generation: Int64 = 1, before time: Duration) async throws -> ScheduledSlot {
        let instant = try await broker.serverTime() + .zero - time
        return ScheduledSlot(entry: entry, generation: generation, instant: instant, job: id.map { job($0) })
    }

    func aSlotFiresOnce() async throws {
        let due = try await slot("fired", before: .seconds(1))
        let broker = broker
        let outcomes = try await withThrowingTaskGroup(of: FireOutcome.self) { group in
            for _ in 0..<10 { group.addTask { try await broker.fire(due) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try expect(outcomes.filter { $0 == .fired }.count == 1, "ten firings were answered \(outcomes)")
        try expect(outcomes.filter { $0 == .alreadyFired }.count == 9, "ten firings were answered \(outcomes)")
        try await expectLength(1)
        let marks = try await marks(["entry", "unknown"])
        try expect(marks == ["entry": due.instant], "the marks are \(marks)")
    }

    func staleGenerationsAreRefused() async throws {
        let newer = try await broker.fire(try await slot("new", generation: 7, before: .seconds(2)))
        try expect(newer == .fired, "the newer generation's slot was answered \(newer)")
        let older = try await broker.fire(try await slot("old", entry: "other", generation: 6, before: .seconds(1)))
        try expect(older == .staleGeneration, "the older generation's slot was answered \(older)")
        try await expectLength(1)
    }

    func earlySlotsAreRefused() async throws {
        let future = ScheduledSlot(entry: "entry", generation: 1, instant: try await broker.serverTime() + .seconds(100), job: job("early"))
        let outcome = try await broker.fire(future)
        guard case .early(let wait) = outcome else { throw ConformanceFailure("a slot in 100 seconds was answered \(outcome)") }
        try expect(wait > .seconds(50) && wait <= .seconds(100), "a slot in 100 seconds is to be tried again after \(wait)")
        try await expectLength(0)
        let marks = try await marks(["entry"])
        try expect(marks.isEmpty, "a refused slot moved the mark: \(marks)")
    }

    func slotsGoForward() async throws {
        let first = try await slot("first", before: .seconds(20))
        let outcomes = [
            try await broker.fire(first), try await broker.fire(try await slot("past", before: .seconds(30))), try await broker.fire(first),
            try await broker.fire(try await slot("next", generation: 2, before: .seconds(10))),
            try await broker.fire(try await slot("other", entry: "other entry", generation: 2, before: .seconds(30))),
        ]
        try expect(outcomes == [.fired, .alreadyFired, .alreadyFired, .fired, .fired], "the slots were answered \(outcomes)")
        try await expectNext("first", "next", "other", by: try await session())
    }

    func slotsMayBeDelayed() async throws {
        var delayed = try await slot("delayed", before: .seconds(1))
        delayed.job?.delay = world.lease
        let due = try await broker.serverTime() + world.lease
        let outcome = try await broker.fire(delayed)
        try expect(outcome == .fired, "the slot was answered \(outcome)")
        try await expectPromotion(notBefore: due)
    }

    func skippedSlotsMoveTheMark() async throws {
        let skipped = try await slot(nil, before: .seconds(10))
        let outcomes = [try await broker.fire(skipped), try await broker.fire(skipped)]
        try expect(outcomes == [.fired, .alreadyFired], "a skipped slot was answered \(outcomes)")
        try await expectLength(0)
        let marks = try await marks(["entry"])
        try expect(marks == ["entry": skipped.instant], "the marks are \(marks)")
    }
}

extension Timestamp {
    fileprivate static func - (time: Timestamp, duration: Duration) -> Timestamp { time + (.zero - duration) }
}
