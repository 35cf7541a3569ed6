import ApiumCore
import DynamicJSON

extension BrokerConformance {
    static let joinLaws: [Law] = [
        Law("a chord's body is sent once, when all of its header has ended") { try await $0.aChordRuns() },
        Law("a job that is run again after it brought the last part still joins its chord") { try await $0.reruns() },
        Law("an early-acknowledged job of a dead worker is a part of its chord, and a join that it completes is done elsewhere") {
            try await $0.lostJobsAreParts()
        },
        Law("a quarantined job ends as WorkerLostError, and is a part of its chord") { try await $0.quarantinedJobsAreParts() },
        Law("the rest of a lost job's chain fails with it, and is a part of the chord around it") { try await $0.lostChainsAreParts() },
        Law("the errbacks of a job that was lost are left to whoever claims next, who does not run the job") { try await $0.lostJobsLeaveErrbacks() },
        Law("a quarantined job leaves its errbacks, too; a message that tells errbacks leaves none") { try await $0.quarantinedJobsLeaveErrbacks() },
        Law("one completion stores all of its results", needsResultsOnBroker: true) { try await $0.manyResults() },
        Law("a completion that completes a chord has done all it says, and stays in flight for the join", needsResultsOnBroker: true) {
            try await $0.joiningStaysInFlight()
        },
        Law("a repeated completion is answered with the same joins, and does nothing", needsResultsOnBroker: true) { try await $0.joinsAreAnsweredAgain() },
        Law("closing a join sends its body and ends the delivery", needsResultsOnBroker: true) { try await $0.closingSendsTheBody() },
        Law("a join whose claim is another's stores and sends nothing, and its delivery ends", needsResultsOnBroker: true) {
            try await $0.lostClaimsDoNothing()
        },
        Law("ending a join may complete the chord around it", needsResultsOnBroker: true) { try await $0.outerChords() },
        Law("joins of one delivery are ended one by one", needsResultsOnBroker: true) { try await $0.joinsEndOneByOne() },
        Law("a join that is given up keeps the parts, and ends the delivery", needsResultsOnBroker: true) { try await $0.joinsAreGivenUp() },
        Law("a joining delivery of a dead worker comes back as a join, and no crash is counted", needsResultsOnBroker: true) {
            try await $0.deadWorkersJoinsComeBack()
        },
        Law("a joining delivery of a closing worker comes back as a join", needsResultsOnBroker: true) { try await $0.closingWorkersJoinsComeBack() },
    ]
}

extension Scene {
    /// Ends a job as a part of its chord: in one step, or result and part first where they are kept elsewhere. Answers the joins.
    func end(_ delivery: Delivery, _ document: ResultDocument, _ part: ChordPart, by session: any BrokerSession) async throws -> [ChordClaim] {
        if world.resultsAreOnBroker {
            switch try await complete(delivery, result: document, parts: [part], by: session) {
            case .done: return []
            case .joining(let claims): return claims
            case let other: throw ConformanceFailure("the end of \(document.id) was answered \(other)")
            }
        }
        try await results.store(document)
        let claims = try await results.bring([part])
        if claims.isEmpty { try await complete(delivery, by: session) }
        return claims
    }

    /// Ends a join: sends the body in the same step, or before the chord is closed where it is kept elsewhere.
    func join(_ claim: ChordClaim, _ delivery: Delivery, body: String, by session: any BrokerSession) async throws {
        if world.resultsAreOnBroker {
            let outcome = try await complete(delivery, closes: [claim], followUps: [job(body, on: "bodies")], by: session)
            return try expect(outcome == .done, "the end of the join was answered \(outcome)")
        }
        try expect(try await results.resume(claim), "the claim was lost")
        try await complete(delivery, followUps: [job(body, on: "bodies")], by: session)
        try expect(try await results.close(claim), "the chord was not closed")
    }

    /// A message that is a part of a chord.
    func header(_ id: String, _ index: Int, of group: String) -> Outgoing {
        var outgoing = job(id)
        outgoing.message.headers.group = group
        outgoing.message.headers.groupIndex = index
        var embed = TaskArguments.Embed()
        embed.chord = ["task": "conformance.body", "args": [], "kwargs": [:], "options": ["task_id": "body"], "subtask_type": nil, "immutable": false]
        outgoing.message.body = TaskArguments(embed: embed).encodedBody()
        return outgoing
    }

    func aChordRuns() async throws {
        let workers = [try await session(), try await session(), try await session()]
        try await results.open([ChordSetup(group: "g", size: 3)])
        try await broker.enqueue((0..<3).map { header("h\($0)", $0, of: "g") })
        var joins = 0
        for (number, worker) in workers.enumerated().reversed() {
            let delivery = try await claimOne(by: worker)
            let message = try Message(decoding: delivery.payload)
            let value = JSONValue.int(Int64(message.headers.groupIndex ?? -1))
            let claims = try await end(delivery, success(message.id, value), part(message.id, message.headers.groupIndex, of: "g", value), by: worker)
            try expect(claims.isEmpty == (number > 0), "with \(number) parts to come the joins are \(claims)")
            for claim in claims {
                let values = try await results.content(of: "g").parts.map(\.result)
                try expect(values == [0, 1, 2], "the values are \(values)")
                try await join(claim, delivery, body: "body", by: worker)
                joins += 1
            }
        }
        try expect(joins == 1, "the chord was joined \(joins) times")
        try await expectNext("body", by: try await session("bodies"))
        try await expectLength(0, of: "bodies")
        try await expectLength(0)
    }

    /// The part has the same token in each run, as a worker gives it whose results are elsewhere.
    func reruns() async throws {
        let (lost, other) = (try await session(), try await session())
        try await results.open([ChordSetup(group: "g", size: 1)])
        try await broker.enqueue([header("a", 0, of: "g")])
        let first = try await claimOne(by: lost)
        try await results.store(success("a"))
        let claims = try await results.bring([part("a", 0, of: "g")])
        try expect(claims.count == 1, "the only part claimed \(claims)")
        try await world.silence(lost)
        try await maintain(other, until: "the job is back") { try await broker.queueLength("jobs") == 1 }
        let again = try await claimOne(by: other)
        try expect(again.fence > first.fence, "the fence did not grow")
        let joins = try await end(again, success("a"), part("a", 0, of: "g"), by: other)
        try expect(joins == claims, "the second run's joins are \(joins)")
        try await join(joins[0], again, body: "body", by: other)
        try await expectLength(1, of: "bodies")
    }

    /// Requires that a job ended as lost, and that the next delivery is the join of its chord, with the part in it.
    private func expectLostPart(_ id: String, by worker: any BrokerSession) async throws {
        let document = try await results.document(for: id)
        let type = document.flatMap { JobFailure(value: $0.result) }?.type
        try expect(document?.state == .failure && type == "WorkerLostError", "the stored document is \(String(describing: document))")
        let delivery = try await claimOne(by: worker)
        let message = try Message(decoding: delivery.payload)
        try expect(message.id == id && message.properties.redelivered, "the next message is \(message)")
        try expect(message.joining.map(\.group) == ["g"], "the joins of the message are \(message.joining)")
        try expect(try await results.resume(message.joining[0]), "the join of the lost job's chord is not there to be done")
        let parts = try await results.content(of: "g").parts
        try expect(parts.map(\.id) == ["ok", id] && parts.map(\.state) == [.success, .failure], "the parts are \(parts)")
        try await join(message.joining[0], delivery, body: "body", by: worker)
        try await expectLength(1, of: "bodies")
        try await expectLength(0)
    }

    func lostJobsAreParts() async throws {
        let (lost, other) = (try await session(), try await session())
        try await results.open([ChordSetup(group: "g", size: 2)])
        _ = try await results.bring([part("ok", 0, of: "g")])
        try await broker.enqueue([header("early", 1, of: "g")])
        _ = try await lost.acknowledgeEarly([try await claimOne(by: lost).tag])
        try await world.silence(lost)
        try await maintain(other, until: "the lost job's chord is to be joined") { try await broker.queueLength("jobs") == 1 }
        let dead = try await broker.records(in: .dead, limit: 10).map(\.id)
        try expect(dead == ["early"], "the dead shelf has \(dead)")
        try await expectLostPart("early", by: other)
    }

    func quarantinedJobsAreParts() async throws {
        let (lost, other) = (try await session(), try await session())
        try await results.open([ChordSetup(group: "g", size: 2)])
        _ = try await results.bring([part("ok", 0, of: "g")])
        var poison = header("poison", 1, of: "g")
        poison.message.headers.custom[BrokerState.crashHeader] = .int(Int64(BrokerState.crashLimit - 1))
        try await broker.enqueue([poison])
        _ = try await claimOne(by: lost)
        try await world.silence(lost)
        try await maintain(other, until: "the poisoned job's chord is to be joined") { try await broker.queueLength("jobs") == 1 }
        let records = try await broker.records(in: .quarantine, limit: 10).map(\.id)
        try expect(records == ["poison"], "the quarantine has \(records)")
        try await expectLostPart("poison", by: other)
    }

    func lostChainsAreParts() async throws {
        let (lost, other) = (try await session(), try await session())
        try await results.open([ChordSetup(group: "g", size: 1)])
        let body: JSONValue = ["task": "conformance.body", "args": [], "kwargs": [:], "options": ["task_id": "body"], "subtask_type": nil, "immutable": false]
        let step: JSONValue = [
            "task": "conformance.job", "args": [], "kwargs": [:], "subtask_type": nil, "immutable": false,
            "options": ["task_id": "step", "group_id": "g", "group_index": 0, "chord": body],
        ]
        var first = job("first")
        var embed = TaskArguments.Embed()
        embed.chain = [step]
        first.message.body = TaskArguments(embed: embed).encodedBody()
        try await broker.enqueue([first])
        _ = try await lost.acknowledgeEarly([try await claimOne(by: lost).tag])
        try await world.silence(lost)
        try await maintain(other, until: "the lost chain's chord is to be joined") { try await broker.queueLength("jobs") == 1 }
        let states = try await results.documents(for: ["first", "step"]).map { $0?.state }
        try expect(states == [.failure, .failure], "the states of the chain are \(states)")
        let message = try Message(decoding: try await claimOne(by: other).payload)
        try expect(message.id == "first" && message.joining.map(\.group) == ["g"], "the message \(message.id) has the joins \(message.joining)")
        let parts = try await results.content(of: "g").parts.map(\.id)
        try expect(parts == ["step"], "the parts are \(parts)")
    }

    func manyResults() async throws {
        let worker = try await session()
        try await enqueue("a")
        try await results.store(success("kept", 1))
        let delivery = try await claimOne(by: worker)
        let outcomes = try await worker.complete([Completion(delivery.tag, .done, results: [failure("a"), failure("b"), failure("kept"), success("c", 3)])])
        try expect(outcomes == [.done], "the completion was answered \(outcomes)")
        let states = try await results.documents(for: ["a", "b", "kept", "c"]).map { $0?.state }
        try expect(states == [.failure, .failure, .success, .success], "the states are \(states)")
    }

    /// A chord of which only the last job, `a`, has not ended; it is claimed by `worker`.
    private func lastOfTwo(by worker: any BrokerSession) async throws -> (Delivery, ChordPart) {
        try await results.open([ChordSetup(group: "g", size: 2)])
        _ = try await results.bring([part("first", 0, of: "g")])
        try await broker.enqueue([header("a", 1, of: "g")])
        return (try await claimOne(by: worker), part("a", 1, of: "g"))
    }

    func joiningStaysInFlight() async throws {
        let worker = try await session()
        let (delivery, part) = try await lastOfTwo(by: worker)
        let outcome = try await complete(delivery, result: success("a", 5), parts: [part], followUps: [job("next", on: "second")], by: worker)
        try expect(outcome == .joining([claim(of: part)]), "the completion was answered \(outcome)")
        try expect(try await results.document(for: "a")?.result == 5, "the result was not stored")
        try await expectLength(1, of: "second")
        let content = try await results.content(of: "g").parts.map(\.id)
        try expect(content == ["first", "a"], "the parts are \(content)")
    }

    func joinsAreAnsweredAgain() async throws {
        let worker = try await session()
        let (delivery, part) = try await lastOfTwo(by: worker)
        for _ in 0..<3 {
            let outcome = try await complete(delivery, result: success("a"), parts: [part], followUps: [job("next", on: "second")], by: worker)
            try expect(outcome == .joining([claim(of: part)]), "a repeated completion was answered \(outcome)")
        }
        try await expectLength(1, of: "second")
        let early = try await worker.acknowledgeEarly([delivery.tag])
        try expect(early == [.alreadyDone], "a late acknowledgement was answered \(early)")
        let again = try await complete(delivery, result: success("a"), parts: [part], by: worker)
        try expect(again == .joining([claim(of: part)]), "after the acknowledgement the completion was answered \(again)")
    }

    func closingSendsTheBody() async throws {
        let worker = try await session()
        let (delivery, part) = try await lastOfTwo(by: worker)
        try await complete(delivery, result: success("a"), parts: [part], by: worker)
        try await world.outlastClaims("g")
        var outcomes: [CompletionOutcome] = []
        for _ in 0..<2 { outcomes.append(try await complete(delivery, closes: [claim(of: part)], followUps: [job("body", on: "bodies")], by: worker)) }
        try expect(outcomes == [.done, .alreadyDone], "the end of the join and its repetition were answered \(outcomes)")
        try await expectLength(1, of: "bodies")
        let late = try await results.bring([self.part("first", 0, of: "g", token: "late")])
        try expect(late.isEmpty, "a late part claimed \(late)")
        let content = try await results.content(of: "g").parts.filter { $0.id == "a" }
        try expect(content.isEmpty, "after the end the parts are \(content)")
        try await worker.close()
        try await expectLength(0)
    }

    func lostClaimsDoNothing() async throws {
        let worker = try await session()
        let (delivery, part) = try await lastOfTwo(by: worker)
        try await complete(delivery, result: success("a"), parts: [part], by: worker)
        try await world.outlastClaims("g")
        let thief = ChordClaim(group: "g", token: "thief")
        try expect(try await results.resume(thief), "a claim that had run out was not taken over")
        let outcome = try await complete(delivery, result: failure("body"), closes: [claim(of: part)], followUps: [job("body", on: "bodies")], by: worker)
        try expect(outcome == .done, "a join whose claim was lost was answered \(outcome)")
        try await expectLength(0, of: "bodies")
        try expect(try await results.document(for: "body") == nil, "a join whose claim was lost stored a result")
        try expect(try await results.close(thief), "the new claimer could not end the join")
        try await worker.close()
        try await expectLength(0)
    }

    func outerChords() async throws {
        let worker = try await session()
        let (delivery, inner) = try await lastOfTwo(by: worker)
        try await results.open([ChordSetup(group: "outer", size: 1)])
        let outer = part("body", 0, of: "outer")
        let answers = [
            try await complete(delivery, result: success("a"), parts: [inner], by: worker),
            try await complete(delivery, result: failure("body"), parts: [outer], closes: [claim(of: inner)], by: worker),
            try await complete(delivery, result: failure("body"), parts: [outer], closes: [claim(of: inner)], by: worker),
            try await complete(delivery, closes: [claim(of: outer)], followUps: [job("outer body", on: "bodies")], by: worker),
            try await complete(delivery, closes: [claim(of: outer)], followUps: [job("outer body", on: "bodies")], by: worker),
        ]
        let expected: [CompletionOutcome] = [.joining([claim(of: inner)]), .joining([claim(of: outer)]), .joining([claim(of: outer)]), .done, .alreadyDone]
        try expect(answers == expected, "the chord and the one around it were answered \(answers)")
        try await expectNext("outer body", by: try await session("bodies"))
        try await expectLength(0, of: "bodies")
    }

    func joinsEndOneByOne() async throws {
        let worker = try await session()
        let (delivery, mine) = try await lastOfTwo(by: worker)
        try await results.open([ChordSetup(group: "next", size: 1)])
        let next = part("step", 0, of: "next")
        let answers = [
            try await complete(delivery, result: failure("a"), parts: [mine, next], by: worker),
            try await complete(delivery, closes: [claim(of: mine)], followUps: [job("one", on: "bodies")], by: worker),
            try await complete(delivery, closes: [claim(of: mine)], followUps: [job("one", on: "bodies")], by: worker),
            try await complete(delivery, closes: [claim(of: next)], followUps: [job("two", on: "bodies")], by: worker),
        ]
        let left = CompletionOutcome.joining([claim(of: next)])
        try expect(answers == [.joining([claim(of: mine), claim(of: next)]), left, left, .done], "the two joins were answered \(answers)")
        try await expectLength(2, of: "bodies")
    }

    func joinsAreGivenUp() async throws {
        let worker = try await session()
        let (delivery, part) = try await lastOfTwo(by: worker)
        try await complete(delivery, result: success("a"), parts: [part], by: worker)
        let outcome = try await complete(delivery, result: failure("body"), abandons: [claim(of: part)], by: worker)
        try expect(outcome == .done, "giving the join up was answered \(outcome)")
        try expect(try await results.document(for: "body")?.state == .failure, "the body's failure was not stored")
        let kept = try await results.content(of: "g").parts.map(\.id)
        try expect(kept == ["first", "a"], "the parts that are kept are \(kept)")
        try await world.outlastClaims("g")
        try expect(try await !results.resume(claim(of: part)), "the join of an abandoned chord was taken up")
        try await worker.close()
        try await expectLength(0)
    }

    /// Requires that the next delivery is the join, and does it.
    private func expectJoin(_ part: ChordPart, by worker: any BrokerSession) async throws {
        let delivery = try await claimOne(by: worker)
        let message = try Message(decoding: delivery.payload)
        try expect(message.id == "a" && message.properties.redelivered, "the message came back as \(message)")
        try expect(message.headers.custom[BrokerState.crashHeader] == nil, "a join was counted as a crash")
        try expect(message.joining == [claim(of: part)], "the joins of the message are \(message.joining)")
        try expect(try await results.resume(claim(of: part)), "the join could not be taken up")
        let outcome = try await complete(delivery, closes: [claim(of: part)], followUps: [job("body", on: "bodies")], by: worker)
        try expect(outcome == .done, "the end of the join was answered \(outcome)")
        try await expectLength(1, of: "bodies")
        try await expectLength(0)
    }

    func deadWorkersJoinsComeBack() async throws {
        let (lost, other) = (try await session(), try await session())
        let (delivery, part) = try await lastOfTwo(by: lost)
        _ = try await lost.acknowledgeEarly([delivery.tag])
        try await complete(delivery, result: success("a"), parts: [part], by: lost)
        try await world.silence(lost)
        try await maintain(other, until: "the join is back") { try await broker.queueLength("jobs") == 1 }
        let refused = try await complete(delivery, closes: [claim(of: part)], followUps: [job("body", on: "bodies")], by: lost)
        try expect(refused == .taken, "the lost worker's end of the join was answered \(refused)")
        try await expectLength(0, of: "bodies")
        try await expectJoin(part, by: other)
    }

    func closingWorkersJoinsComeBack() async throws {
        let worker = try await session()
        let (delivery, part) = try await lastOfTwo(by: worker)
        try await complete(delivery, result: success("a"), parts: [part], by: worker)
        try await worker.close()
        try await expectJoin(part, by: try await session())
    }
}
