import NIOCore
import NIOPosix
import Testing

@testable import RedisClient

/// One server for all connections of a process, whatever single sentinels say.
@Suite("Connections by sentinels and a failover", .serialized, .timeLimit(.minutes(1)))
struct SentinelWatchTests {
    private func configuration(_ sentinels: [ScriptedServer]) -> RedisConfiguration {
        var configuration = RedisConfiguration(address: .sentinel(RedisSentinels(hosts: sentinels.map(\.host), masterName: "mine")))
        configuration.connectTimeout = .milliseconds(500)
        return configuration
    }

    private func connect(_ sentinels: [ScriptedServer]) async throws -> RedisConnection {
        try await RedisConnection.connect(configuration(sentinels), logger: TestServer.logger)
    }

    private func address(_ server: ScriptedServer) -> RedisConfiguration.Address { .tcp(host: server.host.name, port: server.host.port) }

    @Test(
        "after SENTINEL FAILOVER with the old master alive, an old and a new connection lead to one server",
        .enabled(if: TestServer.url != nil && SentinelGroup.server != nil))
    func plannedFailover() async throws {
        try await SentinelGroup.with { group in
            let (configuration, logger) = (group.configuration(), TestServer.logger)
            let old = try await RedisConnection.connect(configuration, logger: logger)
            let client = RedisClient(configuration, logger: logger)
            try await client.send(RedisCommand("SET", "before", "1"))
            let aside = try await group.servers[0].connect(nil)
            let sentinel = try await group.sentinels[0].connect(nil)
            try await TestServer.eventually("the failover begins") {
                (try? await sentinel.send(RedisCommand("SENTINEL", "FAILOVER", "mine"))) == .simple("OK")
            }
            try await TestServer.eventually("the connection to the old master ends") { old.closeReason != nil }
            #expect(old.closeReason?.code == .connectionClosed)
            #expect(try await aside.send(RedisCommand("ROLE")).array?.first?.string == "master", "the old master knows of nothing yet")
            let new = try await RedisConnection.connect(configuration, logger: logger)
            let promoted = RedisConfiguration.Address.tcp(host: "127.0.0.1", port: group.servers[1].port)
            #expect(new.configuration.address == promoted)
            try await TestServer.eventually("the client has connected") { (try? await client.send(RedisCommand("PING"))) != nil }
            #expect(try await client.connection().configuration.address == promoted)
            for connection in [aside, sentinel, new] { await connection.close() }
            await client.shutdown()
        }
    }

    @Test("a sentinel that has not heard of a failover leads nobody back, and the next failover is followed")
    func lagging() async throws {
        let servers = try await (ScriptedServer.master(), ScriptedServer.master())
        let word = ScriptedServer.Word(servers.0.host, epoch: 1)
        let sentinels = try await [ScriptedServer.sentinel(.init(servers.1.host, epoch: 2)), ScriptedServer.sentinel(word)]
        let first = try await connect(sentinels)
        #expect(first.configuration.address == address(servers.1))
        await sentinels[0].stop()
        let error = await #expect(throws: RedisClientError.self) { try await connect(sentinels) }
        #expect(error?.code == .connectFailed)
        #expect(error?.message.contains("\(sentinels[1].host) names \(servers.0.host), which another one has taken the place of") == true)
        #expect(first.closeReason == nil)
        word.change(to: servers.0.host, epoch: 3)
        let second = try await connect(sentinels)
        #expect(second.configuration.address == address(servers.0))
        try await TestServer.eventually("the connection to the old master ends") { first.closeReason != nil }
        #expect(first.closeReason?.code == .connectionClosed, "a caller may try again")
        await second.close()
        await sentinels[1].stop()
        for server in [servers.0, servers.1] { await server.stop() }
    }

    @Test("a group that is set up anew counts its failovers from the beginning, and is followed all the same")
    func anew() async throws {
        let servers = try await (ScriptedServer.master(), ScriptedServer.master())
        let words = (0..<3).map { _ in ScriptedServer.Word(servers.0.host, epoch: 7) }
        var sentinels: [ScriptedServer] = []
        for word in words { sentinels.append(try await ScriptedServer.sentinel(word)) }
        let first = try await connect(sentinels)
        #expect(first.configuration.address == address(servers.0))
        // The third one is forgotten.
        for word in words.prefix(2) { word.change(to: servers.1.host, epoch: 0) }
        await sentinels[2].stop()
        let second = try await connect(sentinels)
        #expect(second.configuration.address == address(servers.1))
        try await TestServer.eventually("the connection to the old master ends") { first.closeReason != nil }
        await second.close()
        for server in sentinels + [servers.0, servers.1] { await server.stop() }
    }

    @Test("a sentinel that is silent is waited for once: the next connection begins with the one that answered")
    func silent() async throws {
        let master = try await ScriptedServer.master()
        let sentinels = try await [ScriptedServer.start { _ in nil }, ScriptedServer.sentinel(.init(master.host, epoch: 1))]
        guard case .sentinel(let group) = configuration(sentinels).address else { return }
        let watch = SentinelWatch.of(group, logger: TestServer.logger)
        #expect(watch.order == sentinels.map(\.host))
        let first = try await connect(sentinels)
        #expect(watch.order == sentinels.reversed().map(\.host))
        let second = try await connect(sentinels)
        #expect(second.configuration.address == address(master))
        for connection in [first, second] { await connection.close() }
        for server in sentinels + [master] { await server.stop() }
    }

    @Test("a script's refusal by a replica ends the connection, also where it stands behind words of its own, as in Redis 6.2")
    func readOnlyScript() async throws {
        let refusal = "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica."
        let server = try await ScriptedServer.master("-\(refusal)\r\n")
        let connection = try await RedisConnection.open(
            RedisConfiguration(address: address(server)), on: MultiThreadedEventLoopGroup.singleton.next(), logger: TestServer.logger, endsWhenReadOnly: true
        ).get()
        let error = await #expect(throws: RedisServerError.self) { try await connection.send(RedisCommand("EVAL", "return 1", 0)) }
        #expect(error?.description == refusal && error?.says("READONLY") == true && error?.says("OOM") == false)
        try await TestServer.eventually("the connection closes") { connection.closeReason != nil }
        await server.stop()
    }
}
