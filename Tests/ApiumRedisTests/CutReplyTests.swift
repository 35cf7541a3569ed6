import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

// On a server of their own: a script that another test makes the server forget would cost one more reply, which is swallowed too.
@Suite("Cut replies on Redis", .enabled(if: Bench.url != nil && OwnServer.path != nil), .timeLimit(.minutes(2)))
struct CutReplyTests {
    /// Runs `body` with a bench and a session whose connections go through a proxy.
    private func withProxy(leavesNothing: Bool = true, _ body: @Sendable (Bench, CuttingProxy, RedisSession) async throws -> Void) async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            let proxy = try await CuttingProxy.start(for: bench.configuration)
            let broker = RedisBroker(proxy.configuration, options: bench.options, logger: Bench.logger)
            let session = try await broker.open(WorkerIdentity(name: "w@host", pid: 1, queues: ["q"], lease: .seconds(5)))
            do {
                try await body(bench, proxy, session)
            } catch {
                await broker.shutdown()
                await proxy.stop()
                throw error
            }
            try await session.close()
            let left = try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") }
            #expect(left == [] || !leavesNothing)
            await broker.shutdown()
            await proxy.stop()
        }
    }

    @Test("a claim whose reply was cut gets the very jobs that the server had moved")
    func claim() async throws {
        try await withProxy { bench, proxy, session in
            // The connections are there, and the list is known to hold something.
            try await bench.enqueue(["warm", "a", "b", "c"])
            _ = try await session.complete(try await bench.claim(1, from: session, limit: 1).map { Completion($0.tag, .done) })
            proxy.swallowReplies()
            let claim = Task { try await bench.claim(3, from: session) }
            try await bench.eventually("the server moved the jobs") { try await bench.broker.queueLength("q") == 0 }
            await proxy.cut()
            let deliveries = try await claim.value
            #expect(deliveries.map(\.id) == ["a", "b", "c"])
            #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done, .done, .done])
        }
    }

    @Test("a waiting read that lives on at the server moves nothing behind our back")
    func waiting() async throws {
        try await withProxy { bench, proxy, session in
            let claim = Task { try await bench.claim(1, from: session, limit: 1) }
            try await bench.eventually("it waits") {
                let list = try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString()
                return list.split(separator: "\n").filter { $0.contains("apium:\(session.incarnation):wait") && $0.contains("cmd=blmove") }.count == 4
            }
            await proxy.cut()
            try await bench.eventually("it waits again, and only once for each list") {
                let list = try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString()
                return list.split(separator: "\n").filter { $0.contains("apium:\(session.incarnation):wait") && $0.contains("cmd=blmove") }.count == 4
            }
            try await bench.enqueue(["a"])
            let deliveries = try await claim.value
            #expect(deliveries.map(\.id) == ["a"])
            #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done])
        }
    }

    @Test("a completion whose reply was cut is repeated, and its follow-up is sent once")
    func completion() async throws {
        try await withProxy { bench, proxy, session in
            // The server knows the scripts.
            try await bench.enqueue(["warm", "a"])
            _ = try await session.complete(try await bench.claim(1, from: session).map { Completion($0.tag, .done) })
            let delivery = try await bench.claim(1, from: session)[0]
            proxy.swallowReplies()
            let completing = Task { try await session.complete([Completion(delivery.tag, .done, followUps: [Outgoing(Bench.message("next"), to: "n")])]) }
            try await bench.eventually("the server ended it") { try await bench.broker.queueLength("n") == 1 }
            await proxy.cut()
            #expect(try await completing.value == [.alreadyDone])
            #expect(try await bench.broker.queueLength("n") == 1)
        }
    }

    /// What a completion may do with a message, and where it is to be found then: once.
    enum Ending: CaseIterable {
        case retry, requeue, shelf

        func completion(of delivery: Delivery) throws -> Completion {
            let message = try delivery.message
            switch self {
            case .retry: return Completion(delivery.tag, .schedule(message, queue: "q", after: .seconds(1000)))
            case .requeue: return Completion(delivery.tag, .requeue(message, queue: "again"))
            case .shelf:
                let record = ShelvedRecord(id: "a", task: nil, queue: "q", reason: "r", at: .now(), attempts: 1, payload: delivery.payload)
                return Completion(delivery.tag, .shelve(.dead, record))
            }
        }

        func count(in bench: Bench) async throws -> Int {
            switch self {
            case .retry: try await bench.broker.scheduledCount()
            case .requeue: try await bench.broker.queueLength("again")
            case .shelf: try await bench.broker.records(in: .dead, limit: 9).count
            }
        }
    }

    @Test("a job that is retried, released or set aside is so once, though the reply was cut", arguments: Ending.allCases)
    func ending(_ ending: Ending) async throws {
        try await withProxy { bench, proxy, session in
            try await bench.enqueue(["warm", "a"])
            _ = try await session.complete(try await bench.claim(1, from: session).map { Completion($0.tag, .done) })
            let completion = try ending.completion(of: try await bench.claim(1, from: session)[0])
            proxy.swallowReplies()
            let completing = Task { try await session.complete([completion]) }
            try await bench.eventually("the server ended it") { try await ending.count(in: bench) == 1 }
            await proxy.cut()
            #expect(try await completing.value == [.alreadyDone])
            #expect(try await ending.count(in: bench) == 1)
            #expect(try await bench.broker.queueLength("q") == 0)
        }
    }

    @Test("an early acknowledgement whose reply was cut holds")
    func acknowledgement() async throws {
        try await withProxy { bench, proxy, session in
            try await bench.enqueue(["warm", "a"])
            let warm = try await bench.claim(1, from: session)[0]
            _ = try await session.acknowledgeEarly([warm.tag])
            _ = try await session.complete([Completion(warm.tag, .done)])
            let delivery = try await bench.claim(1, from: session)[0]
            let marks = RedisCommand("GET", bench.broker.keys.marks(session.incarnation, delivery.tag.batch))
            proxy.swallowReplies()
            let acknowledging = Task { try await session.acknowledgeEarly([delivery.tag]) }
            try await bench.eventually("the server marked it") { try await bench.redis.send(marks).string?.contains("a") ?? false }
            await proxy.cut()
            #expect(try await acknowledging.value == [.alreadyDone])
            #expect(try await session.complete([Completion(delivery.tag, .done)]) == [.done])
        }
    }

    @Test("a renewal that hangs is given up early enough to renew over a new connection before the lease ends")
    func renewal() async throws {
        try await withProxy { bench, proxy, session in
            let beat = RedisCommand("ZSCORE", bench.broker.keys.workers, session.incarnation)
            try await bench.eventually("it renews") { try await bench.redis.send(beat).int ?? 0 > 1 }
            proxy.swallowRequests()
            let start = ContinuousClock.now
            let before = try await bench.redis.send(beat).int ?? 0
            // One may have been under way.
            try await bench.eventually("it renews again") { try await bench.redis.send(beat).int ?? 0 > before + 1 }
            #expect(ContinuousClock.now - start < .seconds(5))
            await proxy.cut()
            try await bench.eventually("the other connections are back") { (try? await session.control()) != nil }
        }
    }

    @Test("a message that a blocked read brought to a worker which died idle comes back as it was, without a crash")
    func idle() async throws {
        // A reaped worker's register is kept for seven days.
        try await withProxy(leavesNothing: false) { bench, proxy, session in
            let claim = Task { try await session.claim(limit: 1) }
            try await bench.eventually("it waits") {
                let list = try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString()
                return list.split(separator: "\n").filter { $0.contains("apium:\(session.incarnation):wait") && $0.contains("cmd=blmove") }.count == 4
            }
            proxy.swallowReplies()
            session.suspendRenewal()
            try await bench.enqueue(["parked"])
            try await bench.eventually("the server moved the job") { try await bench.broker.queueLength("q") == 0 }
            let other = try await bench.session("other", queues: ["none"])
            try await bench.eventually("the job is back on its queue") {
                _ = try await other.maintain()
                return try await bench.broker.queueLength("q") == 1
            }
            await proxy.cut()
            _ = await claim.result
            let last = try await bench.session("last")
            let message = try await bench.claim(1, from: last)[0].message
            #expect(message.id == "parked" && message.crashes == 0 && !message.properties.redelivered)
            try await last.close()
            try await other.close()
        }
    }
}
