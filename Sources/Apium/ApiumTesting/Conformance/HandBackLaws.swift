import ApiumCore

extension BrokerConformance {
    static let handBackLaws: [Law] = [
        Law("what a worker holds is handed back to the front, in order, without counting a crash") { try await $0.jobsAreHandedBack() },
        Law("a worker whose jobs were handed back ends none of them, and hears of it", needsResultsOnBroker: true) {
            try await $0.handingBackEndsTheLease()
        },
        Law("a job that was acknowledged early is not handed back: it ends as lost") { try await $0.earlyAcksAreNotHandedBack() },
        Law("nothing is handed back from a worker that nobody knows") { try await $0.strangersHoldNothing() },
    ]
}

extension Scene {
    private var desk: any HandingBackBroker {
        get throws {
            guard let desk = broker as? any HandingBackBroker else { throw ConformanceFailure("the broker hands nothing back") }
            return desk
        }
    }

    func jobsAreHandedBack() async throws {
        let (stopped, other) = (try await session(), try await session("none"))
        try await enqueue("a", "b", "c", "d")
        _ = try await claim(1, by: stopped)
        let second = try await claim(2, by: stopped)
        try await complete(second[0], by: stopped)
        let held = try await desk.flights(limit: 100).filter { $0.incarnation == stopped.incarnation }
        try expect(held.count == 2, "a worker with two jobs is shown with \(held.count)")
        let report = try await desk.handBack(from: stopped.incarnation)
        try expect(report == HandBack(returned: 2, ended: 0), "handing two jobs back answered \(String(describing: report))")
        try await expectLength(3)
        // The shared duties find nothing more to return.
        _ = try await other.maintain()
        let after = try await claim(3, by: try await session())
        try expect(try ids(after) == ["a", "c", "d"], "the jobs came back as \(try ids(after))")
        let messages = try after.map { try Message(decoding: $0.payload) }
        try expect(messages.map(\.properties.redelivered) == [true, true, false], "redelivered is \(messages.map(\.properties.redelivered))")
        try expect(messages.allSatisfy { $0.headers.custom[BrokerState.crashHeader] == nil }, "handing back was counted as a crash")
    }

    func handingBackEndsTheLease() async throws {
        let (slow, other) = (try await session(), try await session())
        try await enqueue("a")
        let stale = try await claimOne(by: slow)
        let hears = Task {
            for await event in slow.events where event == .leaseLost { return true }; return false
        }
        _ = try await desk.handBack(from: slow.incarnation)
        let outcome = try await complete(stale, result: success("a", "stale"), by: slow)
        try expect(outcome == .taken, "the end of a job that was handed back was answered \(outcome)")
        try expect(try await results.document(for: "a") == nil, "a worker without its lease stored a result")
        let workers = try await desk.registeredWorkers().map(\.incarnation)
        try expect(!workers.contains(slow.incarnation), "the worker is still registered")
        let again = try await claimOne(by: other)
        try expect(again.fence > stale.fence, "the second run has fence \(again.fence), the first \(stale.fence)")
        try expect(await hears.value, "the worker did not hear that its lease was taken away")
    }

    func earlyAcksAreNotHandedBack() async throws {
        let stopped = try await session()
        try await enqueue("a", "b")
        let deliveries = try await claim(2, by: stopped)
        _ = try await stopped.acknowledgeEarly([deliveries[0].tag])
        let report = try await desk.handBack(from: stopped.incarnation)
        try expect(report == HandBack(returned: 1, ended: 1), "handing back answered \(String(describing: report))")
        try await expectNext("b", by: try await session())
        let dead = try await broker.records(in: .dead, limit: 10).map(\.id)
        try expect(dead == ["a"], "the dead are \(dead)")
    }

    func strangersHoldNothing() async throws {
        let report = try await desk.handBack(from: "nobody")
        try expect(report == nil, "handing back from nobody answered \(String(describing: report))")
    }
}
