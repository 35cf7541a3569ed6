import ApiumCore
import DynamicJSON

extension BrokerConformance {
    static let enqueueLaws: [Law] = [
        Law("a job enqueued once is known while it waits, while it runs and after its end") { try await $0.onceIsKnownAllItsLife() },
        Law("the id of a job enqueued once is forgotten after its time") { try await $0.onceIsForgotten() },
        Law("the time of a job enqueued once counts from when it is due") { try await $0.onceCountsFromDue() },
        Law("a job whose result is stored is known", needsResultsOnBroker: true) { try await $0.resultsAreKnown() },
        Law("of many that enqueue the same job once, one does") { try await $0.onceAmongMany() },
        Law("a job enqueued without the word is never compared") { try await $0.onceIsAsked() },
        Law("a full queue refuses a whole call, and nothing is written") { try await $0.fullQueuesRefuseAll() },
        Law("a full queue refuses single messages of a call, the others go") { try await $0.fullQueuesRefuseEach() },
        Law("a queue's limit holds, however many enqueue at once") { try await $0.limitsHoldAmongMany() },
        Law("a refused job is not known") { try await $0.refusedIsNotKnown() },
        Law("what follows a job that ends has no conditions") { try await $0.followUpsHaveNoConditions() },
        Law("a durability is confirmed, or refused before anything is written") { try await $0.durabilityIsConfirmedOrRefused() },
    ]
}

extension Scene {
    private func once(_ id: String, within time: Duration = .seconds(100), limit: Int? = nil, after delay: Duration? = nil) -> Outgoing {
        var outgoing = job(id, after: delay)
        outgoing.conditions = EnqueueConditions(onceWithin: time, queueLimit: limit)
        return outgoing
    }

    private func limited(_ id: String, _ limit: Int, on queue: String = "jobs", priority: Int = 0, after delay: Duration? = nil) -> Outgoing {
        var outgoing = job(id, on: queue, priority: priority, after: delay)
        outgoing.conditions.queueLimit = limit
        return outgoing
    }

    private func expectOutcome(_ expected: EnqueueOutcome, of outgoing: Outgoing, _ when: String, fileID: String = #fileID, line: Int = #line) async throws {
        let outcomes = try await broker.enqueue([outgoing], EnqueueTerms(isAllOrNone: false)).outcomes
        try expect(outcomes == [expected], "\(when) the enqueue was answered \(outcomes), not \(expected)", fileID: fileID, line: line)
    }

    func onceIsKnownAllItsLife() async throws {
        let worker = try await session()
        try await expectOutcome(.enqueued, of: once("a"), "at first")
        try await expectOutcome(.known, of: once("a"), "while it waits")
        try await expectLength(1)
        let delivery = try await claimOne(by: worker)
        try await expectOutcome(.known, of: once("a"), "while it runs")
        try await complete(delivery, result: success("a"), by: worker)
        try await expectOutcome(.known, of: once("a"), "after its end")
        try await expectLength(0)
        try await expectOutcome(.enqueued, of: once("b"), "for another id")
        let twice = try await broker.enqueue([once("c"), once("c")], EnqueueTerms()).outcomes
        try expect(twice == [.enqueued, .known], "twice in one call was answered \(twice)")
    }

    func onceIsForgotten() async throws {
        try await expectOutcome(.enqueued, of: once("a", within: world.lease), "at first")
        try await expectOutcome(.known, of: once("a", within: world.lease), "at once after")
        try await world.pass(world.lease * 2)
        try await expectOutcome(.enqueued, of: once("a", within: world.lease), "after its time")
        try await expectLength(2)
    }

    func onceCountsFromDue() async throws {
        try await expectOutcome(.enqueued, of: once("a", within: world.lease / 2, after: world.lease * 100), "at first")
        try await world.pass(world.lease)
        try await expectOutcome(.known, of: once("a"), "while it waits for its time")
    }

    func resultsAreKnown() async throws {
        try await results.store(success("a"))
        try await expectOutcome(.known, of: once("a"), "with a stored result")
        try await expectLength(0)
    }

    func onceAmongMany() async throws {
        let (broker, outgoing) = (broker, once("a"))
        let outcomes = try await withThrowingTaskGroup(of: EnqueueOutcome.self) { group in
            for _ in 0..<10 { group.addTask { try await broker.enqueue([outgoing], EnqueueTerms()).outcomes[0] } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try expect(outcomes.filter { $0 == .enqueued }.count == 1, "ten enqueues were answered \(outcomes)")
        try expect(outcomes.filter { $0 == .known }.count == 9, "ten enqueues were answered \(outcomes)")
        try await expectLength(1)
    }

    func onceIsAsked() async throws {
        try await enqueue("a", "a")
        try await expectLength(2)
    }

    func fullQueuesRefuseAll() async throws {
        try await enqueue("a")
        try await enqueue("b", priority: 9)
        do {
            try await broker.enqueue([job("elsewhere", on: "second"), limited("c", 3), limited("d", 3), once("e")])
            throw ConformanceFailure("a call that is too much for its queue was taken")
        } catch let full as QueueFull {
            try expect(full == QueueFull(queue: "jobs", limit: 3, length: 3), "the error is \(full)")
        }
        try await expectLength(2)
        try await expectLength(0, of: "second")
        try await expectOutcome(.enqueued, of: once("e"), "after a refused call")
        do {
            try await broker.enqueue([limited("later", 3, after: world.lease * 100)])
            throw ConformanceFailure("a delayed message to a full queue was taken")
        } catch is QueueFull {}
        let scheduled = try await broker.scheduledCount()
        try expect(scheduled == 0, "\(scheduled) refused jobs are scheduled")
    }

    func fullQueuesRefuseEach() async throws {
        let messages = [
            limited("a", 2), limited("later", 2, after: world.lease * 100), limited("b", 2, priority: 3), limited("c", 2), job("free"),
            limited("elsewhere", 2, on: "second"),
        ]
        let outcomes = try await broker.enqueue(messages, EnqueueTerms(isAllOrNone: false)).outcomes
        let full = EnqueueOutcome.refused(QueueFull(queue: "jobs", limit: 2, length: 2))
        try expect(outcomes == [.enqueued, .enqueued, .enqueued, full, .enqueued, .enqueued], "the outcomes are \(outcomes)")
        try await expectNext("a", "free", "b", by: try await session())
        try await expectLength(1, of: "second")
    }

    func limitsHoldAmongMany() async throws {
        let broker = broker
        let messages = (0..<20).map { limited("job-\($0)", 5) }
        let outcomes = try await withThrowingTaskGroup(of: EnqueueOutcome.self) { group in
            for message in messages { group.addTask { try await broker.enqueue([message], EnqueueTerms(isAllOrNone: false)).outcomes[0] } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try expect(outcomes.filter { $0 == .enqueued }.count == 5, "twenty enqueues with a limit of five were answered \(outcomes)")
        try await expectLength(5)
    }

    func refusedIsNotKnown() async throws {
        try await enqueue("first")
        let full = EnqueueOutcome.refused(QueueFull(queue: "jobs", limit: 1, length: 1))
        try await expectOutcome(full, of: once("a", limit: 1), "with a full queue")
        try await expectNext("first", by: try await session())
        try await expectOutcome(.enqueued, of: once("a", limit: 1), "with an empty queue")
    }

    func followUpsHaveNoConditions() async throws {
        let worker = try await session()
        try await enqueue("a")
        let delivery = try await claimOne(by: worker)
        let outcome = try await complete(delivery, followUps: [limited("next", 0)], by: worker)
        try expect(outcome == .done, "the completion was answered \(outcome)")
        try await expectNext("next", by: worker)
    }

    func durabilityIsConfirmedOrRefused() async throws {
        for durability in [Durability.replicas(0), .onDisk(), .replicas(99, within: .milliseconds(20))] {
            _ = try await broker.purge("jobs")
            do {
                let receipt = try await broker.enqueue([job("a"), once("once-\(durability.hashValue)")], EnqueueTerms(durability: durability))
                try expect(receipt.outcomes == [.enqueued, .enqueued], "the outcomes are \(receipt.outcomes)")
                guard let confirmation = receipt.confirmation else { throw ConformanceFailure("nothing is said of what was confirmed") }
                try expect(confirmation.asked == durability, "asked was \(confirmation.asked)")
                try expect(confirmation.isComplete == (durability.replicas == 0), "confirmed was \(confirmation)")
                try await expectLength(2)
            } catch let error as ApiumError where error.code == .notAvailable {
                try await expectLength(0)
            }
        }
    }
}
