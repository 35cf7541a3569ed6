import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import RedisClient

@Suite("Commands that are answered on the caller's thread", .enabled(if: TestServer.url != nil), .timeLimit(.minutes(1)))
struct PromptLineTests {
    private func push(_ key: String, _ value: some RedisArgument) -> RedisCommand { RedisCommand("LPUSH", key, value) }

    @Test("commands that are awaited one by one are answered in order")
    func oneByOne() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("prompt")
        for number in 1...500 { #expect(try await connection.sendPromptly(push(key, number)) == .integer(Int64(number))) }
        #expect(try await connection.send(RedisCommand("LLEN", key)).asInt() == 500)
        try await connection.send(RedisCommand("DEL", key))
        await connection.close()
    }

    @Test("many tasks at once, prompt ones and others, each get their own answers")
    func crowd() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("prompt")
        let lengths = try await withThrowingTaskGroup(of: [Int].self) { group in
            for task in 0..<16 {
                group.addTask {
                    var lengths: [Int] = []
                    for number in 0..<200 {
                        if number % 7 == 0 { #expect(try await connection.send(RedisCommand("ECHO", "\(task) \(number)")).string == "\(task) \(number)") }
                        lengths.append(try await connection.sendPromptly(push(key, number)).asInt())
                    }
                    // Each push was answered before the next was sent.
                    #expect(lengths == lengths.sorted())
                    return lengths
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(lengths.sorted() == Array(1...3200))
        try await connection.send(RedisCommand("DEL", key))
        await connection.close()
    }

    @Test("what is refused, is no number, or is late goes its ordinary way")
    func otherAnswers() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("prompt")
        for _ in 0..<20 {
            try await connection.send(RedisCommand("SET", key, "text"))
            #expect(try await connection.sendPromptly(push(key, "x")).error?.code == "WRONGTYPE")
            #expect(try await connection.sendPromptly(RedisCommand("GET", key)).string == "text")
            #expect(try await connection.sendPromptly(RedisCommand("STRLEN", key)) == .integer(4))
        }
        // Longer than a caller waits on its thread.
        #expect(try await connection.sendPromptly(RedisCommand("BLPOP", TestServer.unique("empty"), "0.05")) == .null)
        #expect(try await connection.sendPromptly(RedisCommand("EXISTS", key)) == .integer(1))
        try await connection.send(RedisCommand("DEL", key))
        await connection.close()
    }

    @Test("a large command is sent as it is, between small ones")
    func large() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("prompt")
        let bytes = [UInt8](repeating: 7, count: 300_000)
        async let first = connection.send(push(key, "a"))
        async let second = connection.send(push(key, bytes))
        async let third = connection.send(push(key, "b"))
        #expect(try await [first, second, third].map { try $0.asInt() }.sorted() == [1, 2, 3])
        #expect(try await connection.sendPromptly(push(key, bytes)) == .integer(4))
        let stored = try await connection.send(RedisCommand("LRANGE", key, 0, -1)).asArray().map { try $0.asBytes() }
        #expect(stored.count { $0 == bytes } == 2)
        try await connection.send(RedisCommand("DEL", key))
        await connection.close()
    }

    @Test("cancelling a task ends its wait, and the connection stays good")
    func cancellation() async throws {
        let connection = try await TestServer.connect()
        let key = TestServer.unique("cancel")
        // The line is open, and quiet.
        for _ in 0..<3 { #expect(try await connection.sendPromptly(RedisCommand("EXISTS", key)) == .integer(0)) }
        let task = Task { try await connection.sendPromptly(RedisCommand("BLPOP", key, 0), timeout: .seconds(60)) }
        try await TestServer.eventually("the command waits at the server") {
            let other = try await TestServer.connect()
            let list = try await other.send(RedisCommand("CLIENT", "LIST", "ID", connection.clientID ?? 0)).asString()
            await other.close()
            return list.contains("cmd=blpop")
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let other = try await TestServer.connect()
        try await other.send(push(key, "late"))
        #expect(try await connection.sendPromptly(RedisCommand("EXISTS", key)) == .integer(0))
        await other.close()
        await connection.close()
    }

    @Test("a connection that the server ends, between commands or during one, says so")
    func ended() async throws {
        for isBusy in [false, true] {
            let connection = try await TestServer.connect()
            for _ in 0..<3 { try await connection.sendPromptly(RedisCommand("EXISTS", "k")) }
            let (closed, news) = AsyncStream.makeStream(of: Void.self)
            connection.onClose { _ in news.yield() }
            let waiting = Task { () -> RESPValue in
                guard isBusy else { return .null }
                return try await connection.sendPromptly(RedisCommand("BLPOP", TestServer.unique("never"), 0))
            }
            try await TestServer.eventually("the command waits") {
                let other = try await TestServer.connect()
                let list = try await other.send(RedisCommand("CLIENT", "LIST", "ID", connection.clientID ?? 0)).asString()
                await other.close()
                return !isBusy || list.contains("cmd=blpop")
            }
            try await TestServer.kill(try #require(connection.clientID))
            try await next("the end of the connection is seen", of: closed)
            if isBusy {
                let error = await #expect(throws: RedisClientError.self) { try await waiting.value }
                #expect(error?.mayHaveBeenSent == true)
            }
            let late = await #expect(throws: RedisClientError.self) { try await connection.sendPromptly(RedisCommand("EXISTS", "k")) }
            #expect(late?.code == .connectionClosed && late?.mayHaveBeenSent == false)
        }
    }

    @Test("a connection that ends among commands that are awaited one by one fails the one under way: none waits for ever")
    func endedInTheMiddle() async throws {
        let other = try await TestServer.connect()
        for round in 0..<100 {
            let connection = try await TestServer.connect()
            let key = TestServer.unique("prompt")
            let (ends, end) = AsyncStream.makeStream(of: (any Error).self)
            let pushing = Task {
                do { while true { try await connection.sendPromptly(push(key, "x")) } } catch { end.yield(error) }
            }
            try await TestServer.eventually("some were answered") { try await other.send(RedisCommand("LLEN", key)).asInt() > round }
            try await other.send(RedisCommand("CLIENT", "KILL", "ID", try #require(connection.clientID)))
            let error = try await next("the command under way has failed", of: ends)
            #expect((error as? RedisClientError)?.code == .connectionClosed)
            await pushing.value
            try await other.send(RedisCommand("DEL", key))
        }
        await other.close()
    }

    @Test("a client makes the connection again, and answers promptly over the new one")
    func reconnect() async throws {
        let client = RedisClient(try TestServer.configuration(), logger: TestServer.logger)
        let key = TestServer.unique("prompt")
        for round in 1...3 {
            for _ in 0..<10 { try await client.sendPromptly(push(key, "x")) }
            #expect(try await client.send(RedisCommand("LLEN", key)).asInt() == round * 10)
            let old = try await client.connection()
            let (closed, news) = AsyncStream.makeStream(of: Void.self)
            old.onClose { _ in news.yield() }
            try await TestServer.kill(try #require(old.clientID))
            try await next("the end of the connection is seen", of: closed)
            // Connections that break as soon as they are made are not made again at once.
            try await TestServer.eventually("it is connected again") { client.isConnected }
        }
        try await client.send(RedisCommand("DEL", key))
        await client.shutdown()
    }

    @Test("a caller on the event loop is answered, too")
    func eventLoop() async throws {
        let connection = try await TestServer.connect()
        let task = Task(executorPreference: EventLoopTaskExecutor(connection.eventLoop)) { () async throws -> [RESPValue] in
            var answers: [RESPValue] = []
            for _ in 0..<5 { answers.append(try await connection.sendPromptly(RedisCommand("EXISTS", "none"))) }
            return answers
        }
        #expect(try await task.value == Array(repeating: .integer(0), count: 5))
        await connection.close()
    }
}

@Suite("An answer on the caller's thread")
struct PromptExchangeTests {
    @Test(
        "only a whole number is one",
        arguments: [
            (":0\r\n", 0, true), (":123\r\n", 123, true), (":-7\r\n", -7, true), (":12", nil, false), (":", nil, false), (":12\r", nil, false),
            ("-ERR no\r\n", nil, true), ("$1\r\n", nil, true), (":x\r\n", nil, false), (":1\r\n:2\r\n", nil, false),
        ])
    func numbers(text: String, number: Int64?, isOver: Bool) {
        let exchange = PromptExchange(unsent: ByteBuffer(), received: Array(text.utf8))
        #expect(exchange.integer == number && exchange.isOver == isOver)
    }

    @Test("the line is taken once, rests in a crowd, and comes back")
    func line() throws {
        var line = PromptLine()
        #expect(line.take() == nil)
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        line.open(PromptSocket(of: ends[0]))
        close(ends[0])
        close(ends[1])
        #expect(line.take() == nil)
        line.isQuiet = true
        #expect(line.take() != nil && line.isTaken)
        line.isQuiet = true
        #expect(line.take() == nil)
        let givesWay = line.giveBack()
        #expect(!givesWay)
        line.noteCrowd()
        var tries = 0
        while line.take() == nil, tries < 1000 { tries += 1 }
        #expect(tries == 16)
    }

    @Test("what a caller has handed over is still there for the event loop when the connection closes first")
    func closing() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        let queue = RequestQueue()
        queue.openLine(PromptSocket(of: ends[0]))
        close(ends[0])
        close(ends[1])
        queue.noteQuiet()
        #expect(queue.takeLine() != nil && queue.isLineInUse)
        let commands = [RedisCommand("EXISTS", "k")]
        let batch = RequestBatch(id: queue.makeID(), commands: commands, deadline: .now(), scriptsBySource: false, completion: nil)
        #expect(queue.handLineOver(batch, PromptExchange(unsent: ByteBuffer()), waited: true) == nil && queue.isLineInUse)
        #expect(queue.close(RedisClientError(.connectionClosed, "over")).isEmpty)
        #expect(queue.takeAll().handedOver?.batch.id == batch.id && !queue.isLineInUse)
        #expect(queue.takeAll().handedOver == nil)
    }

    @Test("after four late answers in a row calls only write for a while, and an answer in time ends that")
    func lateness() throws {
        var line = PromptLine()
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        line.open(PromptSocket(of: ends[0]))
        close(ends[0])
        close(ends[1])
        func call(answered: Bool) throws -> Bool {
            line.isQuiet = true
            let taken = line.take()
            let waits = try #require(taken).waits
            if waits && answered { _ = line.giveBack() } else { line.handOver(waited: waits) }
            return waits
        }
        for _ in 0..<3 { #expect(try call(answered: false)) }
        #expect(try call(answered: true))
        for _ in 0..<4 { #expect(try call(answered: false)) }
        for _ in 0..<256 { #expect(try !call(answered: true)) }
        // One late answer is enough to go on so, until one is in time.
        #expect(try call(answered: false))
        #expect(try !call(answered: true))
        for _ in 0..<255 { #expect(try !call(answered: true)) }
        for _ in 0..<10 { #expect(try call(answered: true)) }
    }
}
