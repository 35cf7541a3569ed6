import ApiumCore
import DynamicJSON

extension BrokerConformance {
    static let recoveryLaws: [Law] = [
        Law("nothing is lost when a session vanishes") { try await $0.aVanishedSessionLosesNothing() },
        Law("a live session is never reaped, however long its job runs") { try await $0.aLiveSessionIsNeverReaped() },
        Law("a completion after the lease was lost is refused, and stores nothing", needsResultsOnBroker: true) { try await $0.staleCompletionsAreRefused() },
        Law("what a session had completed before it vanished does not come back") { try await $0.completedJobsStayCompleted() },
        Law("a closing session gives back its jobs at the front, in order") { try await $0.closingGivesBackInOrder() },
        Law("what several claims brought goes back in the order of the claims") { try await $0.claimsGoBackInOrder() },
        Law("a closing session does not give back a job it had acknowledged early") { try await $0.closingKeepsEarlyAcks() },
        Law("an early-acknowledged job of a dead worker ends as WorkerLostError and never runs again") { try await $0.earlyAcknowledgedJobsAreLost() },
        Law("a job that takes down three workers is quarantined, others are not") { try await $0.crashesAreCounted() },
        Law("whatever crash count a message claims, it takes nobody down") { try await $0.hostileCrashCounts() },
        Law("bytes that are no message come back as they are, and are parked when a worker dies with them") { try await $0.undecodableBytes() },
        Law("a message whose headers alone can be read is parked when a worker dies with it, and its job has failed") {
            try await $0.halfReadableMessages()
        },
        Law("a session that ended gets nothing done any more", needsResultsOnBroker: true) { try await $0.aClosedSessionIsRefused() },
        Law("one session at a time does the shared duties, and another takes over when it ends") { try await $0.thereIsOneJanitor() },
    ]
}

extension Scene {
    /// Makes a session vanish and waits until the jobs it had are on their queue again.
    private func vanish(_ session: any BrokerSession, while other: any BrokerSession, untilLength length: Int) async throws {
        try await world.silence(session)
        let broker = broker
        try await maintain(other, until: "the vanished session's jobs are back, \(length) in all") { try await broker.queueLength("jobs") == length }
    }

    func aVanishedSessionLosesNothing() async throws {
        let (lost, other) = (try await session(), try await session())
        try await enqueue("a", "b", "c")
        let before = try await claim(2, by: lost)
        try await vanish(lost, while: other, untilLength: 3)
        let after = try await claim(3, by: other)
        try expect(try ids(after) == ["a", "b", "c"], "the jobs came back as \(try ids(after))")
        let messages = try after.map { try Message(decoding: $0.payload) }
        try expect(messages.map(\.properties.redelivered) == [true, true, false], "redelivered is \(messages.map(\.properties.redelivered))")
        let fence = before.map(\.fence).max() ?? 0
        try expect(after.allSatisfy { $0.fence > fence }, "a later run has fence \(after.map(\.fence)), an earlier one \(fence)")
    }

    func claimsGoBackInOrder() async throws {
        let (closing, other) = (try await session(), try await session("none"))
        for id in ["a", "b", "c", "d"] {
            // Each comes to a session that waits for it.
            let claiming = Task { try await closing.claim(limit: 1).deliveries }
            try await enqueue(id)
            _ = try await claiming.value
        }
        try await closing.close()
        let lost = try await session()
        try await expectNext("a", "b", "c", by: lost)
        try await enqueue("e")
        try await vanish(lost, while: other, untilLength: 5)
        try await expectNext("a", "b", "c", "d", "e", by: try await session())
    }

    func aLiveSessionIsNeverReaped() async throws {
        let (worker, other) = (try await session(), try await session())
        try await enqueue("a")
        let delivery = try await claimOne(by: worker)
        for _ in 0..<32 {
            let report = try await other.maintain()
            try expect(report.reaped == 0 && report.quarantined == 0, "a live session's job was taken away")
            try await world.pass(moment)
        }
        try await expectLength(0)
        let outcome = try await complete(delivery, result: success("a"), by: worker)
        try expect(outcome == .done, "four leases later the completion was answered \(outcome)")
    }

    func staleCompletionsAreRefused() async throws {
        let (lost, other) = (try await session(), try await session())
        try await enqueue("a")
        let stale = try await claimOne(by: lost)
        try await vanish(lost, while: other, untilLength: 1)
        for disposition in [Completion.Disposition.done, .requeue(message("a"), queue: "jobs"), .schedule(message("a"), queue: "jobs", after: world.lease)] {
            let outcome = try await complete(stale, disposition, result: success("a", "stale"), followUps: [job("next", on: "second")], by: lost)
            try expect(outcome == .taken, "a stale completion was answered \(outcome)")
        }
        let early = try await lost.acknowledgeEarly([stale.tag])
        try expect(early == [.taken], "a stale acknowledgement was answered \(early)")
        try expect(try await results.document(for: "a") == nil, "a stale worker stored a result")
        try await expectLength(0, of: "second")
        try await expectLength(1)
        let current = try await claimOne(by: other)
        let outcome = try await complete(stale, result: success("a", "stale"), by: lost)
        try expect(outcome == .taken, "a stale completion of a job that runs elsewhere was answered \(outcome)")
        let end = try await complete(current, result: success("a", "current"), by: other)
        try expect(end == .done, "the current run's completion was answered \(end)")
        let value = try await results.document(for: "a")?.result
        try expect(value == "current", "the result is \(String(describing: value))")
    }

    func completedJobsStayCompleted() async throws {
        let (lost, other) = (try await session(), try await session())
        try await enqueue("a", "b", "c")
        let deliveries = try await claim(3, by: lost)
        try await complete(deliveries[1], by: lost)
        try await vanish(lost, while: other, untilLength: 2)
        try await expectNext("a", "c", by: other)
    }

    func closingGivesBackInOrder() async throws {
        let worker = try await session()
        try await enqueue("a", "b", "c")
        let before = try await claim(2, by: worker)
        try await enqueue("d")
        try await worker.close()
        try await expectLength(4)
        let after = try await claim(4, by: try await session())
        try expect(try ids(after) == ["a", "b", "c", "d"], "the jobs came back as \(try ids(after))")
        let messages = try after.map { try Message(decoding: $0.payload) }
        try expect(messages.map(\.properties.redelivered) == [true, true, false, false], "redelivered is \(messages.map(\.properties.redelivered))")
        try expect(messages.allSatisfy { $0.headers.custom[BrokerState.crashHeader] == nil }, "an orderly end was counted as a crash")
        try expect(after[0].fence > before[1].fence, "the fence did not grow")
    }

    func closingKeepsEarlyAcks() async throws {
        let worker = try await session()
        try await enqueue("a", "b")
        let deliveries = try await claim(2, by: worker)
        let outcomes = try await worker.acknowledgeEarly([deliveries[0].tag])
        try expect(outcomes == [.done], "the acknowledgement was answered \(outcomes)")
        let again = try await worker.acknowledgeEarly([deliveries[0].tag])
        try expect(again != [.taken], "the same acknowledgement, repeated, was answered \(again)")
        try await worker.close()
        try await expectLength(1)
        try await expectNext("b", by: try await session())
    }

    func earlyAcknowledgedJobsAreLost() async throws {
        let (lost, other) = (try await session(), try await session())
        try await enqueue("a", "b")
        let deliveries = try await claim(2, by: lost)
        _ = try await lost.acknowledgeEarly([deliveries[0].tag])
        try await vanish(lost, while: other, untilLength: 1)
        let dead = try await broker.records(in: .dead, limit: 10)
        try expect(dead.map(\.id) == ["a"], "the dead shelf has \(dead.map(\.id))")
        let document = try await results.document(for: "a")
        try expect(document?.state == .failure, "the stored state is \(String(describing: document?.state))")
        let type = document.flatMap { JobFailure(value: $0.result) }?.type
        try expect(type == "WorkerLostError", "the stored failure is \(String(describing: type))")
        try await expectNext("b", by: other)
        try await expectLength(0)
    }

    func crashesAreCounted() async throws {
        let janitor = try await session("none")
        try await enqueue("poison")
        for crash in 1...3 {
            let victim = try await session()
            let message = try Message(decoding: try await claimOne(by: victim).payload)
            let count = message.headers.custom[BrokerState.crashHeader]?.intValue ?? 0
            try expect(message.id == "poison" && count == Int64(crash - 1), "before crash \(crash) the header apium_crashes of \(message.id) is \(count)")
            if crash == 3 { try await enqueue("innocent") }
            try await world.silence(victim)
            let broker = broker
            try await maintain(janitor, until: "crash \(crash) is dealt with") {
                if crash < 3 { return try await broker.queueLength("jobs") == 1 }
                return try await !broker.records(in: .quarantine, limit: 10).isEmpty
            }
        }
        let records = try await broker.records(in: .quarantine, limit: 10)
        try expect(records.map(\.id) == ["poison"] && records[0].attempts == 3, "the quarantine has \(records.map { "\($0.id) after \($0.attempts)" })")
        try await expectNext("innocent", by: try await session())
        try await expectLength(0)
    }

    func hostileCrashCounts() async throws {
        let (lost, other) = (try await session(), try await session())
        for (id, count) in [("huge", Int64.max), ("negative", .min)] {
            var message = message(id)
            message.headers.custom[BrokerState.crashHeader] = .int(count)
            try await broker.enqueue([Outgoing(message, to: "jobs")])
        }
        _ = try await claim(2, by: lost)
        try await vanish(lost, while: other, untilLength: 1)
        try await expectNext("negative", by: other)
        let records = try await broker.records(in: .quarantine, limit: 10).map(\.id)
        try expect(records == ["huge"], "the quarantine has \(records)")
    }

    /// Brings any bytes onto the list and claims them: a shelf is the way.
    private func claim(_ bytes: [UInt8], by session: any BrokerSession) async throws {
        try await enqueue("carrier")
        let record = ShelvedRecord(id: "raw", task: nil, queue: "jobs", reason: "", at: Timestamp(microseconds: 1), attempts: 0, payload: bytes)
        try await complete(try await claimOne(by: session), .shelve(.parked, record), by: session)
        try expect(try await broker.requeue("raw", from: .parked), "a record of any bytes was not requeued")
        try expect(try await claimOne(by: session).payload == bytes, "the bytes changed on their way to the queue")
    }

    /// Makes a session vanish and waits for what is parked then.
    private func parked(after session: any BrokerSession, by other: any BrokerSession) async throws -> ShelvedRecord {
        try await world.silence(session)
        let broker = broker
        try await maintain(other, until: "what the vanished session held is parked") { try await broker.records(in: .parked, limit: 10).count == 1 }
        try await expectLength(0)
        return try await broker.records(in: .parked, limit: 10)[0]
    }

    func undecodableBytes() async throws {
        let (first, other) = (try await session(), try await session())
        let bytes: [UInt8] = Array("{\"body\": 7, \u{0}".utf8) + [0xFF, 0xFE]
        try await claim(bytes, by: first)
        try await first.close()
        let second = try await session()
        try expect(try await claimOne(by: second).payload == bytes, "the bytes changed when a session closed")
        let record = try await parked(after: second, by: other)
        try expect(record.payload == bytes && record.queue == "jobs", "the bytes were parked as \(record)")
    }

    func halfReadableMessages() async throws {
        let (lost, other) = (try await session(), try await session())
        let bytes = Array(#"{"body":"","headers":{"task":"t","id":"half","retries":9223372036854775807},"properties":{}}"#.utf8)
        try await claim(bytes, by: lost)
        let record = try await parked(after: lost, by: other)
        try expect(record.id == "half" && record.task == "t" && record.payload == bytes, "the message was parked as \(record)")
        let state = try await results.document(for: "half")?.state
        try expect(state == .failure, "the job's state is \(String(describing: state))")
    }

    func aClosedSessionIsRefused() async throws {
        let worker = try await session()
        try await enqueue("a")
        let delivery = try await claimOne(by: worker)
        try await worker.close()
        let outcome = try? await complete(delivery, result: success("a"), by: worker)
        try expect(outcome == .taken || outcome == nil, "a completion after the close was answered \(String(describing: outcome))")
        try expect(try await results.document(for: "a") == nil, "a closed session stored a result")
        try await expectLength(1)
    }

    func thereIsOneJanitor() async throws {
        let (first, second) = (try await session(), try await session())
        let roles = [try await first.maintain().isJanitor, try await second.maintain().isJanitor, try await first.maintain().isJanitor]
        try expect(roles == [true, false, true], "asked first, second, first, the roles are \(roles)")
        try await first.close()
        for _ in 0..<48 {
            if try await second.maintain().isJanitor { return }
            try await world.pass(moment)
        }
        throw ConformanceFailure("nobody took over within six leases")
    }
}
