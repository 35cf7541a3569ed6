import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Messages in odd places on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct OrphanTests {
    @Test("what a worker that was reaped moves all the same is found by the janitor, should it die at once")
    func movedAfterReap() async throws {
        try await Bench.with { bench in
            let (zombie, other) = (try await bench.session(queues: ["q"]), try await bench.session(queues: ["none"]))
            let keys = bench.broker.keys
            try await bench.enqueue(["a"], queue: "q")
            _ = try await bench.redis.send(
                .eval(RedisScripts.expire, keys: [keys.worker(zombie.incarnation), keys.workers, keys.reaped], zombie.incarnation, ""))
            _ = try await bench.redis.send(RedisCommand("DEL", keys.reaped))
            // The pipeline of a claim that the zombie had sent, and whose replies nobody will read.
            let source = ClaimLoop.Source(list: keys.ready("q", step: 0), batch: 77)
            let replies = try await bench.redis.pipeline(ClaimLoop(session: zombie).moveCommands([source], [1]))
            #expect(replies.last == .integer(-1))
            #expect(try await bench.broker.queueLength("q") == 0)
            try await bench.eventually("the job is back on its queue") {
                _ = try await other.maintain()
                return try await bench.broker.queueLength("q") == 1
            }
        }
    }

    @Test("what a worker that dies while it closes had not given back goes to the front in order, and nobody counts a crash")
    func diedWhileClosing() async throws {
        try await Bench.with { bench in
            let (dying, other) = (try await bench.session(queues: ["q"]), try await bench.session(queues: ["none"]))
            let keys = bench.broker.keys
            try await bench.enqueue(["a", "b", "c"])
            _ = try await bench.claim(1, from: dying) + (try await bench.claim(1, from: dying))
            dying.suspendRenewal()
            // The first step of a close; its process did not come to the second.
            _ = try await bench.redis.pipeline([
                RedisCommand("HSET", keys.flight(dying.incarnation), BatchReturner.closingField, "1"),
                .eval(RedisScripts.expire, keys: [keys.worker(dying.incarnation), keys.workers, keys.reaped], dying.incarnation, ""),
            ])
            try await bench.eventually("the jobs are back") {
                _ = try await other.maintain()
                return try await bench.waiting() == ["a", "b", "c"]
            }
            let next = try await bench.session()
            let messages = try await bench.claim(3, from: next).map { try $0.message }
            #expect(messages.map(\.properties.redelivered) == [true, true, false])
            #expect(messages.allSatisfy { $0.crashes == 0 })
            try await next.close()
            try await other.close()
        }
    }

    @Test("a batch is registered before anything is moved into it, also on a server that has forgotten all scripts")
    func registeredFirst() async throws {
        try await Bench.with { bench in
            let worker = try await bench.session(queues: ["q"])
            let source = ClaimLoop.Source(list: bench.broker.keys.ready("q", step: 0), batch: 77)
            // Other tests make the server know scripts again, or forget them, at any time.
            for _ in 0..<20 {
                let commands = ClaimLoop(session: worker).moveCommands([source], [1])
                try #require(commands.count == 3)
                let replies = try await bench.redis.pipeline([
                    RedisCommand("SCRIPT", "FLUSH"), commands[0], RedisCommand("HGET", bench.broker.keys.flight(worker.incarnation), "77"), commands[1],
                    commands[2],
                ])
                #expect(replies[2].string == source.list)
                #expect(replies[4].array?.count == 2, "the script was sent again")
                try await bench.redis.send(RedisCommand("DEL", bench.broker.keys.flight(worker.incarnation)))
            }
        }
    }

    @Test("a scheduled job whose queue is no list waits, and holds up no other")
    func scheduledForNoList() async throws {
        try await Bench.with { bench in
            let worker = try await bench.session(queues: ["q"])
            _ = try await bench.redis.send(RedisCommand("SET", bench.broker.keys.ready("text", step: 0), "a text"))
            try await bench.broker.enqueue([Outgoing(Bench.message("stuck"), to: "text", after: .milliseconds(1))])
            try await bench.broker.enqueue([Outgoing(Bench.message("free"), to: "q", after: .milliseconds(2))])
            try await bench.eventually("the other job is on its queue") {
                _ = try await worker.maintain()
                return try await bench.broker.queueLength("q") == 1
            }
            #expect(try await bench.broker.scheduledCount() == 1)
        }
    }
}
