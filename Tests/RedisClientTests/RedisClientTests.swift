import NIOCore
import NIOPosix
import RedisClient
import Testing

@Suite("The reconnecting client", .enabled(if: TestServer.url != nil), .timeLimit(.minutes(1)))
struct RedisClientTests {
    @Test("a client connects when used, and again after the server cut it")
    func reconnect() async throws {
        let client = RedisClient(try TestServer.configuration(), logger: TestServer.logger)
        #expect(!client.isConnected)
        let first = try await client.send(RedisCommand("CLIENT", "ID")).asInt()
        try await TestServer.kill(first)
        try await TestServer.eventually("a new connection") {
            guard let id = try? await client.send(RedisCommand("CLIENT", "ID")).asInt() else { return false }
            return id != first
        }
        await client.shutdown()
    }

    @Test("a command that may have been sent is not repeated")
    func notRepeated() async throws {
        let client = RedisClient(try TestServer.configuration(), logger: TestServer.logger)
        let key = TestServer.unique("once")
        let id = try await client.send(RedisCommand("CLIENT", "ID")).asInt()
        let blocked = Task {
            try await client.pipeline([RedisCommand("INCR", key), RedisCommand("BLPOP", key + ":none", 0)], timeout: .seconds(60))
        }
        let other = try await TestServer.connect()
        try await TestServer.eventually("the first command ran") { try await other.send(RedisCommand("GET", key)).int == 1 }
        try await TestServer.eventually("it blocks") {
            try await other.send(RedisCommand("CLIENT", "LIST", "ID", id)).asString().contains("cmd=blpop")
        }
        try await TestServer.kill(id)
        let error = await #expect(throws: RedisClientError.self) { try await blocked.value }
        #expect(error?.mayHaveBeenSent == true)
        _ = try await client.send(RedisCommand("PING"))
        #expect(try await other.send(RedisCommand("GET", key)).int == 1)
        await other.close()
        await client.shutdown()
    }

    @Test("eval runs scripts with keys and arguments")
    func eval() async throws {
        let client = RedisClient(try TestServer.configuration(), logger: TestServer.logger)
        let script = RedisScript(name: "args", source: "return {KEYS[1], ARGV[1], #ARGV}")
        #expect(try await client.eval(script, keys: ["k"], "a", 2).asArray().map(\.string) == ["k", "a", nil])
        #expect(try await client.eval(script, keys: ["k"], arguments: ["x", "y", "z"]).asArray()[2] == .integer(3))
        await client.shutdown()
        let error = await #expect(throws: RedisClientError.self) { try await client.send(RedisCommand("PING")) }
        #expect(error?.code == .shutdown)
    }
}

@Suite("The client without a server", .timeLimit(.minutes(1)))
struct RedisClientOutageTests {
    /// A port of the loopback on which nobody listens.
    private func closedPort() async throws -> Int {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        try await server.close()
        return port
    }

    @Test("while the server is away commands fail at once, and shutting down ends the attempts")
    func outage() async throws {
        let configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: try await closedPort()))
        let backoff = ReconnectBackoff(first: .seconds(30), longest: .seconds(30), onDemand: .seconds(30))
        let client = RedisClient(configuration, backoff: backoff, logger: TestServer.logger)
        let first = await #expect(throws: RedisClientError.self) { try await client.send(RedisCommand("PING")) }
        #expect(first?.code == .connectFailed)
        let second = await #expect(throws: RedisClientError.self) { try await client.send(RedisCommand("PING")) }
        #expect(second?.code == .unavailable && second?.mayHaveBeenSent == false)
        await client.shutdown()
        let third = await #expect(throws: RedisClientError.self) { try await client.send(RedisCommand("PING")) }
        #expect(third?.code == .shutdown)
    }

    @Test(
        "the first command after the server is back finds it, however long the wait between two attempts has become",
        .enabled(if: SentinelGroup.server != nil))
    func demand() async throws {
        let server = try await OwnRedis.start(["--requirepass", "closed"])
        defer { server.end() }
        let configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: server.port))
        let backoff = ReconnectBackoff(first: .seconds(3_600), longest: .seconds(3_600), onDemand: .milliseconds(1))
        let client = RedisClient(configuration, backoff: backoff, logger: TestServer.logger)
        let first = await #expect(throws: RedisClientError.self) { try await client.send(RedisCommand("PING")) }
        #expect(first?.code == .authenticationFailed)
        let door = try await server.connect("closed")
        try await door.send(RedisCommand("CONFIG", "SET", "requirepass", ""))
        await door.close()
        #expect(try await client.send(RedisCommand("PING")) == .simple("PONG"))
        await client.shutdown()
    }

    @Test("a server that accepts and says nothing fails the attempt within the connect timeout")
    func silentServer() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        var configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: try #require(server.localAddress?.port)))
        configuration.connectTimeout = .milliseconds(100)
        let error = await #expect(throws: RedisClientError.self) {
            try await RedisConnection.connect(configuration, logger: TestServer.logger)
        }
        #expect(error?.code == .timedOut)
        try await server.close()
    }
}
