import ApiumCore

extension BrokerConformance {
    /// What a broker shows to those who look; one that is no ``InspectableBroker`` keeps them by showing nothing.
    static let inspectionLaws: [Law] = [
        Law("what waits is seen in the order in which it is claimed, window by window") { try await $0.readyMessagesAreSeen() },
        Law("messages are picked by the texts that stand in them") { try await $0.messagesArePicked() },
        Law("what waits for its time is seen, the earliest first") { try await $0.scheduledMessagesAreSeen() },
        Law("what waits for a time beyond all clocks is seen like the rest") { try await $0.endlessWaitsAreSeen() },
        Law("what a worker holds is seen with what it does, until it has ended") { try await $0.flightsAreSeen() },
        Law("the register names workers, and tells those that renew from those that do not") { try await $0.workersAreSeen() },
        Law("what was set aside is found by its id") { try await $0.shelvesAreSeen() },
        Law("a chord's progress is told until it is joined") { try await $0.chordsAreSeen() },
    ]
}

extension Scene {
    private var inspected: (any InspectableBroker)? { broker as? any InspectableBroker }

    func readyMessagesAreSeen() async throws {
        guard let broker = inspected else { return }
        try await enqueue("c", priority: 9)
        try await enqueue("a", "b")
        let all = try await broker.readyMessages(in: "jobs", ScanWindow())
        try expect(try all.records.map { try Message(decoding: $0.payload).id } == ["a", "b", "c"], "seen were \(all.records.map(\.position))")
        try expect(all.records.map(\.position) == [0, 1, 2], "the positions are \(all.records.map(\.position))")
        let part = try await broker.readyMessages(in: "jobs", ScanWindow(from: 1, count: 1))
        try expect(try part.records.map { try Message(decoding: $0.payload).id } == ["b"], "the window showed \(part.records.count)")
        try expect(part.looked == 1, "\(part.looked) were looked at instead of one")
        let across = try await broker.readyMessages(in: "jobs", ScanWindow(from: 1, count: 10))
        try expect(across.records.map(\.position) == [1, 2], "across the priorities the positions are \(across.records.map(\.position))")
        try expect(try await broker.inspectableQueues().contains("jobs"), "a queue with messages is not known")
        let none = try await broker.readyMessages(in: "unknown", ScanWindow())
        try expect(none.records.isEmpty && none.looked == 0, "an unknown queue showed \(none.looked)")
    }

    func messagesArePicked() async throws {
        guard let broker = inspected else { return }
        try await enqueue("first-id", "second-id", "third-id")
        let page = try await broker.readyMessages(in: "jobs", ScanWindow(mentioning: ["second-id", "nothing"]))
        try expect(page.records.map(\.position) == [1], "picked were \(page.records.map(\.position))")
        try expect(page.looked == 3, "\(page.looked) were looked at instead of three")
        let worker = try await session()
        _ = try await claim(3, by: worker)
        let flights = try await broker.flights(mentioning: ["third-id"], limit: 10)
        try expect(try flights.map { try Message(decoding: $0.payload).id } == ["third-id"], "picked were \(flights.count) in flight")
    }

    func scheduledMessagesAreSeen() async throws {
        guard let broker = inspected else { return }
        try await enqueue("late", after: world.lease * 200)
        try await enqueue("early", on: "second", after: world.lease * 100)
        let page = try await broker.scheduledMessages(ScanWindow())
        try expect(try page.records.map { try Message(decoding: $0.payload).id } == ["early", "late"], "seen were \(page.records.count)")
        try expect(page.records.map(\.queue) == ["second", "jobs"], "the queues are \(page.records.map(\.queue))")
        let wait = page.records[0].due - (try await broker.serverTime())
        try expect(wait > .zero && wait <= world.lease * 100, "the first is due in \(wait)")
        let rest = try await broker.scheduledMessages(ScanWindow(from: 1, count: 5, mentioning: ["early"]))
        try expect(rest.records.isEmpty && rest.looked == 1, "the window showed \(rest.records.count) of \(rest.looked)")
    }

    func endlessWaitsAreSeen() async throws {
        guard let broker = inspected else { return }
        try await enqueue("never", after: .microseconds(Int64.max))
        let page = try await broker.scheduledMessages(ScanWindow())
        let now = try await broker.serverTime()
        try expect(page.records.count == 1 && page.records[0].due - now > .days(36_500_000), "seen were \(page.records)")
    }

    func flightsAreSeen() async throws {
        guard let broker = inspected else { return }
        let worker = try await session()
        try await enqueue("a", "b")
        let deliveries = try await claim(2, by: worker)
        _ = try await worker.acknowledgeEarly([deliveries[1].tag])
        let flights = try await broker.flights(limit: 10)
        let seen = Dictionary(try flights.map { (try Message(decoding: $0.payload).id, $0) }) { $1 }
        try expect(seen["a"]?.activity == .claimed && seen["b"]?.activity == .acknowledged, "seen were \(flights)")
        try expect(flights.allSatisfy { $0.incarnation == worker.incarnation && $0.isRegistered && $0.queue == "jobs" }, "seen were \(flights)")
        try await complete(deliveries[0], by: worker)
        let left = try await broker.flights(limit: 10)
        try expect(try left.map { try Message(decoding: $0.payload).id } == ["b"], "\(left.count) are in flight when one has ended")
    }

    func workersAreSeen() async throws {
        guard let broker = inspected else { return }
        let worker = try await session("jobs", "more", name: "seen")
        let dumb = try await session(name: "silent")
        try await world.silence(dumb)
        func register() async throws -> [String: RegisteredWorker] {
            Dictionary(try await broker.registeredWorkers().map { ($0.incarnation, $0) }) { $1 }
        }
        // A renewal that was on its way when it fell silent has come by then.
        try await world.pass(moment * 2)
        let before = try await register()
        try expect(before[worker.incarnation]?.name == "seen@test", "the register has \(before)")
        try expect(before[worker.incarnation]?.queues == ["jobs", "more"], "the register has \(before)")
        try expect(before[worker.incarnation]?.lease == world.lease, "the register has \(before)")
        try await world.pass(world.lease / 2)
        let after = try await register()
        try expect(after[worker.incarnation]?.renewals != before[worker.incarnation]?.renewals, "no renewal was seen in half a lease")
        try expect(after[dumb.incarnation]?.renewals == before[dumb.incarnation]?.renewals, "a silent worker was seen to renew")
        _ = try await worker.maintain()
        try expect(try await broker.hasJanitor(), "nobody is on duty after a round of maintenance")
        try await worker.close()
        try expect(try await register()[worker.incarnation] == nil, "a closed session is still registered")
    }

    func shelvesAreSeen() async throws {
        guard let broker = inspected else { return }
        let worker = try await session()
        try await enqueue("a", "b")
        for delivery in try await claim(2, by: worker) {
            let message = try Message(decoding: delivery.payload)
            let at = try await broker.serverTime()
            let record = ShelvedRecord(
                id: message.id, task: message.task, queue: "jobs", reason: "no", at: at, attempts: 1, payload: delivery.payload)
            try await complete(delivery, .shelve(.dead, record), by: worker)
        }
        try expect(try await broker.shelvedCount(in: .dead) == 2, "the shelf does not hold two")
        try expect(try await broker.record("a", in: .dead)?.reason == "no", "the record is not found by its id")
        try expect(try await broker.record("a", in: .parked) == nil, "a record is found on another shelf")
        let page = try await broker.shelvedRecords(in: .dead, ScanWindow(from: 1, count: 5))
        try expect(page.records.count == 1 && page.looked == 1, "the window showed \(page.records.count) of \(page.looked)")
    }

    func chordsAreSeen() async throws {
        guard let results = results as? any InspectableResults else { return }
        try expect(try await results.chordProgress(of: "group") == nil, "a chord is known before it is opened")
        try await results.open([ChordSetup(group: "group", size: 2)])
        func bring(_ id: String) async throws -> [ChordClaim] {
            try await results.bring([ChordPart(group: "group", id: id, index: nil, state: .success, result: .string(id), token: "token-\(id)")])
        }
        _ = try await bring("a")
        let half = try await results.chordProgress(of: "group")
        try expect(
            half?.expected == 2 && half?.arrived == 1 && half?.isClaimed == false && half?.isJoined == false, "the progress is \(String(describing: half))")
        try expect(try await results.openChords(limit: 10) == ["group"], "the open chord is not found")
        let claims = try await bring("b")
        let full = try await results.chordProgress(of: "group")
        try expect(full?.isComplete == true && full?.isClaimed == true, "the progress is \(String(describing: full))")
        for claim in claims { _ = try await results.close(claim) }
        try expect(try await results.chordProgress(of: "group")?.isJoined == true, "a joined chord is not told to be")
        try expect(try await results.openChords(limit: 10).isEmpty, "a joined chord counts as open")
    }
}
