import ApiumCore

extension BrokerConformance {
    static let overlapLaws: [Law] = [
        Law("a slot is skipped while the job of an earlier one waits or runs, and fires when it has ended") { try await $0.overlappingSlotsAreSkipped() },
        Law("a job that is tried again has not ended") { try await $0.retriesHaveNotEnded() },
        Law("a slot's job waits for the job before it and is enqueued with its end, in the order of the slots") { try await $0.overlappingSlotsQueue() },
        Law("the job of an earlier slot is cancelled when the next one fires") { try await $0.overlappingSlotsCancel() },
        Law("a job whose end nobody tells holds the next slot up for its limit, and no longer") { try await $0.overlapsAreBounded() },
        Law("a stored result ends a job's turn, whoever has run it", needsResultsOnBroker: true) { try await $0.resultsEndTurns() },
        Law("what waits for its turn is enqueued when its entry leaves the schedule") { try await $0.leavingEntriesLetGo() },
    ]
}

extension Scene {
    /// Fires slots of the one entry in their order, ten seconds apart; answers the outcomes.
    private func fire(_ ids: String..., after last: ScheduledSlot? = nil, overlap: Overlap) async throws -> (outcomes: [FireOutcome], last: ScheduledSlot) {
        var outcomes: [FireOutcome] = []
        var last = last
        for (place, id) in ids.enumerated() {
            var next = try await slot(id, before: .seconds(100), after: last, overlap: overlap)
            next.instant = next.mark.map { $0 + .seconds(10) } ?? next.instant + .seconds(Int64(place))
            outcomes.append(try await broker.fire(next))
            last = next
        }
        guard let last else { throw ConformanceFailure("no slot was fired") }
        return (outcomes, last)
    }

    private func end(_ id: String, by session: any BrokerSession, _ disposition: Completion.Disposition = .done) async throws {
        let delivery = try await claimOne(by: session)
        let claimed = try ids([delivery])
        try expect(claimed == [id], "\(claimed) was claimed instead of \(id)")
        let outcome = try await complete(delivery, disposition, endedRun: EntryRun(entry: "entry", jobID: id), by: session)
        try expect(outcome == .done, "the end of \(id) was answered \(outcome)")
    }

    func overlappingSlotsAreSkipped() async throws {
        _ = try await adopt(["entry": "1"])
        let worker = try await session()
        let first = try await fire("a", "b", overlap: Overlap(.skip))
        try expect(first.outcomes == [.done, .overlapped(by: "a")], "the slots were answered \(first.outcomes)")
        try await end("a", by: worker)
        let second = try await fire("c", after: first.last, overlap: Overlap(.skip))
        try expect(second.outcomes == [.done], "after the end a slot was answered \(second.outcomes)")
        let records = try await broker.ledger(LedgerQuery())
        try expect(
            records.map(\.outcome) == [.fired, .skipped, .fired] && records[1].reason == .overlap && records[1].blocker == "a", "the ledger has \(records)")
        try await expectNext("c", by: worker)
    }

    func retriesHaveNotEnded() async throws {
        _ = try await adopt(["entry": "1"])
        let worker = try await session()
        let first = try await fire("a", overlap: Overlap(.skip))
        let delivery = try await claimOne(by: worker)
        try await complete(delivery, .schedule(message("a"), queue: "jobs", after: world.lease * 100), by: worker)
        let second = try await fire("b", after: first.last, overlap: Overlap(.skip))
        try expect(second.outcomes == [.overlapped(by: "a")], "while a job waits to be tried again a slot was answered \(second.outcomes)")
    }

    func overlappingSlotsQueue() async throws {
        _ = try await adopt(["entry": "1"], queues: true)
        let worker = try await session()
        let fired = try await fire("a", "b", "c", overlap: Overlap(.queue))
        try expect(fired.outcomes == [.done, .queued(behind: "a"), .queued(behind: "a")], "the slots were answered \(fired.outcomes)")
        for (id, waiting) in [("a", 1), ("b", 1), ("c", 0)] {
            try await end(id, by: worker)
            try await expectLength(waiting)
        }
        let again = try await fire("d", after: fired.last, overlap: Overlap(.queue))
        try expect(again.outcomes == [.done], "after the last end a slot was answered \(again.outcomes)")
        let records = try await broker.ledger(LedgerQuery())
        try expect(records.map(\.outcome) == [.fired, .fired, .fired, .fired] && records.map(\.blocker) == [nil, "a", "a", nil], "the ledger has \(records)")
    }

    func overlappingSlotsCancel() async throws {
        _ = try await adopt(["entry": "1"])
        let worker = try await session()
        let fired = try await fire("a", "b", overlap: Overlap(.cancel))
        try expect(fired.outcomes == [.done, .done], "the slots were answered \(fired.outcomes)")
        let control = try await worker.control()
        try expect(control.revoked == ["a"] && control.terminated == ["a"], "the control state is \(control)")
        let records = try await broker.ledger(LedgerQuery())
        try expect(records.map(\.blocker) == ["a", nil], "the ledger has \(records)")
        // The end of the cancelled job is not the end of the other one's turn.
        try await end("a", by: worker)
        let next = try await fire("c", after: fired.last, overlap: Overlap(.skip))
        try expect(next.outcomes == [.overlapped(by: "b")], "while the second job waits a slot was answered \(next.outcomes)")
    }

    func overlapsAreBounded() async throws {
        _ = try await adopt(["entry": "1"], queues: true)
        let limit = world.lease
        let fired = try await fire("a", "b", "c", overlap: Overlap(.queue, limit: limit))
        try expect(fired.outcomes == [.done, .queued(behind: "a"), .queued(behind: "a")], "the slots were answered \(fired.outcomes)")
        _ = try await broker.purge("jobs")
        try await world.pass(limit + moment)
        _ = try await adopt(["entry": "1"], queues: true)
        try await expectLength(1)
        let next = try await fire("d", after: fired.last, overlap: Overlap(.queue, limit: limit))
        try expect(next.outcomes == [.queued(behind: "b")], "after the limit a slot was answered \(next.outcomes)")
    }

    func resultsEndTurns() async throws {
        _ = try await adopt(["entry": "1"])
        let first = try await fire("a", overlap: Overlap(.skip))
        try await results.store(ResultDocument(id: "a", state: .retry))
        let second = try await fire("b", after: first.last, overlap: Overlap(.skip))
        try expect(second.outcomes == [.overlapped(by: "a")], "while a job is tried again a slot was answered \(second.outcomes)")
        try await results.store(ResultDocument(id: "a", state: .success))
        let third = try await fire("c", after: second.last, overlap: Overlap(.skip))
        try expect(third.outcomes == [.done], "after a result a slot was answered \(third.outcomes)")
    }

    func leavingEntriesLetGo() async throws {
        _ = try await adopt(["entry": "1"], queues: true)
        _ = try await fire("a", "b", "c", overlap: Overlap(.queue))
        try await expectLength(1)
        _ = try await adopt([:], generation: 2)
        try await expectNext("a", "b", "c", by: try await session())
    }
}
