import ApiumCore
import DynamicJSON
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Remote control and events on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct ControlTests {
    private func channel(_ bench: Bench, _ rest: String) -> String { "\(bench.options.globalKeyPrefix)/\(bench.configuration.database).\(rest)" }

    @Test("the names of channels are kombu's: database, exchange, routing key, the prefix in front of all")
    func channels() {
        let plain = FanoutChannels(database: 2)
        #expect(plain.channel("celery.pidbox") == "/2.celery.pidbox")
        #expect(plain.channel("celeryev", "task.multi") == "/2.celeryev/task.multi")
        #expect(plain.pattern("celeryev") == "/2.celeryev/*")
        #expect(FanoutChannels(keyPrefix: "pfx:", database: 2).channel("celery.pidbox") == "pfx:/2.celery.pidbox")
        #expect(FanoutChannels(keyPrefix: "a*", fanoutPrefix: "", usesPatterns: false, database: 0).channel("ev", "x") == "a*ev")
        #expect(FanoutChannels(keyPrefix: "a*", fanoutPrefix: "", usesPatterns: false, database: 0).pattern("ev") == #"a\*ev"#)
    }

    @Test("a published request arrives, bytes that are none come as a failure, and what follows them still arrives")
    func requests() async throws {
        try await Bench.with { bench in
            let control = RedisControl(broker: bench.broker)
            let requests = try await control.requests(exchange: "celery.pidbox")
            let name = channel(bench, "celery.pidbox")
            try await bench.redis.send(RedisCommand("PUBLISH", name, "nonsense"))
            try await bench.redis.send(RedisCommand("PUBLISH", name, ControlRequest("ping").envelope(exchange: "celery.pidbox").encoded()))
            let received = try await within("both messages") { () -> [Result<ControlRequest, ApiumError>] in
                var received: [Result<ControlRequest, ApiumError>] = []
                for await request in requests {
                    received.append(request)
                    if received.count == 2 { break }
                }
                return received
            }
            #expect(throws: ApiumError.self) { try received[0].get() }
            #expect(try received[1].get().method == "ping")
        }
    }

    @Test("requests arrive again after the subscriber's connection was ended")
    func reconnects() async throws {
        try await Bench.with { bench in
            let control = RedisControl(broker: bench.broker)
            let requests = try await control.requests(exchange: "celery.pidbox")
            let id = try #require(bench.broker.subscriber.clientID)
            try await bench.redis.send(RedisCommand("CLIENT", "KILL", "ID", id))
            let publishing = Task {
                while !Task.isCancelled {
                    try await control.broadcast(ControlRequest("ping"), exchange: "celery.pidbox")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            let first = try await within("a request over the new connection") { () -> String? in
                for await request in requests { return try request.get().method }
                return nil
            }
            publishing.cancel()
            _ = await publishing.result
            #expect(first == "ping")
        }
    }

    @Test("a reply goes to every reply queue that is bound with the asker's key, to no other queue, and nowhere when none is")
    func replies() async throws {
        try await Bench.with { bench in
            let control = RedisControl(broker: bench.broker)
            let prefix = bench.options.globalKeyPrefix
            let table = "\(prefix)_kombu.binding.reply.celery.pidbox"
            let (first, second) = ("first.reply.celery.pidbox", "second.reply.celery.pidbox")
            let bound = [("oid", first), ("oid", second), ("other", "third.reply.celery.pidbox"), ("oid", "jobs")]
            try await bench.redis.send(RedisCommand("SADD", arguments: [table] + bound.map { "\($0)\u{06}\u{16}\u{06}\u{16}\($1)" }))
            let reply = ControlReply(node: "w@h", value: ["ok": "pong"], ticket: "t", clock: 5)
            try await control.reply(reply, to: .init(exchange: "reply.celery.pidbox", routingKey: "oid"))
            try await control.reply(reply, to: .init(exchange: "reply.celery.pidbox", routingKey: "gone"))
            await #expect(throws: ApiumError.self) { try await control.reply(reply, to: .init(exchange: "celery", routingKey: "celery")) }
            #expect(try await bench.keyNames() == ["_kombu.binding.reply.celery.pidbox", first, second])
            let stored = try await bench.redis.send(RedisCommand("RPOP", prefix + first)).asBytes()
            #expect(try ControlReply(decoding: stored) == reply)
            #expect(try await bench.redis.send(RedisCommand("PTTL", prefix + second)).asInt() > 0)
        }
    }

    @Test("who asks gets the replies that come in time, and leaves nothing behind")
    func asking() async throws {
        try await Bench.with { bench in
            let control = RedisControl(broker: bench.broker)
            let requests = try await control.requests(exchange: "celery.pidbox")
            let answering = Task {
                for await request in requests {
                    guard let request = try? request.get(), let address = request.replyTo else { continue }
                    for node in ["a@h", "b@h"] {
                        try await control.reply(ControlReply(node: node, value: "here", ticket: request.ticket, clock: 1), to: address)
                    }
                }
            }
            let replies = try await control.ask(ControlRequest("ping"), exchange: "celery.pidbox", within: .seconds(10), limit: 2)
            answering.cancel()
            _ = await answering.result
            #expect(replies.map(\.node).sorted() == ["a@h", "b@h"])
            #expect(try await bench.keyNames() == [])
        }
    }

    @Test("events come under their own channel, several as one list, and are followed by pattern")
    func events() async throws {
        try await Bench.with { bench in
            let transport = RedisEvents(broker: bench.broker)
            let followed = try await transport.events(exchange: "celeryev")
            let names = try await bench.broker.subscriber.events(patterns: [channel(bench, "celeryev/*")])
            let tasks = ["task-received", "task-started"].map { WorkerEvent($0, node: "w@h", at: Timestamp(seconds: 2), clock: 5, pid: 7) }
            try await transport.publish(tasks, exchange: "celeryev")
            try await transport.publish([WorkerEvent("worker-online", node: "w@h", at: Timestamp(seconds: 3), clock: 6, pid: 7)], exchange: "celeryev")
            let types = try await within("three events") { () -> [String] in
                var types: [String] = []
                for await event in followed {
                    types.append(event.type)
                    if types.count == 3 { break }
                }
                return types
            }
            #expect(types == ["task-received", "task-started", "worker-online"])
            let seen = try await within("two messages") { () -> [String] in
                var seen: [String] = []
                for await case .message(let message) in names {
                    seen.append(message.channel)
                    if seen.count == 2 { break }
                }
                return seen
            }
            #expect(seen == [channel(bench, "celeryev/task.multi"), channel(bench, "celeryev/worker.online")])
        }
    }
}
