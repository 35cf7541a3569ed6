import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

/// What the laws of brokers don't see: the keys, the cost, restarts.
@Suite("Limits on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct HoldTests {
    private let lease = Duration.milliseconds(600)

    private func admit(_ deliveries: [Delivery], _ targets: [HoldTarget], by session: RedisSession) async throws -> [AdmissionOutcome] {
        try await session.admit(
            deliveries.map { delivery in
                let message = try delivery.message
                return Admission(
                    delivery.tag, id: message.id, targets: targets, isReturning: !message.waitedFor.isEmpty || message.properties.redelivered,
                    payload: message.waiting(for: targets, fence: delivery.fence).encoded())
            })
    }

    private func end(_ deliveries: [Delivery], by session: RedisSession) async throws -> [CompletionOutcome] {
        try await session.complete(
            deliveries.map { delivery in
                var completion = Completion(delivery.tag, .done)
                completion.holds.givesBack = true
                return completion
            })
    }

    @Test("nothing is left of limits when the jobs have ended and the limits are cleared")
    func keys() async throws {
        try await Bench.with { bench in
            let before = Set(try await bench.keyNames())
            try await bench.broker.setLimit(Limit(rate: .perSecond(1000, burst: 5), concurrency: 2), on: .queue("q"))
            let session = try await bench.session()
            try await bench.enqueue((0..<20).map { "job-\($0)" })
            var ran: [String] = []
            try await bench.eventually("all have run") {
                _ = try await session.maintain()
                guard try await bench.broker.queueLength("q") > 0 else { return ran.count == 20 }
                let claimed = try await session.claim(limit: 4).deliveries
                let outcomes = try await admit(claimed, [.queue("q")], by: session)
                let admitted = zip(claimed, outcomes).filter { $0.1 == .admitted }.map(\.0)
                #expect(try await end(admitted, by: session).allSatisfy { $0 == .done })
                ran += admitted.map(\.id)
                return ran.count == 20
            }
            #expect(ran == (0..<20).map { "job-\($0)" })
            try await bench.broker.setLimit(nil, on: .queue("q"))
            #expect(try await !bench.keyNames().contains("apium:limits"))
            try await bench.eventually("the bucket is full again, and nobody is looked for") {
                _ = try await session.maintain()
                return Set(try await bench.keyNames()).isDisjoint(with: ["apium:limit:queue:q", "apium:waiting"])
            }
            try await session.close()
            let left = Set(try await bench.keyNames()).subtracting(before)
            #expect(left.filter { name in ["limit", "permit", "waiting", "holds", "held", "paused"].contains { name.contains($0) } } == [])
        }
    }

    @Test("a long line moves to another one a part at a time, and in order")
    func movingLines() async throws {
        try await Bench.with { bench in
            let (type, key) = (HoldTarget.job("t"), HoldTarget.key(LimitKey("host", "a")))
            let keys = bench.broker.keys
            _ = try await bench.broker.pause(type)
            let session = try await bench.session()
            let ids = (0..<500).map { "job-\($0)" }
            try await bench.enqueue(ids)
            _ = try await admit(try await bench.claim(500, from: session), [type, key], by: session)
            let held = try await bench.redis.send(RedisCommand("HGETALL", keys.held)).asPairs().map { [$0.0.string, $0.1.string] }
            #expect(held == [[keys.ready("q", step: 0), "500"]])
            _ = try await bench.broker.pause(key)
            _ = try await bench.broker.resume(type)
            func lengths() async throws -> [Int?] {
                try await bench.broker.client.replies([RedisCommand("LLEN", keys.waiting(type)), RedisCommand("LLEN", keys.waiting(key))]).map(\.int)
            }
            for left in [300, 100, 0] {
                let answer = try await bench.redis.send(.eval(RedisScripts.release, keys: [keys.waiting], 50)).asArray()
                #expect(try await lengths() == [left, 500 - left])
                #expect(left == 0 || answer[1].int.map { $0 < 1000 } == true, "what is left is looked at again at once")
            }
            let waiting = try await bench.broker.waitingJobs(on: key, limit: 500).map { try Message(decoding: $0.payload).id }
            #expect(waiting == ids)
            let first = try await bench.broker.waitingJobs(on: key, limit: 1)[0]
            #expect(try await bench.broker.move(WaitingMessage(.held(key), queue: first.queue, payload: first.payload, key: first.key), .delete))
            #expect(try await bench.redis.send(RedisCommand("HGET", keys.held, keys.ready("q", step: 0))).asString() == "499")
            try await session.close()
        }
    }

    @Test("what workers of an earlier release have put into a line stands behind those who come back")
    func earlierReleases() async throws {
        try await Bench.with { bench in
            let type = HoldTarget.job("t")
            _ = try await bench.broker.pause(type)
            let session = try await bench.session()
            try await bench.enqueue(["a", "b", "c", "d"])
            for (delivery, isReturning) in zip(try await bench.claim(4, from: session), [false, false, true, true]) {
                var message = try delivery.message
                message.waitedFor = isReturning ? [] : [type]
                let payload = (isReturning ? message.waiting(for: [type], fence: delivery.fence) : message).encoded()
                let asked = Admission(delivery.tag, id: message.id, targets: [type], isReturning: isReturning, payload: payload)
                #expect(try await session.admit([asked]) == [.waiting(on: type)])
            }
            let waiting = try await bench.broker.waitingJobs(on: type, limit: 9).map { try Message(decoding: $0.payload).id }
            #expect(waiting == ["c", "d", "a", "b"])
            try await session.close()
        }
    }

    @Test("limits of others cost a job's claim and end no command")
    func cost() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        func calls(limited: Bool) async throws -> [String: Int] {
            try await Bench.with(on: server.configuration) { bench in
                if limited {
                    try await bench.broker.setLimit(.concurrency(1), on: .job("other.job"))
                    try await bench.broker.setLimit(.concurrency(1), on: .eachKey("host"))
                    _ = try await bench.broker.pause(.queue("other"))
                }
                let session = try await bench.session()
                _ = try await session.control()
                try await bench.enqueue((0..<50).map { "job-\($0)" })
                try await bench.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
                let claimed = try await bench.claim(50, from: session)
                _ = try await session.complete(claimed.map { Completion($0.tag, .done) })
                let text = try await bench.redis.send(RedisCommand("INFO", "commandstats")).asString()
                try await session.close()
                return CommandCounts.of(text)
            }
        }
        let (free, limited) = (try await calls(limited: false), try await calls(limited: true))
        // Renewals, and how many reads wait at the end, are a matter of time.
        for command in ["lmove", "hset", "exists", "setrange", "hget", "zadd", "lpush", "get"] {
            #expect(free[command] == limited[command], "\(command)")
        }
    }

    @Test("what a shelf holds beyond its bounds goes with the locks of its jobs, in one step")
    func trimming() async throws {
        try await Bench.with(change: { $0.shelfLimit = 1 }) { bench in
            let session = try await bench.session()
            var jobs: [Outgoing] = []
            for id in ["a", "b", "c", "d"] {
                var message = Bench.message(id)
                let lock = UniqueLock(key: "lock-\(id)", scope: .ended)
                message.uniqueLock = lock
                var job = Outgoing(message, to: "q")
                job.conditions.lock = lock
                jobs.append(job)
            }
            try await bench.broker.enqueue(jobs)
            for delivery in try await bench.claim(4, from: session) {
                let record = ShelvedRecord(
                    id: delivery.id, task: "t", queue: "q", reason: "r", at: .now(), attempts: 0, payload: delivery.payload)
                #expect(try await session.complete([Completion(delivery.tag, .shelve(.parked, record))]) == [.done])
            }
            // One of the locks is another job's by now, and one record is no message.
            try await bench.redis.send(RedisCommand("SET", bench.broker.keys.unique("lock-b"), "other"))
            let broken = ShelvedRecord(id: "c", task: nil, queue: "q", reason: "r", at: .now(), attempts: 0, payload: [0xFF])
            let before = try #require(try await bench.broker.record("c", in: .parked))
            #expect(try await bench.broker.replace(before, with: broken, in: .parked))
            _ = try await session.maintain()
            try await bench.eventually("three are gone") {
                _ = try await session.maintain()
                return try await bench.broker.records(in: .parked, limit: 9).map(\.id) == ["d"]
            }
            let locks = try await bench.broker.uniqueLocks(limit: 9).map { "\($0.key) \($0.id)" }
            #expect(locks == ["lock-b other", "lock-c c", "lock-d d"])
            try await session.close()
        }
    }

    @Test("limits, pauses and who waits survive a restart of the server")
    func restart() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            try await bench.broker.setLimit(.concurrency(1), on: .queue("q"))
            _ = try await bench.broker.pause(.job("some.job"))
            let first = try await bench.session()
            try await bench.enqueue(["a", "b", "c"])
            let claimed = try await bench.claim(3, from: first)
            #expect(try await admit(claimed, [.queue("q")], by: first) == [.admitted, .waiting(on: .queue("q")), .waiting(on: .queue("q"))])
            server.kill()
            try await server.run()
            #expect(try await end([claimed[0]], by: first) == [.done])
            let next = try await bench.claim(1, from: first)
            #expect(next.map(\.id) == ["b"])
            #expect(try await admit(next, [.queue("q")], by: first) == [.admitted])
            let known = try await first.control().holds
            #expect(known.paused == [.job("some.job")])
            #expect(known.limits == [.queue("q"): .concurrency(1)])
            #expect(try await bench.broker.waitingJobs(on: .queue("q"), limit: 10).count == 1)
            try await first.close()
        }
    }

    @Test("a job that was let go and is deleted with its queue holds up the others for no longer than its reservation")
    func lostReservation() async throws {
        try await Bench.with { bench in
            try await bench.broker.setLimit(.concurrency(1), on: .queue("q"))
            let session = try await bench.session()
            try await bench.enqueue(["a", "b", "c"])
            let claimed = try await bench.claim(3, from: session)
            _ = try await admit(claimed, [.queue("q")], by: session)
            _ = try await end([claimed[0]], by: session)
            #expect(try await bench.broker.purge("q") == 1)
            let permits = bench.broker.keys.permits(.queue("q"))
            #expect(try await bench.redis.send(RedisCommand("ZRANGE", permits, 0, -1)).asArray().map { try $0.asString() } == ["rb"])
            // Time passes.
            try await bench.redis.send(RedisCommand("ZADD", permits, 1, "rb"))
            try await bench.redis.send(RedisCommand("ZADD", bench.broker.keys.waiting, 1, "queue:q"))
            try await bench.eventually("the next is let go") {
                _ = try await session.maintain()
                return try await bench.waiting() == ["c"]
            }
            try await session.close()
        }
    }

    @Test("a job that is let go while the key of its queue is no list stays first in its line, and nothing is taken for it")
    func wrongKey() async throws {
        try await Bench.with { bench in
            try await bench.broker.setLimit(.concurrency(1), on: .queue("q"))
            let session = try await bench.session()
            try await bench.enqueue(["a", "b", "c"])
            let claimed = try await bench.claim(3, from: session)
            #expect(try await admit(claimed, [.queue("q")], by: session).first == .admitted)
            let list = bench.broker.keys.ready("q", step: 0)
            try await bench.redis.send(RedisCommand("SET", list, "text"))
            #expect(try await end([claimed[0]], by: session) == [.done])
            #expect(try await bench.keyNames().filter { $0.hasPrefix("apium:permits") || $0.hasPrefix("apium:limit:") } == [])
            try await bench.redis.send(RedisCommand("DEL", list))
            // Whoever sets a limit has it looked at.
            try await bench.broker.setLimit(.concurrency(2), on: .queue("q"))
            try await bench.eventually("both are let go, in their order") {
                _ = try await session.maintain()
                return try await bench.waiting() == ["b", "c"]
            }
            let again = try await bench.claim(2, from: session)
            #expect(try await admit(again, [.queue("q")], by: session) == [.admitted, .admitted])
            #expect(try await end(again, by: session) == [.done, .done])
            try await session.close()
        }
    }

    @Test("a worker that is lost while it holds permits leaves none, whatever becomes of its jobs")
    func lostWorker() async throws {
        try await Bench.with { bench in
            try await bench.broker.setLimit(.concurrency(3), on: .queue("q"))
            let victim = try await bench.session("victim", lease: lease)
            try await bench.enqueue(["a", "b", "c", "d"])
            let held = try await bench.claim(4, from: victim)
            _ = try await admit(held, [.queue("q")], by: victim)
            _ = try await victim.acknowledgeEarly([held[1].tag])
            _ = try await end([held[2]], by: victim)
            victim.suspendRenewal()
            let other = try await bench.session("other", lease: lease)
            try await bench.eventually("the jobs are back") {
                _ = try await other.maintain()
                return Set(try await bench.waiting()) == ["a", "d"]
            }
            #expect(try await bench.broker.records(in: .dead, limit: 10).map(\.id) == ["b"])
            let again = try await bench.claim(2, from: other)
            #expect(try await admit(again, [.queue("q")], by: other) == [.admitted, .admitted])
            #expect(try await end(again, by: other) == [.done, .done])
            #expect(try await bench.keyNames().filter { $0.hasPrefix("apium:permits") || $0.hasPrefix("apium:holds") } == [])
            try await other.close()
            try await victim.close()
        }
    }
}

/// How often each command was called, from INFO commandstats.
private enum CommandCounts {
    static func of(_ text: String) -> [String: Int] {
        var counts: [String: Int] = [:]
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("cmdstat_") {
            let parts = line.dropFirst(8).split(separator: ":calls=")
            if parts.count == 2 { counts[String(parts[0])] = Int(parts[1].prefix { $0.isNumber }) }
        }
        return counts
    }
}
