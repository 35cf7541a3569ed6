import ApiumCore

extension BrokerConformance {
    static let pauseLaws: [Law] = [
        Law("a paused queue gives nothing, to later sessions neither, and goes on where it was") { try await $0.pausedQueuesGiveNothing() },
        Law("other queues are served while one is paused") { try await $0.otherQueuesAreServed() },
        Law("jobs of a paused type wait beside their queue, hold up nobody, and are resumed in order before later ones") { try await $0.pausedJobsWait() },
        Law("a pause is announced to open sessions, and is said once") { try await $0.pausesAreAnnounced() },
        Law("runs of one lock follow one another") { try await $0.runsFollowOneAnother() },
        Law("what cannot be paused is refused") { try await $0.impossiblePausesAreRefused() },
    ]
}

extension Scene {
    private func ofType(_ message: Message) -> [HoldTarget] { [.job(message.task)] }

    func pausedQueuesGiveNothing() async throws {
        let early = try await session("jobs", "other", name: "early")
        try await broker.pause(.queue("jobs"))
        _ = try await early.control()
        let late = try await session("jobs", "other", name: "late")
        _ = try await late.control()
        try await enqueue("a", "b")
        for (number, worker) in [early, late].enumerated() {
            try await enqueue("probe-\(number)", on: "other")
            try await expectNext("probe-\(number)", by: worker)
        }
        try await expectLength(2)
        try await broker.resume(.queue("jobs"))
        _ = try await early.control()
        try await expectNext("a", "b", by: early)
    }

    func otherQueuesAreServed() async throws {
        let worker = try await session("jobs", "second")
        try await broker.pause(.queue("jobs"))
        _ = try await worker.control()
        try await enqueue("held")
        try await enqueue("x", "y", on: "second")
        try await expectNext("x", "y", by: worker)
        try await worker.serve(["jobs", "third"], binding: [QueueBinding(exchange: "third", routingKey: "third", queue: "third")])
        try await enqueue("z", on: "third")
        try await expectNext("z", by: worker)
        try await expectLength(1)
    }

    func pausedJobsWait() async throws {
        let target = HoldTarget.job("conformance.job")
        try await broker.pause(target)
        let worker = try await session()
        try await enqueue("a", "b")
        var other = job("other")
        other.message.headers.task = "conformance.other"
        try await broker.enqueue([other])
        let begun = try await begin(3, by: worker) { $0.task == "conformance.job" ? [target] : [.queue("jobs")] }
        try expect(try ids(begun) == ["other"], "\(try ids(begun)) began while a type is paused")
        try await expectWaiting(["a", "b"], on: target)
        try await broker.resume(target)
        try await enqueue("c")
        try await maintain(worker, until: "they are back") { try await broker.queueLength("jobs") == 3 }
        try await expectRuns("a", "b", by: worker, ofType)
        try await expectNext("c", by: worker)
        let known = try await worker.control().holds
        try expect(known.isEmpty, "after everything was resumed jobs still have to ask: \(known)")
    }

    func pausesAreAnnounced() async throws {
        let worker = try await session()
        let events = worker.events
        let first = try await broker.pause(.job("some.job"))
        let again = try await broker.pause(.job("some.job"))
        try expect(first && !again, "pausing twice was answered \(first) and \(again)")
        for await case .controlChanged(let epoch) in events {
            let control = try await worker.control()
            try expect(epoch == control.epoch && control.holds.paused == [.job("some.job")], "epoch \(epoch) was announced for \(control)")
            break
        }
        let since = try await broker.holds().first?.pausedSince
        try expect(since != nil, "nobody knows since when it is paused")
        let resumed = try await broker.resume(.job("some.job"))
        let resumedAgain = try await broker.resume(.job("some.job"))
        try expect(resumed && !resumedAgain, "resuming twice was answered \(resumed) and \(resumedAgain)")
        let rows = try await broker.holds()
        try expect(rows.isEmpty, "a pause that was ended left \(rows)")
    }

    func runsFollowOneAnother() async throws {
        let run: (Message) -> [HoldTarget] = { _ in [.run("conformance.job:7")] }
        let (first, second) = (try await session(name: "first"), try await session(name: "second"))
        try await enqueue("a", "b", "c")
        let running = try await begin(1, by: first, run)
        let early = try await begin(2, by: second, run)
        try expect(running.count == 1 && early.isEmpty, "\(try ids(early)) began beside \(try ids(running))")
        try await end(running[0], by: first)
        try await expectRuns("b", "c", by: second, run)
    }

    func impossiblePausesAreRefused() async throws {
        for target in [HoldTarget.eachKey("host"), .run("x"), .queue("")] {
            do {
                try await broker.pause(target)
            } catch let error as ApiumError where error.code == .badArguments {
                continue
            }
            throw ConformanceFailure("\(target) was paused")
        }
    }
}
