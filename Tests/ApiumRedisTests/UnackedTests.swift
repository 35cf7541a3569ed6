import ApiumCore
import DynamicJSON
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("What kombu's consumers left in unacked", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct UnackedTests {
    /// What a kombu consumer writes when it takes a message, so many seconds ago.
    private func hold(_ tag: String, _ value: [UInt8], secondsAgo: Int64, in bench: Bench) async throws {
        let taken = try await bench.broker.serverTime().microseconds / 1_000_000 - secondsAgo
        _ = try await bench.redis.send(RedisCommand("ZADD", bench.broker.keys.kombu("unacked_index"), taken, tag))
        _ = try await bench.redis.send(RedisCommand("HSET", bench.broker.keys.kombu("unacked"), tag, value))
    }

    private func held(_ id: String, priority: Int = 0, exchange: String = "", routingKey: String = "q") throws -> [UInt8] {
        let envelope = try JSONValue(parsing: Bench.message(id, priority: priority).encoded())
        return JSONValue.array([envelope, .string(exchange), .string(routingKey)]).encoded()
    }

    private func round(_ bench: Bench) async throws -> Int { try await UnackedRestorer(broker: bench.broker, token: "me").round() }

    private func left(_ bench: Bench) async throws -> [String] {
        let tags = try await bench.redis.send(RedisCommand("ZRANGE", bench.broker.keys.kombu("unacked_index"), 0, -1)).asArray()
        return try tags.map { try $0.asString() }
    }

    @Test("what is older than the visibility timeout goes to the front, the oldest first and marked; what is younger stays")
    func restored() async throws {
        try await Bench.with { bench in
            try await bench.enqueue(["waiting"])
            try await hold("t1", try held("oldest"), secondsAgo: 3900, in: bench)
            try await hold("t2", try held("old"), secondsAgo: 3700, in: bench)
            try await hold("t3", try held("young"), secondsAgo: 3500, in: bench)
            try await hold("t4", try held("urgent", priority: 9), secondsAgo: 3800, in: bench)
            #expect(try await round(bench) == 3)
            #expect(try await bench.waiting() == ["oldest", "old", "waiting"])
            #expect(try await bench.waiting(step: 9) == ["urgent"])
            #expect(try await left(bench) == ["t3"])
            #expect(try await bench.redis.send(RedisCommand("HKEYS", bench.broker.keys.kombu("unacked"))).asArray().map { try $0.asString() } == ["t3"])
            #expect(try await bench.redis.send(RedisCommand("EXISTS", bench.broker.keys.kombu("unacked_mutex"))) == .integer(0))
            let session = try await bench.session()
            let deliveries = try await bench.claim(4, from: session)
            let redelivered = try Dictionary(uniqueKeysWithValues: deliveries.map { ($0.id, try $0.message.properties.redelivered) })
            #expect(redelivered == ["oldest": true, "old": true, "urgent": true, "waiting": false])
            #expect(try await round(bench) == 0)
            try await session.close()
        }
    }

    @Test("a session that is janitor restores them, more than fit one step, in order and once")
    func janitor() async throws {
        try await Bench.with { bench in
            for number in 0..<250 { try await hold("t\(number)", try held("job-\(number)"), secondsAgo: 10_000 - Int64(number), in: bench) }
            let session = try await bench.session(queues: ["none"])
            var restored = 0
            try await bench.eventually("all are restored") {
                restored += try await session.maintain().restored
                return try await bench.broker.queueLength("q") >= 250
            }
            #expect(restored == 250)
            #expect(try await bench.waiting() == (0..<250).map { "job-\($0)" })
            try await session.close()
        }
    }

    @Test("nothing is touched while another has kombu's lock")
    func locked() async throws {
        try await Bench.with { bench in
            try await hold("t1", try held("a"), secondsAgo: 4000, in: bench)
            let mutex = bench.broker.keys.kombu("unacked_mutex")
            _ = try await bench.redis.send(RedisCommand("SET", mutex, "a Python worker's"))
            #expect(try await round(bench) == 0)
            #expect(try await left(bench) == ["t1"])
            #expect(try await bench.redis.send(RedisCommand("GET", mutex)).asString() == "a Python worker's")
            _ = try await bench.redis.send(RedisCommand("DEL", mutex))
            #expect(try await round(bench) == 1)
        }
    }

    @Test("a delivery that its consumer has acknowledged or put back meanwhile stays as it is, and so does all without the lock")
    func changed() async throws {
        try await Bench.with { bench in
            let keys = bench.broker.keys
            let value = try held("a")
            try await hold("t1", value, secondsAgo: 4000, in: bench)
            let names = [keys.kombu("unacked"), keys.kombu("unacked_index"), keys.kombu("unacked_mutex")]
            func restore(_ read: [UInt8]) async throws -> RESPValue {
                var command = RedisCommand.eval(RedisScripts.restore, keys: names, "me", 1)
                command.append(contentsOf: [Array("t1".utf8), read, Array("1".utf8), Array("push".utf8), Array(keys.ready("q", step: 0).utf8)])
                command.append(Bench.message("a").encoded())
                return try await bench.redis.send(command)
            }
            #expect(try await restore(value) == .integer(0))
            _ = try await bench.redis.send(RedisCommand("SET", names[2], "me"))
            #expect(try await restore(Array("what it was before".utf8)) == .integer(0))
            #expect(try await bench.broker.queueLength("q") == 0)
            #expect(try await restore(value) == .integer(1))
            #expect(try await restore(value) == .integer(0))
            #expect(try await bench.waiting() == ["a"])
        }
    }

    @Test("a message to a named exchange goes to the queues that are bound; without one it stays, and holds up no other")
    func exchanges() async throws {
        try await Bench.with { bench in
            let keys = bench.broker.keys
            for queue in ["one", "two"] {
                let binding = QueueBinding(exchange: "media", routingKey: "image", queue: queue)
                _ = try await bench.redis.pipeline(keys.bindCommands(binding))
            }
            try await hold("t1", try held("a", exchange: "media", routingKey: "image"), secondsAgo: 4000, in: bench)
            try await hold("t2", try held("b", exchange: "media", routingKey: "sound"), secondsAgo: 4100, in: bench)
            try await hold("t3", try held("c"), secondsAgo: 4200, in: bench)
            #expect(try await round(bench) == 2)
            #expect(try await bench.waiting("one") == ["a"])
            #expect(try await bench.waiting("two") == ["a"])
            #expect(try await bench.waiting() == ["c"])
            #expect(try await left(bench) == ["t2"])
        }
    }

    @Test("what can't be read is parked, an index without a message is removed, and a queue that is no list keeps its delivery")
    func odd() async throws {
        try await Bench.with { bench in
            try await hold("bad", Array("[{}, 1".utf8), secondsAgo: 4000, in: bench)
            try await hold("gone", try held("x"), secondsAgo: 4000, in: bench)
            _ = try await bench.redis.send(RedisCommand("HDEL", bench.broker.keys.kombu("unacked"), "gone"))
            try await hold("stuck", try held("y", routingKey: "text"), secondsAgo: 4000, in: bench)
            _ = try await bench.redis.send(RedisCommand("SET", bench.broker.keys.ready("text", step: 0), "a text"))
            try await hold("good", try held("z"), secondsAgo: 4000, in: bench)
            #expect(try await round(bench) == 3)
            #expect(try await left(bench) == ["stuck"])
            #expect(try await bench.waiting() == ["z"])
            let record = try #require(try await bench.broker.records(in: .parked, limit: 10).first)
            #expect(record.id == "unacked-bad" && record.payload == Array("[{}, 1".utf8))
        }
    }

    @Test("without a visibility timeout nothing is restored")
    func turnedOff() async throws {
        try await Bench.with(change: { $0.unacked.visibilityTimeout = nil }) { bench in
            try await hold("t1", try held("a"), secondsAgo: 1_000_000, in: bench)
            #expect(try await round(bench) == 0)
        }
    }

    @Test("the names of the keys are the options'")
    func names() async throws {
        try await Bench.with(change: { $0.unacked.hash = "mine" }) { bench in
            try await hold("t1", try held("a"), secondsAgo: 4000, in: bench)
            _ = try await bench.redis.send(RedisCommand("RENAME", bench.broker.keys.kombu("unacked"), bench.broker.keys.kombu("mine")))
            #expect(try await round(bench) == 1)
        }
    }
}
