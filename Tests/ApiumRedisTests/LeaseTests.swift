import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Leases on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct LeaseTests {
    private let lease = Duration.milliseconds(600)

    /// Does the janitor's rounds until `condition` holds.
    private func maintain(_ bench: Bench, _ session: RedisSession, until name: String, _ condition: () async throws -> Bool) async throws -> MaintenanceReport {
        var sum = MaintenanceReport()
        try await bench.eventually(name) {
            let report = try await session.maintain()
            sum.isJanitor = sum.isJanitor || report.isJanitor
            sum.reaped += report.reaped
            sum.quarantined += report.quarantined
            sum.promoted += report.promoted
            return try await condition()
        }
        return sum
    }

    @Test("a session that closes gives unfinished jobs back to the front, in order, marked as redelivered")
    func close() async throws {
        try await Bench.with { bench in
            try await bench.enqueue(["a", "b", "c", "d", "e"])
            let session = try await bench.session()
            let deliveries = try await bench.claim(4, from: session)
            _ = try await session.complete([Completion(deliveries[1].tag, .done)])
            try await session.close()
            #expect(try await bench.waiting() == ["a", "c", "d", "e"])
            let next = try await bench.session()
            let again = try await bench.claim(4, from: next)
            #expect(try again.map { try $0.message.properties.redelivered } == [true, true, true, false])
            #expect(again[0].fence > deliveries[3].fence)
            await #expect(throws: ApiumError.self) { try await session.claim(limit: 1) }
            try await next.close()
        }
    }

    @Test(
        "what a claim moved on a server that does not know the worker goes back there, wherever the broker's own connection leads",
        .enabled(if: OwnServer.path != nil))
    func otherServer() async throws {
        let (home, other) = (try await OwnServer.start(), try await OwnServer.start())
        defer { for server in [home, other] { server.end() } }
        let proxy = try await TurningProxy.start(for: home.configuration)
        let broker = RedisBroker(proxy.configuration, logger: Bench.logger)
        let elsewhere = RedisClient(other.configuration, logger: Bench.logger)
        let session = try await broker.open(WorkerIdentity(name: "w@host", pid: 1, queues: ["q"]))
        try await within("the renewal of the lease") {
            while session.health.sinceLastRenewal == nil { try await Task.sleep(for: .milliseconds(5)) }
        }
        proxy.turn(to: other.configuration)
        let message = Bench.message("a").encoded()
        try await elsewhere.send(RedisCommand("LPUSH", broker.keys.ready("q", step: 0), message))
        await #expect(throws: ApiumError.self) { try await within("the claim") { try await session.claim(limit: 1) } }
        #expect(try await elsewhere.send(RedisCommand("LRANGE", broker.keys.ready("q", step: 0), 0, -1)).array?.map(\.bytes) == [message])
        #expect(try await elsewhere.send(RedisCommand("KEYS", "*flight:*:*")).array == [])
        try await session.close()
        await broker.shutdown()
        await elsewhere.shutdown()
        await proxy.stop()
    }

    @Test("jobs of a worker that no longer renews run elsewhere, and its own end of them is refused")
    func zombie() async throws {
        try await Bench.with { bench in
            try await bench.enqueue(["a", "b"])
            let zombie = try await bench.session("zombie", lease: lease)
            let held = try await bench.claim(2, from: zombie)
            #expect(try await zombie.complete([Completion(held[1].tag, .done)]) == [.done])
            zombie.suspendRenewal()
            let other = try await bench.session("other", lease: lease)
            let report = try await maintain(bench, other, until: "the job is back") { try await bench.waiting() == ["a"] }
            #expect(report.isJanitor && report.reaped == 1)
            let again = try await bench.claim(1, from: other)
            #expect(try again[0].message.properties.redelivered)
            #expect(try again[0].message.headers.custom["apium_crashes"] == 1)
            #expect(again[0].fence > held[0].fence)
            let result = ResultDocument(id: "a", state: .success, result: .string("stale"))
            let refused = try await zombie.complete([Completion(held[0].tag, .done, results: [result], followUps: [Outgoing(Bench.message("x"), to: "q")])])
            #expect(refused == [.taken])
            #expect(try await bench.waiting() == [])
            var events = zombie.events.makeAsyncIterator()
            #expect(await events.next() == .leaseLost)
            await #expect(throws: ApiumError.self) { try await zombie.claim(limit: 1) }
            #expect(try await other.complete([Completion(again[0].tag, .done)]) == [.done])
            try await other.close()
            try await zombie.close()
        }
    }

    @Test("a lost lease is seen beside the janitor, too, and its jobs come back as soon as there is one")
    func deputies() async throws {
        try await Bench.with { bench in
            try await bench.enqueue(["a"])
            let lost = try await bench.session("lost", lease: lease)
            _ = try await bench.claim(1, from: lost)
            lost.suspendRenewal()
            let keys = lost.keys
            // Somebody has the shared duties and does nothing.
            try await bench.redis.send(RedisCommand("SET", keys.janitor, "stopped", "PX", 120_000))
            let deputy = try await bench.session("deputy", lease: lease)
            let report = try await maintain(bench, deputy, until: "the lease is taken") {
                try await bench.redis.send(RedisCommand("ZSCORE", keys.workers, lost.incarnation)) == .null
            }
            #expect(!report.isJanitor && report.reaped == 0)
            #expect(try await bench.waiting() == [])
            try await bench.redis.send(RedisCommand("DEL", keys.janitor))
            let next = try await deputy.maintain()
            #expect(next.isJanitor && next.reaped == 1)
            #expect(try await bench.waiting() == ["a"])
            try await deputy.close()
            try await lost.close()
        }
    }

    @Test("a job whose workers keep dying is quarantined, alone among many")
    func quarantine() async throws {
        try await Bench.with { bench in
            let other = try await bench.session("other", queues: ["none"], lease: lease)
            try await bench.enqueue(["poison"])
            for round in 1...3 {
                let victim = try await bench.session("victim", lease: lease)
                #expect(try await bench.claim(1, from: victim).map(\.id) == ["poison"])
                victim.suspendRenewal()
                _ = try await maintain(bench, other, until: "round \(round)") {
                    let records = try await bench.broker.records(in: .quarantine, limit: 9)
                    let waiting = try await bench.waiting()
                    return round < 3 ? waiting == ["poison"] : records.map(\.id) == ["poison"]
                }
                try await victim.close()
            }
            #expect(try await bench.waiting() == [])
            #expect(try await bench.broker.requeue("poison", from: .quarantine))
            try await other.close()
        }
    }

    @Test("a job that was acknowledged early and lost its worker is dead, and its result says so")
    func acknowledged() async throws {
        try await Bench.with { bench in
            let results = RedisResults(bench.configuration, keyPrefix: bench.options.resultKeyPrefix, logger: Bench.logger)
            try await bench.enqueue(["early"])
            let session = try await bench.session()
            let delivery = try await bench.claim(1, from: session)[0]
            #expect(try await session.acknowledgeEarly([delivery.tag]) == [.done])
            #expect(try await session.acknowledgeEarly([delivery.tag]) == [.alreadyDone])
            try await session.close()
            #expect(try await bench.waiting() == [])
            #expect(try await bench.broker.records(in: .dead, limit: 9).map(\.id) == ["early"])
            let document = try #require(try await results.document(for: "early"))
            #expect(document.state == .failure)
            #expect(JobFailure(value: document.result)?.type == "WorkerLostError")
            await results.shutdown()
        }
    }

    @Test("a result backend that is away keeps the jobs that must be told there, and holds up no other worker's")
    func backendAway() async throws {
        try await Bench.with { bench in
            let away = RedisResults(RedisConfiguration(address: .tcp(host: "127.0.0.1", port: 1)), options: RedisResultOptions(), logger: Bench.logger)
            let broker = RedisBroker(bench.configuration, options: bench.options, results: away, logger: Bench.logger)
            let (early, plain) = (try await bench.session("early", lease: lease), try await bench.session("plain", lease: lease))
            try await bench.enqueue(["early"])
            _ = try await early.acknowledgeEarly(try await bench.claim(1, from: early).map(\.tag))
            try await bench.enqueue(["plain"])
            _ = try await bench.claim(1, from: plain)
            early.suspendRenewal()
            plain.suspendRenewal()
            let janitor = try await broker.open(WorkerIdentity(name: "janitor@host", pid: 1, queues: ["none"], lease: lease))
            try await bench.eventually("the other worker's job is back") {
                _ = try? await janitor.maintain()
                return try await bench.waiting() == ["plain"]
            }
            #expect(try await bench.broker.records(in: .dead, limit: 9).isEmpty)
            // A janitor that reaches the backend goes on where this one stopped.
            try await janitor.close()
            let next = try await bench.session("next", queues: ["none"], lease: lease)
            try await bench.eventually("the lost job is told") {
                _ = try await next.maintain()
                return try await bench.broker.records(in: .dead, limit: 9).map(\.id) == ["early"]
            }
            #expect(try await bench.results.document(for: "early")?.state == .failure)
            try await next.close()
            await broker.shutdown()
            await away.shutdown()
        }
    }

    @Test("every connection may be cut at any time: nothing is lost and nothing runs beside itself")
    func cuts() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            let ids = Set((0..<300).map { "job-\($0)" })
            let killer = Task {
                while !Task.isCancelled {
                    let list = try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString()
                    for line in list.split(separator: "\n") where line.contains("name=apium:\(session.incarnation):") && Int.random(in: 0..<3) == 0 {
                        guard let id = line.split(separator: " ").first?.dropFirst(3) else { continue }
                        _ = try? await bench.redis.send(RedisCommand("CLIENT", "KILL", "ID", id))
                    }
                    try await Task.sleep(for: .milliseconds(7))
                }
            }
            let sender = Task {
                for chunk in 0..<30 {
                    try await bench.enqueue((0..<10).map { "job-\(chunk * 10 + $0)" })
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            var done: [String] = []
            while done.count < 300 {
                let claim = try await within("a claim under cuts, \(done.count) done") { try await session.claim(limit: 9) }
                #expect(claim.deliveries.count <= 9)
                let outcomes = try await session.complete(claim.deliveries.map { Completion($0.tag, .done) })
                #expect(!outcomes.contains(.taken))
                done += claim.deliveries.map(\.id)
            }
            killer.cancel()
            try await sender.value
            #expect(Set(done) == ids)
            #expect(done.count == 300)
            try await session.close()
            #expect(try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") } == [])
            #expect(try await bench.waiting() == [])
        }
    }

    @Test("due jobs are moved to their queues, not before their time")
    func promotion() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            try await bench.enqueue(["soon"], after: .milliseconds(150))
            try await bench.enqueue(["urgent"], priority: 9, after: .milliseconds(100))
            try await bench.enqueue(["never"], after: .seconds(1000))
            let start = ContinuousClock.now
            let report = try await maintain(bench, session, until: "both are due") {
                let urgent = try await bench.waiting(step: 9)
                return try await bench.waiting() == ["soon"] && urgent == ["urgent"]
            }
            #expect(ContinuousClock.now - start >= .milliseconds(140))
            #expect(report.promoted == 2)
            #expect(try await bench.broker.scheduledCount() == 1)
            try await session.close()
        }
    }

    @Test("revokes change the epoch and reach sessions by push")
    func revokes() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            #expect(try await session.control() == ControlState(epoch: 0, revoked: []))
            try await bench.broker.revoke(["x", "y"])
            let event = try await within("the push") { () -> SessionEvent? in
                for await event in session.events { return event }
                return nil
            }
            #expect(event == .controlChanged(epoch: 1))
            #expect(try await session.control() == ControlState(epoch: 1, revoked: ["x", "y"], terminated: ["x", "y"]))
            try await bench.enqueue(["a"])
            #expect(try await session.claim(limit: 1).controlEpoch == 1)
            try await session.close()
        }
    }

    @Test("a newer layout on the server is refused")
    func version() async throws {
        try await Bench.with { bench in
            try await bench.redis.send(RedisCommand("SET", bench.broker.keys.version, 2))
            let error = await #expect(throws: ApiumError.self) { try await bench.session() }
            #expect(error?.code == .notAvailable)
            #expect(try await bench.keyNames() == ["apium:version"])
        }
    }
}

@Suite("Firing slots on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct SlotTests {
    @Test("the ledger of an entry and the audit are bounded, and an entry's records end after it has left")
    func bounds() async throws {
        try await Bench.with { bench in
            let (broker, keys) = (bench.broker, bench.broker.keys)
            let edition = ScheduleEdition(generation: 5, revision: 0)
            _ = try await broker.adopt(ScheduleAdoption(edition: edition, entries: ["e": .init(version: "1")]))
            let first = try await broker.serverTime() + .seconds(-5_000)
            var slot = ScheduledSlot(
                entry: "e", edition: edition, version: "1", instant: first, mark: nil, action: .fire(Outgoing(Bench.message("j"), to: "q")))
            for number in 1...1_500 {
                #expect(try await broker.fire(slot) == .done)
                slot.mark = slot.instant
                slot.instant = first + .seconds(Int64(number))
            }
            let records = try await broker.ledger(LedgerQuery(limit: 10_000))
            #expect((SlotRecord.kept...SlotRecord.kept + 200).contains(records.count), "\(records.count) records are kept")
            #expect(records.first?.slot == slot.mark)
            #expect(try await bench.redis.send(RedisCommand("TTL", keys.beatLedger("e"))) == .integer(-1))
            _ = try await broker.adopt(ScheduleAdoption(edition: edition, entries: [:]))
            #expect(try await bench.redis.send(RedisCommand("TTL", keys.beatLedger("e"))).int ?? 0 > 29 * 86_400)
            for _ in 0..<1_300 { _ = try await broker.edit([ScheduleEdit(entry: "e", before: nil, after: nil)], by: ScheduleEditor("t", action: "run")) }
            let audit = try await broker.scheduleAudit(entry: nil, limit: 10_000)
            #expect((ScheduleAuditRecord.kept...ScheduleAuditRecord.kept + 200).contains(audit.count), "\(audit.count) lines are kept")
        }
    }
}
