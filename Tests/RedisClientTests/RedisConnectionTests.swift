import RedisClient
import Testing

@Suite("Connections", .enabled(if: TestServer.url != nil), .timeLimit(.minutes(1)))
struct RedisConnectionTests {
    @Test("a command is answered, and the connection knows its number and name")
    func basics() async throws {
        let connection = try await TestServer.connect { $0.clientName = "apium-test" }
        let key = TestServer.unique("basics")
        #expect(try await connection.send(RedisCommand("SET", key, "v", "EX", 60)) == .simple("OK"))
        #expect(try await connection.send(RedisCommand("GET", key)).asString() == "v")
        #expect(try await connection.send(RedisCommand("CLIENT", "ID")).asInt() == connection.clientID)
        #expect(try await connection.send(RedisCommand("CLIENT", "GETNAME")).asString() == "apium-test")
        await connection.close()
        #expect(connection.closeReason?.code == .shutdown)
    }

    @Test("64 tasks on one connection each get their own replies, in order")
    func pipelining() async throws {
        let connection = try await TestServer.connect()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for round in 0..<50 {
                        let sent = (0...round % 5).map { "\(task)-\(round)-\($0)" }
                        let replies = try await connection.pipeline(sent.map { RedisCommand("ECHO", $0) })
                        #expect(replies.map(\.string) == sent)
                    }
                }
            }
            try await group.waitForAll()
        }
        await connection.close()
    }

    @Test("a refused command is an error in its place, and the others are answered")
    func serverErrors() async throws {
        let connection = try await TestServer.connect()
        let replies = try await connection.pipeline([RedisCommand("NOSUCH"), RedisCommand("ECHO", "a")])
        #expect(replies[0].error?.code == "ERR")
        #expect(replies[1].string == "a")
        await #expect(throws: RedisServerError.self) { try await connection.send(RedisCommand("NOSUCH")) }
        #expect(try await connection.pipeline([]).isEmpty)
        await connection.close()
    }

    @Test("a connection that the server cuts fails every waiting command and tells why")
    func cut() async throws {
        let connection = try await TestServer.connect()
        let number = try #require(connection.clientID)
        let (reasons, reason) = AsyncStream.makeStream(of: RedisClientError.self)
        connection.onClose { reason.yield($0) }
        let key = TestServer.unique("cut")
        try await withThrowingTaskGroup(of: RedisClientError?.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    do {
                        _ = try await connection.send(RedisCommand("BLPOP", key, 0), timeout: .seconds(60))
                        return nil
                    } catch let error as RedisClientError { return error }
                }
            }
            try await TestServer.eventually("the connection blocks") {
                let other = try await TestServer.connect()
                let list = try await other.send(RedisCommand("CLIENT", "LIST", "ID", number)).asString()
                await other.close()
                return list.contains("cmd=blpop")
            }
            try await TestServer.kill(number)
            for try await error in group { #expect(error?.code == .connectionClosed) }
        }
        #expect(try await next("the reason", of: reasons).code == .connectionClosed)
        let late = await #expect(throws: RedisClientError.self) { try await connection.send(RedisCommand("PING")) }
        #expect(late?.mayHaveBeenSent == false)
    }

    @Test("a deadline fails its own command alone; the late reply reaches nobody else")
    func deadline() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("deadline")
        let error = await #expect(throws: RedisClientError.self) {
            try await connection.send(RedisCommand("BLPOP", key, 0), timeout: .milliseconds(30))
        }
        #expect(error?.code == .timedOut && error?.mayHaveBeenSent == true)
        let echo = Task { try await connection.send(RedisCommand("ECHO", "mine")) }
        let other = try await TestServer.connect()
        try await other.send(RedisCommand("LPUSH", key, "late"))
        #expect(try await echo.value.asString() == "mine")
        await other.close()
        await connection.close()
    }

    @Test("a server that stays silent closes the connection after the command timeout")
    func silence() async throws {
        let connection = try await TestServer.connect { $0.commandTimeout = .milliseconds(80) }
        let (reasons, reason) = AsyncStream.makeStream(of: RedisClientError.self)
        connection.onClose { reason.yield($0) }
        await #expect(throws: RedisClientError.self) { try await connection.send(RedisCommand("BLPOP", TestServer.unique("silence"), 0)) }
        #expect(try await next("the reason", of: reasons).code == .timedOut)
    }

    @Test("cancelling a task ends its wait, and the connection stays good")
    func cancellation() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("cancel")
        let task = Task { try await connection.send(RedisCommand("BLPOP", key, 0), timeout: .seconds(60)) }
        try await TestServer.eventually("the command waits at the server") {
            let other = try await TestServer.connect()
            let list = try await other.send(RedisCommand("CLIENT", "LIST", "ID", connection.clientID ?? 0)).asString()
            await other.close()
            return list.contains("cmd=blpop")
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let other = try await TestServer.connect()
        try await other.send(RedisCommand("LPUSH", key, "late"))
        #expect(try await connection.send(RedisCommand("ECHO", "a")).asString() == "a")
        await other.close()
        await connection.close()
    }

    @Test("a transaction runs as a whole, is refused as a whole, and notices a changed key")
    func transactions() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("transaction")
        let replies = try await connection.transaction([RedisCommand("SET", key, "1", "EX", 60), RedisCommand("INCR", key)])
        #expect(replies == [.simple("OK"), .integer(2)])
        await #expect(throws: RedisServerError.self) { try await connection.transaction([RedisCommand("INCR", key), RedisCommand("GET")]) }
        #expect(try await connection.send(RedisCommand("GET", key)).asInt() == 2)

        try await connection.send(RedisCommand("WATCH", key))
        let other = try await TestServer.connect()
        try await other.send(RedisCommand("INCR", key))
        let aborted = await #expect(throws: RedisClientError.self) { try await connection.transaction([RedisCommand("INCR", key)]) }
        #expect(aborted?.code == .transactionAborted)
        await other.close()
        await connection.close()
    }

    @Test("scripts survive SCRIPT FLUSH, alone, in a pipeline, in a transaction and by future")
    func scripts() async throws {
        let connection = try await TestServer.connect()
        let script = RedisScript(name: "join", source: "return KEYS[1] .. ARGV[1] -- \(TestServer.unique("script"))")
        func command(_ argument: Int) -> RedisCommand { .eval(script, keys: ["k"], argument) }
        for _ in 0..<2 {
            try await connection.send(RedisCommand("SCRIPT", "FLUSH"))
            #expect(try await connection.send(command(1)).asString() == "k1")
            try await connection.send(RedisCommand("SCRIPT", "FLUSH"))
            let replies = try await connection.pipeline([command(1), RedisCommand("ECHO", "x"), command(2), command(3)])
            #expect(replies.map(\.string) == ["k1", "x", "k2", "k3"])
            try await connection.send(RedisCommand("SCRIPT", "FLUSH"))
            #expect(try await connection.transaction([command(4), command(5)]).map(\.string) == ["k4", "k5"])
            try await connection.send(RedisCommand("SCRIPT", "FLUSH"))
            #expect(try await connection.submit([command(6)]).get().map(\.string) == ["k6"])
        }
        #expect(try await connection.send(RedisCommand("SCRIPT", "LOAD", script.source)).asString() == script.sha1)
        await connection.close()
    }

    @Test("what can't be connected to says so with a typed error")
    func refusals() async throws {
        func code(_ url: String) async -> RedisClientError.Code? {
            do {
                _ = try await RedisConnection.connect(try RedisConfiguration(url: url), logger: TestServer.logger)
                return nil
            } catch { return (error as? RedisClientError)?.code }
        }
        #expect(await code("sentinel://127.0.0.1:1?master_name=mine") == .connectFailed)
        #expect(await code("redis://127.0.0.1:1") == .connectFailed)
        #expect(await code("unix:///nonexistent/redis.sock") == .connectFailed)
        var wrong = try TestServer.configuration()
        wrong.username = "nobody"
        wrong.password = "hunter2"
        let error = await #expect(throws: RedisClientError.self) { try await RedisConnection.connect(wrong, logger: TestServer.logger) }
        #expect(error?.code == .authenticationFailed)
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test("tasks on the event loop's executor use the connection as others do")
    func executor() async throws {
        let connection = try await TestServer.connect()
        let replies = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<20 {
                group.addTask(executorPreference: EventLoopTaskExecutor(connection.eventLoop)) {
                    let first = try await connection.send(RedisCommand("ECHO", number)).asString()
                    connection.eventLoop.preconditionInEventLoop()
                    return first
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(replies == Set((0..<20).map(String.init)))
        await connection.close()
    }
}
