import NIOCore
import NIOPosix
import RedisClient
import Testing

@Suite("Listening to channels", .enabled(if: TestServer.url != nil), .timeLimit(.minutes(1)))
struct RedisSubscriberTests {
    private func message(_ channel: String, _ text: String, pattern: String? = nil) -> RedisSubscriptionEvent {
        .message(RedisMessage(channel: channel, pattern: pattern, payload: Array(text.utf8)))
    }

    @Test("what is published after subscribing arrives, by channel and by pattern")
    func messages() async throws {
        let subscriber = RedisSubscriber(try TestServer.configuration(), logger: TestServer.logger)
        let publisher = try await TestServer.connect()
        let name = TestServer.unique("channel")
        let byName = try await subscriber.events(channels: [name, name + ".b"])
        let byPattern = try await subscriber.events(patterns: [name + "*"])
        #expect(try await publisher.send(RedisCommand("PUBLISH", name, "one")) == .integer(2))
        #expect(try await publisher.send(RedisCommand("PUBLISH", name + ".b", "two")) == .integer(2))
        #expect(try await next("one", of: byName) == message(name, "one"))
        #expect(try await next("two", of: byName) == message(name + ".b", "two"))
        #expect(try await next("one by pattern", of: byPattern) == message(name, "one", pattern: name + "*"))
        await publisher.close()
        await subscriber.shutdown()
    }

    @Test("many listeners share one subscription, which ends with the last of them")
    func sharing() async throws {
        let subscriber = RedisSubscriber(try TestServer.configuration(), logger: TestServer.logger)
        let publisher = try await TestServer.connect()
        let name = TestServer.unique("shared")
        let (events, event) = AsyncStream.makeStream(of: RedisSubscriptionEvent.self)
        let first = try await subscriber.subscribe(channels: [name]) { event.yield($0) }
        let second = try await subscriber.subscribe(channels: [name]) { event.yield($0) }
        #expect(try await publisher.send(RedisCommand("PUBLISH", name, "x")) == .integer(1))
        for _ in 0..<2 { #expect(try await next("x", of: events) == message(name, "x")) }
        first.cancel()
        first.cancel()
        #expect(try await publisher.send(RedisCommand("PUBLISH", name, "y")) == .integer(1))
        #expect(try await next("y", of: events) == message(name, "y"))
        second.cancel()
        try await TestServer.eventually("nobody subscribes") { try await publisher.send(RedisCommand("PUBLISH", name, "z")) == .integer(0) }
        await publisher.close()
        await subscriber.shutdown()
    }

    @Test("after a cut everything is subscribed again and every listener hears of the gap")
    func reconnect() async throws {
        let subscriber = RedisSubscriber(try TestServer.configuration(), logger: TestServer.logger)
        let publisher = try await TestServer.connect()
        let name = TestServer.unique("cut")
        let first = try await subscriber.events(channels: [name])
        let second = try await subscriber.events(channels: [name + ".b"], patterns: [name + "*"])
        try await TestServer.kill(try #require(subscriber.clientID))
        #expect(try await next("the first's gap", of: first) == .gap)
        #expect(try await next("the second's gap", of: second) == .gap)
        #expect(try await publisher.send(RedisCommand("PUBLISH", name, "back")) == .integer(2))
        #expect(try await next("back", of: first) == message(name, "back"))
        #expect(try await next("back", of: second) == message(name, "back", pattern: name + "*"))
        await publisher.close()
        await subscriber.shutdown()
    }

    @Test("subscribing and cancelling from many tasks loses no message after a confirmation")
    func churn() async throws {
        let subscriber = RedisSubscriber(try TestServer.configuration(), logger: TestServer.logger)
        let publisher = try await TestServer.connect()
        let name = TestServer.unique("churn")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<30 {
                        let (events, event) = AsyncStream.makeStream(of: [UInt8].self)
                        let subscription = try await subscriber.subscribe(channels: [name]) {
                            if case .message(let message) = $0 { event.yield(message.payload) }
                        }
                        let text = Array("\(task)-\(round)".utf8)
                        _ = try await publisher.send(RedisCommand("PUBLISH", name, text))
                        while try await next("\(task)-\(round)", of: events) != text {}
                        subscription.cancel()
                    }
                }
            }
            try await group.waitForAll()
        }
        await publisher.close()
        await subscriber.shutdown()
    }

    @Test("a slow reader of a full buffer is told of the gap")
    func overflow() async throws {
        let subscriber = RedisSubscriber(try TestServer.configuration(), logger: TestServer.logger)
        let publisher = try await TestServer.connect()
        let name = TestServer.unique("overflow")
        let events = try await subscriber.events(channels: [name], bufferLimit: 4)
        for number in 0..<10 { try await publisher.send(RedisCommand("PUBLISH", name, number)) }
        var heard: [RedisSubscriptionEvent] = []
        try await publisher.send(RedisCommand("PUBLISH", name, "end"))
        let done = TestServer.unique("done")
        let last = try await subscriber.events(channels: [done])
        try await publisher.send(RedisCommand("PUBLISH", done, ""))
        _ = try await next("all were delivered", of: last)
        for _ in 0..<5 { heard.append(try await next("an event", of: events)) }
        #expect(heard == [.gap] + ["7", "8", "9", "end"].map { message(name, $0) })
        await publisher.close()
        await subscriber.shutdown()
    }

    @Test("a shutdown ends every stream, behind what is buffered, and later subscriptions fail")
    func shutdown() async throws {
        let subscriber = RedisSubscriber(try TestServer.configuration(), logger: TestServer.logger)
        let publisher = try await TestServer.connect()
        let name = TestServer.unique("shutdown")
        let (buffered, waited) = (try await subscriber.events(channels: [name]), try await subscriber.events(patterns: [name + ".*"]))
        let (ends, end) = AsyncStream.makeStream(of: [RedisSubscriptionEvent].self)
        let reading = Task {
            var heard: [RedisSubscriptionEvent] = []
            for await event in waited { heard.append(event) }
            end.yield(heard)
        }
        try await publisher.send(RedisCommand("PUBLISH", name, "last"))
        // What comes by another channel says that the first has come.
        let later = try await subscriber.events(channels: [name + "!"])
        try await publisher.send(RedisCommand("PUBLISH", name + "!", "mark"))
        #expect(try await next("the mark", of: later) == message(name + "!", "mark"))
        await subscriber.shutdown()
        #expect(try await next("the end", of: ends) == [])
        var heard: [RedisSubscriptionEvent] = []
        for await event in buffered { heard.append(event) }
        #expect(heard == [message(name, "last")])
        await #expect(throws: RedisClientError.self) { try await subscriber.events(channels: [name]) }
        await reading.value
        await publisher.close()
    }

    @Test("what a user may not hear is refused at once, and works once the user may; it keeps nobody from other channels, after a cut either")
    func refused() async throws {
        let admin = try await TestServer.connect()
        let name = TestServer.unique("refused")
        let rights = ["resetchannels", "&\(name)"]
        func setUser(_ rights: [String]) async throws { try await admin.send(RedisCommand("ACL", arguments: ["SETUSER", name] + rights)) }
        try await setUser(["on", "nopass", "~*", "+@all"] + rights)
        var configuration = try TestServer.configuration()
        (configuration.username, configuration.password) = (name, "any")
        let subscriber = RedisSubscriber(configuration, logger: TestServer.logger)
        let first = try await subscriber.events(channels: [name])
        for _ in 0..<2 {
            let error = await #expect(throws: RedisServerError.self) { try await subscriber.events(channels: [name + ".b"]) }
            #expect(error?.code == "NOPERM")
        }
        try await setUser(["allchannels"])
        let second = try await subscriber.events(channels: [name + ".b"])
        #expect(try await admin.send(RedisCommand("PUBLISH", name + ".b", "x")) == .integer(1))
        #expect(try await next("x", of: second) == message(name + ".b", "x"))
        // The server ends connections that hear what they may hear no more.
        try await setUser(rights)
        #expect(try await next("the gap", of: first) == .gap)
        try await TestServer.eventually("the channel that is allowed is heard") { try await admin.send(RedisCommand("PUBLISH", name, "y")) == .integer(1) }
        #expect(try await next("y", of: first) == message(name, "y"))
        await subscriber.shutdown()
        try await admin.send(RedisCommand("ACL", "DELUSER", name))
        await admin.close()
    }

    @Test("subscribing fails with a typed error when there is no server")
    func noServer() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        try await server.close()
        let configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port))
        let subscriber = RedisSubscriber(
            configuration, backoff: ReconnectBackoff(first: .seconds(30), longest: .seconds(30), onDemand: .seconds(30)), logger: TestServer.logger)
        for expected in [RedisClientError.Code.connectFailed, .unavailable] {
            let error = await #expect(throws: RedisClientError.self) { try await subscriber.subscribe(channels: ["c"]) { _ in } }
            #expect(error?.code == expected)
        }
        await subscriber.shutdown()
    }
}
