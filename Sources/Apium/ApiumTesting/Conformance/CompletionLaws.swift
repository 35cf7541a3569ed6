import ApiumCore
import DynamicJSON

extension BrokerConformance {
    static let completionLaws: [Law] = [
        Law("completing ends a job, and completing it again says so") { try await $0.completingIsIdempotent() },
        Law("completions are answered in their order") { try await $0.answersComeInOrder() },
        Law("the result and the follow-ups appear with the end of the delivery") { try await $0.resultAndFollowUpsAppearTogether() },
        Law("a repeated completion sends its follow-ups only once") { try await $0.followUpsAreSentOnce() },
        Law("SUCCESS is never overwritten") { try await $0.successIsNeverOverwritten() },
        Law("a state that is not SUCCESS is overwritten") { try await $0.otherStatesAreOverwritten() },
        Law("a waiting reader gets the result when it is ready, and not before") { try await $0.aReaderWaits() },
        Law("a reader that has waited long enough gets nothing") { try await $0.aReaderGivesUp() },
        Law("a forgotten result is gone") { try await $0.resultsAreForgotten() },
        Law("a requeued job goes to the back") { try await $0.requeueGoesToTheBack() },
        Law("shelved records are listed, requeued and discarded") { try await $0.shelves() },
        Law("two messages of one id are both set aside, and each can be requeued") { try await $0.shelvesKeepBothOfOneID() },
        Law("shelves list the newest record first") { try await $0.shelvesListNewestFirst() },
    ]
}

extension Scene {
    func completingIsIdempotent() async throws {
        let worker = try await session()
        try await enqueue("a")
        let delivery = try await claimOne(by: worker)
        let outcomes = [try await complete(delivery, by: worker), try await complete(delivery, by: worker)]
        try expect(outcomes == [.done, .alreadyDone], "two equal completions were answered \(outcomes)")
        try await worker.close()
        try await expectLength(0)
    }

    func answersComeInOrder() async throws {
        let worker = try await session()
        try await enqueue("a", "b", "c")
        let deliveries = try await claim(3, by: worker)
        try await complete(deliveries[1], by: worker)
        let outcomes = try await worker.complete(deliveries.map { Completion($0.tag, .done) })
        try expect(outcomes == [.done, .alreadyDone, .done], "the answers are \(outcomes)")
    }

    func resultAndFollowUpsAppearTogether() async throws {
        let worker = try await session()
        try await enqueue("a")
        let delivery = try await claimOne(by: worker)
        try expect(try await results.document(for: "a") == nil, "there is a result before the end")
        let followUps = [job("next", on: "second"), job("later", on: "second", after: world.lease * 100)]
        let outcome = try await complete(delivery, result: success("a", ["n": 1]), followUps: followUps, by: worker)
        try expect(outcome == .done, "the completion was answered \(outcome)")
        let document = try await results.document(for: "a")
        try expect(document?.state == .success && document?.result == ["n": 1], "the stored document is \(String(describing: document))")
        try await expectLength(1, of: "second")
        let scheduled = try await broker.scheduledCount()
        try expect(scheduled == 1, "\(scheduled) jobs are scheduled instead of one")
        try await expectNext("next", by: try await session("second"))
    }

    func followUpsAreSentOnce() async throws {
        let worker = try await session()
        try await enqueue("a")
        let delivery = try await claimOne(by: worker)
        for _ in 0..<3 { try await complete(delivery, result: success("a"), followUps: [job("next", on: "second")], by: worker) }
        try await expectLength(1, of: "second")
    }

    func successIsNeverOverwritten() async throws {
        try await results.store(success("a", 1))
        try await results.store(failure("a"))
        try await results.store(success("a", 2))
        let worker = try await session()
        try await enqueue("a", "a")
        for late in [failure("a"), success("a", 3)] {
            let outcome = try await complete(try await claimOne(by: worker), result: late, by: worker)
            try expect(outcome == .done, "the completion was answered \(outcome)")
        }
        let document = try await results.document(for: "a")
        try expect(document?.state == .success && document?.result == 1, "the stored document is \(String(describing: document))")
    }

    func otherStatesAreOverwritten() async throws {
        for document in [ResultDocument(id: "a", state: "PROGRESS", result: ["done": 1]), failure("a"), ResultDocument(id: "a", state: .retry), success("a")] {
            try await results.store(document)
            let state = try await results.document(for: "a")?.state
            try expect(state == document.state, "\(document.state) was stored, and \(String(describing: state)) is read")
        }
    }

    func aReaderWaits() async throws {
        let (results, patience) = (results, world.lease * 1000)
        let worker = try await session()
        try await enqueue("a")
        let delivery = try await claimOne(by: worker)
        async let waited = results.wait(for: "a", within: patience)
        try await results.store(ResultDocument(id: "a", state: .started))
        try await world.pass(moment)
        try await complete(delivery, result: success("a", "value"), by: worker)
        let document = try await waited
        try expect(document?.state == .success && document?.result == "value", "the reader was given \(String(describing: document))")
        let again = try await results.wait(for: "a", within: patience)
        try expect(again == document, "a second reader was given \(String(describing: again))")
    }

    func aReaderGivesUp() async throws {
        let (results, world, moment) = (results, world, moment)
        let document = try await withThrowingTaskGroup(of: ResultDocument?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await results.wait(for: "nothing", within: moment) }
            group.addTask {
                while true {
                    try Task.checkCancellation()
                    try await world.pass(moment)
                    await Task.yield()
                }
            }
            return try await group.next() ?? nil
        }
        try expect(document == nil, "the reader was given \(String(describing: document))")
    }

    func resultsAreForgotten() async throws {
        try await results.store(success("a"))
        try await results.forget("a")
        let document = try await results.document(for: "a")
        try expect(document == nil, "there is still \(String(describing: document))")
    }

    func requeueGoesToTheBack() async throws {
        let worker = try await session()
        try await enqueue("a", "b")
        let outcome = try await complete(try await claimOne(by: worker), .requeue(message("a"), queue: "jobs"), by: worker)
        try expect(outcome == .done, "the completion was answered \(outcome)")
        try await expectNext("b", "a", by: worker)
    }

    func shelves() async throws {
        let worker = try await session()
        for shelf in Shelf.allCases {
            try await enqueue("a")
            let delivery = try await claimOne(by: worker)
            let record = ShelvedRecord(
                id: "a", task: "conformance.job", queue: "jobs", reason: "за дело", at: Timestamp(microseconds: 1_795_389_278_112_215), attempts: 2,
                payload: delivery.payload)
            try await complete(delivery, .shelve(shelf, record), by: worker)
            let listed = try await broker.records(in: shelf, limit: 10)
            try expect(listed == [record], "shelf \(shelf) lists \(listed)")
            for other in Shelf.allCases where other != shelf {
                try expect(try await broker.records(in: other, limit: 10).isEmpty, "shelf \(other) has a record of \(shelf)")
            }
            try await expectLength(0)
            try expect(try await broker.requeue("a", from: shelf), "a record on shelf \(shelf) was not requeued")
            try expect(try await !broker.requeue("a", from: shelf), "a record on shelf \(shelf) was requeued twice")
            let again = try await claimOne(by: worker)
            try expect(again.payload == record.payload, "the requeued message differs from the one that was set aside")
            try await complete(again, .shelve(shelf, record), by: worker)
            try expect(try await broker.discard("a", from: shelf), "a record on shelf \(shelf) was not discarded")
            try expect(try await !broker.discard("a", from: shelf), "a record on shelf \(shelf) was discarded twice")
            try await expectLength(0)
        }
    }

    func shelvesKeepBothOfOneID() async throws {
        let worker = try await session()
        for priority in [0, 3, 3] { try await enqueue("a", priority: priority) }
        var payloads: [[UInt8]] = []
        for delivery in try await claim(3, by: worker) {
            let record = ShelvedRecord(
                id: "a", task: nil, queue: "jobs", reason: "", at: Timestamp(microseconds: 1_795_389_278_000_000), attempts: 1, payload: delivery.payload)
            payloads.append(delivery.payload)
            try await complete(delivery, .shelve(.dead, record), by: worker)
        }
        try expect(Set(payloads).count == 3, "messages are told apart by their delivery tags, but these are \(Set(payloads).count)")
        let kept = try await broker.records(in: .dead, limit: 10)
        try expect(Set(kept.map(\.id)) == ["a", "a#2", "a#3"] && Set(kept.map(\.payload)) == Set(payloads), "of three \(kept.map(\.id)) are kept")
        let second = try await broker.record("a#2", in: .dead)
        try expect(second?.payload == payloads[1], "the second is not found by its name")
        try expect(try await broker.requeue("a#2", from: .dead), "the second is not requeued")
        let again = try await claimOne(by: worker)
        try expect(again.payload == payloads[1], "another message than the second came back")
        if let second { try await complete(again, .shelve(.dead, second), by: worker) }
        try expect(try await broker.record("a#2", in: .dead) != nil, "what came back is not set aside again")
        for id in ["a", "a#2", "a#3"] { try expect(try await broker.discard(id, from: .dead), "\(id) was not discarded") }
        try expect(try await broker.records(in: .dead, limit: 10).isEmpty, "something is left on the shelf")
    }

    func shelvesListNewestFirst() async throws {
        let worker = try await session()
        try await enqueue("a", "b", "c")
        for (index, delivery) in try await claim(3, by: worker).enumerated() {
            let at = Timestamp(microseconds: 1_795_389_278_000_000 + Int64(index) * 1_000_000)
            let id = try ids([delivery])[0]
            let record = ShelvedRecord(id: id, task: nil, queue: "jobs", reason: "", at: at, attempts: 1, payload: delivery.payload)
            try await complete(delivery, .shelve(.dead, record), by: worker)
        }
        let listed = try await broker.records(in: .dead, limit: 2).map(\.id)
        try expect(listed == ["c", "b"], "the two newest of three are said to be \(listed)")
    }
}
