import ApiumCore
import Foundation
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Enqueueing on Redis", .serialized, .enabled(if: Bench.url != nil))
struct EnqueueTests {
    private func outgoing(_ id: String, to queue: String = "q", once time: Duration? = nil, limit: Int? = nil) -> Outgoing {
        var outgoing = Outgoing(Bench.message(id), to: queue)
        outgoing.conditions = EnqueueConditions(onceWithin: time, queueLimit: limit)
        return outgoing
    }

    @Test("only queues that have a limit, and calls that ask, pay for it")
    func costOnlyForThoseWhoAsk() async throws {
        try await Bench.with(change: { $0.queueLimits = ["small": 2] }) { bench in
            let routes = ExchangeRoutes()
            #expect(try !bench.broker.isConditional([outgoing("a")], routes))
            #expect(try bench.broker.isConditional([outgoing("a"), outgoing("b", to: "small")], routes))
            #expect(try bench.broker.isConditional([outgoing("a", once: .seconds(1))], routes))
            try await bench.broker.enqueue([outgoing("a")])
            #expect(try await bench.keyNames() == ["q"])
        }
    }

    @Test("a queue's own limit holds, also for messages by way of an exchange, and a call may have its own")
    func ownLimits() async throws {
        try await Bench.with(change: {
            $0.queueLimits = ["small": 2]
            $0.declaredBindings = [
                QueueBinding(exchange: "news", routingKey: "k", queue: "small"), QueueBinding(exchange: "news", routingKey: "k", queue: "large"),
            ]
        }) { bench in
            try await bench.broker.enqueue([outgoing("a", to: "small"), outgoing("b", to: "small")])
            var published = outgoing("c", to: "k")
            published.exchange = "news"
            let full = QueueFull(queue: "small", limit: 2, length: 2)
            let refusal = await #expect(throws: QueueFull.self) { try await bench.broker.enqueue([published]) }
            #expect(refusal == full)
            #expect(try await bench.broker.queueLength("large") == 0)
            try await bench.broker.enqueue([outgoing("c", to: "small", limit: 3)])
            #expect(try await bench.waiting("small") == ["a", "b", "c"])
        }
    }

    @Test("an id that is known has a key with an end, and a queue that expires begins its time again")
    func keysEnd() async throws {
        try await Bench.with(change: { $0.declaredBindings = [QueueBinding(exchange: "q", routingKey: "q", queue: "q", expires: .seconds(50))] }) { bench in
            try await bench.broker.enqueue([outgoing("a", once: .seconds(100))])
            #expect(try await bench.keyNames() == ["apium:known:a", "q"])
            let ends = try await bench.redis.send(RedisCommand("PTTL", bench.broker.keys.known("a"))).asInt()
            #expect((1...100_000).contains(ends))
            let queueEnds = try await bench.redis.send(RedisCommand("PTTL", bench.broker.keys.ready("q", step: 0))).asInt()
            #expect((1...50_000).contains(queueEnds))
        }
    }

    @Test("of 2,500 messages in one call each is decided for itself, in order")
    func largeBulk() async throws {
        try await Bench.with { bench in
            let receipt = try await bench.broker.enqueue(
                (0..<2500).map { outgoing("job-\($0)", once: .seconds(100), limit: 2000) }, EnqueueTerms(isAllOrNone: false))
            #expect(receipt.outcomes.prefix(2000).allSatisfy { $0 == .enqueued })
            #expect(receipt.outcomes.dropFirst(2000).allSatisfy { $0 == .refused(QueueFull(queue: "q", limit: 2000, length: 2000)) })
            #expect(try await bench.waiting() == (0..<2000).map { "job-\($0)" })
        }
    }

    @Test("a confirmation is waited for on a connection of its own: others go on meanwhile")
    func waitingHoldsNobodyUp() async throws {
        try await Bench.with(change: { $0.confirmingConnections = 1 }) { bench in
            let slow = outgoing("slow")
            let terms = EnqueueTerms(durability: .replicas(9, within: .seconds(300)))
            let waiting = Task { try await bench.broker.enqueue([slow], terms) }
            try await bench.eventually("the message is there") { try await bench.broker.queueLength("q") == 1 }
            try await within("an enqueue beside it") { try await bench.broker.enqueue([outgoing("quick")]) }
            #expect(try await bench.waiting() == ["slow", "quick"])
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }

    @Test("replicas confirm what they hold, and a confirmation that does not come is said", .enabled(if: OwnServer.path != nil))
    func replicas() async throws {
        let (primary, replica) = (try await OwnServer.start(), try await OwnServer.start())
        defer {
            primary.end()
            replica.end()
        }
        try await Bench.with(on: primary.configuration) { bench in
            let follower = RedisClient(replica.configuration, logger: Bench.logger)
            try await follower.send(RedisCommand("REPLICAOF", "127.0.0.1", primary.port))
            try await bench.eventually("the replica follows") {
                try await follower.send(RedisCommand("INFO", "replication")).asString().contains("master_link_status:up")
            }
            let receipt = try await bench.broker.enqueue([outgoing("a")], EnqueueTerms(durability: .replicas(1, within: .seconds(10))))
            #expect(receipt.confirmation?.replicas == 1 && receipt.confirmation?.isComplete == true)
            #expect(try await follower.send(RedisCommand("LLEN", bench.broker.keys.ready("q", step: 0))).asInt() == 1)
            let missing = try await bench.broker.enqueue([outgoing("b")], EnqueueTerms(durability: .replicas(2, within: .milliseconds(10))))
            #expect(missing.confirmation?.isComplete == false && missing.outcomes == [.enqueued])
            await follower.shutdown()
        }
    }

    @Test(
        "a server with WAITAOF is asked after the write, and what it says stands in the receipt",
        arguments: [(1, 2, true, 2, true), (1, 0, true, 0, false), (0, 2, false, 2, false), (0, 0, false, 0, false)])
    func disk(own: Int, replicas: Int, isOnDisk: Bool, confirmed: Int, isComplete: Bool) async throws {
        let server = DiskServer(own: own, replicas: replicas)
        let configuration = try await server.start()
        let broker = RedisBroker(configuration, logger: Bench.logger)
        for _ in 0..<2 {
            let receipt = try await broker.enqueue([outgoing("a")], EnqueueTerms(durability: .onDisk(replicas: 2, within: .milliseconds(300))))
            #expect(receipt.outcomes == [.enqueued])
            let confirmation = try #require(receipt.confirmation)
            #expect(confirmation.isOnDisk == isOnDisk && confirmation.replicas == confirmed && confirmation.isComplete == isComplete)
        }
        // Asked before, so that a server without it refuses in time; and after, on the same connection.
        let commands = server.seen.withLock { $0.filter { !$0.hasPrefix("CLIENT") } }
        #expect(commands == ["WAITAOF 1", "LPUSH q", "WAITAOF 1", "WAITAOF 1", "LPUSH q", "WAITAOF 1"])
        await broker.shutdown()
        await server.stop()
    }

    @Test("a server that cannot confirm writes to disk refuses them before anything is written")
    func diskNeedsSupport() async throws {
        try await Bench.with { bench in
            // A server that has WAITAOF and no append-only file refuses as well as an old one.
            let aof = try await bench.redis.send(RedisCommand("INFO", "persistence")).asString().contains("aof_enabled:1")
            let known = try await bench.redis.send(RedisCommand("COMMAND", "INFO", "WAITAOF")).asArray().first != .null
            let message = outgoing("a")
            do {
                let receipt = try await bench.broker.enqueue([message], EnqueueTerms(durability: .onDisk()))
                #expect(aof && known && receipt.confirmation?.isOnDisk == true)
            } catch let error as ApiumError {
                #expect(error.code == .notAvailable && !(aof && known))
                #expect(try await bench.broker.queueLength("q") == 0)
            }
        }
    }
}
