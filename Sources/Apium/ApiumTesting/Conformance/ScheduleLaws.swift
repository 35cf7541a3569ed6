import ApiumCore

extension BrokerConformance {
    static let scheduleLaws: [Law] = [
        Law("a slot fires once, however many fire it") { try await $0.aSlotFiresOnce() },
        Law("an entry is in force since its version was adopted; an older schedule is refused") { try await $0.entriesBeginWithTheirVersion() },
        Law("a slot of an older generation is refused, and of one that is not in force yet") { try await $0.staleGenerationsAreRefused() },
        Law("a slot of an entry's older version, and of an entry that has left, is refused") { try await $0.staleVersionsAreRefused() },
        Law("a slot in the future is refused with the time to wait") { try await $0.earlySlotsAreRefused() },
        Law("a slot that was decided from another mark is refused with the mark; the next one fires") { try await $0.slotsGoForward() },
        Law("a slot's job with a delay waits for it") { try await $0.slotsMayBeDelayed() },
        Law("skipped slots move the mark and send nothing") { try await $0.skippedSlotsMoveTheMark() },
        Law("each slot has one record, which says what became of it; skipped ones that follow one another share theirs") {
            try await $0.slotsHaveRecords()
        },
        Law("after an edit nothing fires that was decided before, and the schedule shows it") { try await $0.editsPutOlderDecisionsOut() },
        Law("edits are all made or none, and only to what their editor has read; the audit says who changed what") { try await $0.editsAreAudited() },
        Law("whoever watches the schedule hears of an edit and of another deployment") { try await $0.changesAreHeard() },
    ]
}

extension Scene {
    /// Puts entries in force.
    func adopt(
        _ versions: [String: String], generation: Int64 = 1, revision: Int64 = 0, documents: [String: String] = [:], queues: Bool = false
    ) async throws -> [String: EntryProgress]? {
        let entries = versions.map { ($0.key, ScheduleAdoption.Entry(version: $0.value, document: documents[$0.key], queues: queues)) }
        let adoption = ScheduleAdoption(edition: ScheduleEdition(generation: generation, revision: revision), entries: Dictionary(entries) { $1 })
        guard case .adopted(let progress) = try await broker.adopt(adoption) else { return nil }
        return progress
    }

    /// A slot that is due, decided from the mark of another one.
    func slot(
        _ id: String?, entry: String = "entry", generation: Int64 = 1, revision: Int64 = 0, version: String = "1", before time: Duration,
        after mark: ScheduledSlot? = nil, overlap: Overlap = .allow
    ) async throws -> ScheduledSlot {
        let instant = try await broker.serverTime() + (.zero - time)
        var action = ScheduledSlot.Action.skip(.catchUp, first: instant, count: 1)
        if let id { action = .fire(job(id), overlap: overlap) }
        return ScheduledSlot(
            entry: entry, edition: ScheduleEdition(generation: generation, revision: revision), version: version, instant: instant, mark: mark?.instant,
            action: action)
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

    func aSlotFiresOnce() async throws {
        _ = try await adopt(["entry": "1"])
        let due = try await slot("fired", before: .seconds(1))
        let broker = broker
        let outcomes = try await withThrowingTaskGroup(of: FireOutcome.self) { group in
            for _ in 0..<10 { group.addTask { try await broker.fire(due) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try expect(outcomes.filter { $0 == .done }.count == 1, "ten firings were answered \(outcomes)")
        try expect(outcomes.filter { $0 == .moved(mark: due.instant) }.count == 9, "ten firings were answered \(outcomes)")
        try await expectLength(1)
        let marks = try await adopt(["entry": "1", "unknown": "1"])?.compactMapValues(\.mark)
        try expect(marks == ["entry": due.instant], "the marks are \(String(describing: marks))")
    }

    func staleGenerationsAreRefused() async throws {
        let unknown = try await broker.fire(try await slot("early", generation: 7, before: .seconds(3)))
        try expect(unknown == .staleVersion, "a slot of a schedule that nobody has adopted was answered \(unknown)")
        _ = try await adopt(["entry": "1", "other": "1"], generation: 7)
        let newer = try await broker.fire(try await slot("new", generation: 7, before: .seconds(2)))
        try expect(newer == .done, "the newer generation's slot was answered \(newer)")
        let older = try await broker.fire(try await slot("old", entry: "other", generation: 6, before: .seconds(1)))
        try expect(older == .staleGeneration, "the older generation's slot was answered \(older)")
        let future = try await broker.fire(try await slot("future", entry: "other", generation: 8, before: .seconds(1)))
        try expect(future == .staleVersion, "a slot of a generation that nobody has adopted was answered \(future)")
        try await expectLength(1)
    }

    func staleVersionsAreRefused() async throws {
        _ = try await adopt(["entry": "1", "gone": "1"])
        _ = try await adopt(["entry": "2"])
        for entry in ["entry", "gone"] {
            let outcome = try await broker.fire(try await slot("old", entry: entry, before: .seconds(1)))
            try expect(outcome == .staleVersion, "a slot of '\(entry)' as it was before was answered \(outcome)")
        }
        try await expectLength(0)
        let current = try await broker.fire(try await slot("new", version: "2", before: .seconds(1)))
        try expect(current == .done, "a slot of the version in force was answered \(current)")
    }

    func earlySlotsAreRefused() async throws {
        _ = try await adopt(["entry": "1"])
        let outcome = try await broker.fire(try await slot("early", before: .seconds(-100)))
        guard case .early(let wait) = outcome else { throw ConformanceFailure("a slot in 100 seconds was answered \(outcome)") }
        try expect(wait > .seconds(50) && wait <= .seconds(100), "a slot in 100 seconds is to be tried again after \(wait)")
        try await expectLength(0)
        let marks = try await adopt(["entry": "1"])?.compactMapValues(\.mark)
        try expect(marks?.isEmpty == true, "a refused slot moved the mark: \(String(describing: marks))")
    }

    func slotsGoForward() async throws {
        _ = try await adopt(["entry": "1", "other entry": "1"])
        let first = try await slot("first", before: .seconds(20))
        let next = try await slot("next", before: .seconds(10), after: first)
        let outcomes = [
            try await broker.fire(first), try await broker.fire(try await slot("past", before: .seconds(30))), try await broker.fire(first),
            try await broker.fire(try await slot("unaware", before: .seconds(10))), try await broker.fire(next),
            try await broker.fire(try await slot("other", entry: "other entry", before: .seconds(30))),
        ]
        let moved = FireOutcome.moved(mark: first.instant)
        try expect(outcomes == [.done, moved, moved, moved, .done, .done], "the slots were answered \(outcomes)")
        try await expectNext("first", "next", "other", by: try await session())
    }

    func slotsMayBeDelayed() async throws {
        _ = try await adopt(["entry": "1"])
        var delayed = try await slot("delayed", before: .seconds(1))
        delayed.action = .fire(job("delayed", after: world.lease))
        let due = try await broker.serverTime() + world.lease
        let outcome = try await broker.fire(delayed)
        try expect(outcome == .done, "the slot was answered \(outcome)")
        try await expectPromotion(notBefore: due)
    }

    func skippedSlotsMoveTheMark() async throws {
        _ = try await adopt(["entry": "1"])
        let skipped = try await slot(nil, before: .seconds(10))
        let outcomes = [try await broker.fire(skipped), try await broker.fire(skipped)]
        try expect(outcomes == [.done, .moved(mark: skipped.instant)], "a skipped slot was answered \(outcomes)")
        try await expectLength(0)
        let marks = try await adopt(["entry": "1"])?.compactMapValues(\.mark)
        try expect(marks == ["entry": skipped.instant], "the marks are \(String(describing: marks))")
    }

    func slotsHaveRecords() async throws {
        _ = try await adopt(["entry": "1", "other": "1"])
        let began = try await broker.serverTime()
        let first = try await slot("a", before: .seconds(50))
        var skipped = try await slot(nil, before: .seconds(30), after: first)
        skipped.action = .skip(.catchUp, first: first.instant + .seconds(10), count: 2)
        let more = try await slot(nil, before: .seconds(20), after: skipped)
        var late = try await slot("b", before: .seconds(10), after: more)
        late.action = .fire(job("b"), isCaughtUp: true)
        let other = try await slot("c", entry: "other", before: .seconds(40))
        for decision in [first, skipped, more, late, other] {
            let outcome = try await broker.fire(decision)
            try expect(outcome == .done, "a slot was answered \(outcome)")
        }
        let records = try await broker.ledger(LedgerQuery(entry: "entry"))
        try expect(records.map(\.outcome) == [.caughtUp, .skipped, .fired], "the ledger has \(records)")
        try expect(records.map(\.jobID) == ["b", nil, "a"] && records.map(\.slot) == [late, more, first].map(\.instant), "the ledger has \(records)")
        try expect(records[1].count == 3 && records[1].first == first.instant + .seconds(10) && records[1].reason == .catchUp, "the ledger has \(records)")
        try expect(records.allSatisfy { $0.decided >= began && $0.lateness >= .seconds(10) }, "the ledger has \(records)")
        let all = try await broker.ledger(LedgerQuery(outcomes: [.fired], limit: 2))
        try expect(all.map(\.entry) == ["other", "entry"], "the newest two that fired are \(all)")
        let span = try await broker.ledger(LedgerQuery(since: other.instant, until: more.instant))
        try expect(span.map(\.outcome) == [.skipped, .fired], "between two slots there are \(span)")
    }

    func editsPutOlderDecisionsOut() async throws {
        _ = try await adopt(["entry": "1"], documents: ["entry": "{}"])
        let decided = try await slot("old", before: .seconds(1))
        let revision = try await broker.edit(
            [ScheduleEdit(entry: "entry", before: nil, after: "x"), ScheduleEdit(entry: "added", before: nil, after: "y")],
            by: ScheduleEditor("tester", action: "add"))
        try expect(revision == 1, "the first edit was answered \(String(describing: revision))")
        let outcome = try await broker.fire(decided)
        try expect(outcome == .staleRevision, "a slot that was decided before an edit was answered \(outcome)")
        let unread = try await adopt(["entry": "1"])
        try expect(unread == nil, "a schedule made before the edit was adopted: \(String(describing: unread))")
        let adopted = try await adopt(["entry": "1", "added": "1"], revision: 1, documents: ["entry": "{}"])
        try expect(adopted?.count == 2, "a schedule made after the edit was answered \(String(describing: adopted))")
        let stored = try await broker.schedule()
        try expect(
            stored
                == StoredSchedule(
                    edition: ScheduleEdition(generation: 1, revision: 1), deployed: ["entry": "{}"], edits: ["entry": "x", "added": "y"],
                    progress: adopted ?? [:]),
            "the schedule is \(stored)")
    }

    func editsAreAudited() async throws {
        func edit(_ action: String, _ edits: ScheduleEdit...) async throws -> Int64? {
            try await broker.edit(edits, by: ScheduleEditor("tester", action: action))
        }
        let added = try await edit("add", ScheduleEdit(entry: "a", before: nil, after: "1"))
        let unaware = try await edit("add", ScheduleEdit(entry: "b", before: nil, after: "1"), ScheduleEdit(entry: "a", before: nil, after: "2"))
        let same = try await edit("run", ScheduleEdit(entry: "a", before: "1", after: "1"))
        let removed = try await edit("remove", ScheduleEdit(entry: "a", before: "1", after: nil))
        try expect([added, unaware, same, removed] == [1, nil, 1, 2], "the edits were answered \([added, unaware, same, removed])")
        let edits = try await broker.schedule().edits
        try expect(edits.isEmpty, "what is left is \(edits)")
        let audit = try await broker.scheduleAudit(entry: nil, limit: 10)
        try expect(audit.map(\.editor.action) == ["remove", "run", "add"] && audit.allSatisfy { $0.editor.name == "tester" }, "the audit says \(audit)")
        try expect(audit.map(\.before) == ["1", "1", nil] && audit.map(\.after) == [nil, "1", "1"], "the audit says \(audit)")
        let others = try await broker.scheduleAudit(entry: "b", limit: 10)
        try expect(others.isEmpty, "an edit that was refused is in the audit: \(others)")
    }

    func changesAreHeard() async throws {
        var changes = try await broker.scheduleChanges().makeAsyncIterator()
        _ = try await broker.edit([ScheduleEdit(entry: "a", before: nil, after: "1")], by: ScheduleEditor("tester", action: "add"))
        _ = await changes.next()
        _ = try await adopt(["a": "1"], revision: 1)
        let heard: Void? = await changes.next()
        try expect(heard != nil, "the changes of the schedule ended")
    }
}
