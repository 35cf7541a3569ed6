import Logging
import NIOCore
import Synchronization
import Testing

@testable import WebSocketUpgrade

@Suite("WebSockets beside HTTP on one port", .timeLimit(.minutes(1)))
struct WebSocketTests {
    @Test("messages go there and back, small and at the limit, text and bytes")
    func echoes() async throws {
        let limit = WebSocketConfiguration(maxMessageSize: 65536)
        try await TestServer.run(configuration: limit) { server in
            try await WebSocketClient(server.address, configuration: limit).connect { session in
                var messages = session.messages.makeAsyncIterator()
                for message in [.text("цена"), .text(""), .text(String(repeating: "x", count: 65536)), WebSocketMessage.binary(ByteBuffer(bytes: [0, 255]))] {
                    try await session.send(message)
                    #expect(try await messages.next() == message)
                }
            }
        }
    }

    @Test("many tasks send at once, and no message is torn or lost")
    func concurrentSends() async throws {
        try await TestServer.run { server in
            try await WebSocketClient(server.address).connect { session in
                let texts = Set((0..<200).map { "\($0) " + String(repeating: "y", count: $0 * 10) })
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for text in texts { group.addTask { try await session.send(text) } }
                    var back: Set<String> = []
                    for try await case .text(let text) in session.messages {
                        back.insert(text)
                        if back.count == texts.count { break }
                    }
                    #expect(back == texts)
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("a declined handshake is answered by the HTTP side, and the client says which status")
    func declined() async throws {
        let upgrade: WebSocketServerChannel.ShouldUpgrade = { $0.path == "/ws" && $0[header: "authorization"] == "Bearer right" }
        try await TestServer.run(shouldUpgrade: upgrade) { server in
            for (path, token, expected) in [("/ws", "right", 101), ("/ws", "wrong", 401), ("/other", nil, 404)] {
                let client = try WebSocketClient("ws://127.0.0.1:\(server.port)\(path)", headers: token.map { [("Authorization", "Bearer \($0)")] } ?? [])
                do {
                    try await client.connect { _ in }
                    #expect(expected == 101)
                } catch let error as WebSocketError {
                    #expect(error.code == .refused && error.status == expected)
                }
            }
        }
    }

    @Test("HTTP requests keep working, also one that asks for an upgrade it does not get, and after it the next one")
    func plainHTTP() async throws {
        try await TestServer.run { server in
            let answer = try await within("both answers") {
                try await RawConnection.open(port: server.port) { connection in
                    try await connection.send("GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
                    try await connection.send("POST /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab")
                    return String(decoding: try await connection.rest(), as: UTF8.self)
                }
            }
            #expect(answer.contains("/first") && answer.contains("/second"))
            #expect(answer.components(of: "HTTP/1.1 404") == 2)
        }
    }

    @Test("a handshake that comes byte by byte, with a frame in the same packet as its end, upgrades and loses nothing")
    func slowHandshake() async throws {
        try await TestServer.run { server in
            let answer = try await within("the echo") {
                try await RawConnection.open(port: server.port) { connection in
                    let bytes = Array(RawConnection.handshake.utf8)
                    for byte in bytes.dropLast() { try await connection.send([byte]) }
                    try await connection.send([bytes[bytes.count - 1]] + RawConnection.frame(0x81, Array("hi".utf8)))
                    return try await connection.until([0x81, 2] + Array("hi".utf8))
                }
            }
            let text = String(decoding: answer, as: UTF8.self)
            // The key and its answer are RFC 6455's example.
            #expect(text.hasPrefix("HTTP/1.1 101 ") && text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        }
    }

    @Test(
        "a broken rule is told to the other side by its close code",
        arguments: WebSocketTests.brokenFrames)
    func violations(_ broken: BrokenFrame) async throws {
        let (frame, code) = (broken.bytes, broken.code)
        try await TestServer.run(configuration: WebSocketConfiguration(maxMessageSize: 100)) { server in
            let answer = try await within("the close frame and the end of the connection") {
                try await RawConnection.open(port: server.port) { connection in
                    try await connection.send(RawConnection.handshake)
                    try await connection.send(frame)
                    return try await connection.rest()
                }
            }
            let head = try #require(String(decoding: answer, as: UTF8.self).utf8Length(through: "\r\n\r\n"))
            let close = answer.dropFirst(head)
            #expect(close.prefix(1) == [0x88])
            #expect(Array(close.dropFirst(2).prefix(2)) == [UInt8(code >> 8), UInt8(code & 255)])
        }
    }

    struct BrokenFrame: Sendable {
        var bytes: [UInt8]
        var code: UInt16
    }

    static let brokenFrames = [
        BrokenFrame(bytes: RawConnection.frame(0x81, [0xC3, 0x28]), code: 1007),
        BrokenFrame(bytes: RawConnection.frame(0x82, Array(repeating: 1, count: 101)), code: 1009),
        BrokenFrame(bytes: [0x81, 1, 65], code: 1002),
        // A control frame that is no whole message.
        BrokenFrame(bytes: RawConnection.frame(0x09, []), code: 1002),
    ]

    @Test("a shutdown closes sessions with 1001")
    func shutdown() async throws {
        try await TestServer.run { server in
            try await WebSocketClient(server.address).connect { session in
                try await session.send("hello")
                var messages = session.messages.makeAsyncIterator()
                #expect(try await messages.next() == .text("hello"))
                async let stopped: Void = server.stop()
                #expect(try await messages.next() == nil)
                #expect(session.close?.code == .goingAway && session.close?.isRemote == true)
                await #expect(throws: WebSocketError.self) { try await session.send("late") }
                try await stopped
            }
        }
    }

    @Test("a handler that returns closes with 1000, one that throws closes with 1011")
    func handlerEnds() async throws {
        struct Fault: Error {}
        for (fails, code) in [(false, WebSocketClose.Code.normal), (true, .internalError)] {
            try await TestServer.run(handler: { _, _ in if fails { throw Fault() } }) { server in
                try await WebSocketClient(server.address).connect { session in
                    for try await _ in session.messages {}
                    #expect(session.close == WebSocketClose(code, isRemote: true))
                }
            }
        }
    }

    @Test("pings are answered with their payload; a side that answers none is given up")
    func deadPeer() async throws {
        let ended = Counter()
        let configuration = WebSocketConfiguration(pingInterval: .milliseconds(50))
        let handler: WebSocketServerChannel.Handler = { session, _ in
            do {
                for try await _ in session.messages {}
            } catch let error as WebSocketError where error.code == .lost {
                ended.add()
            }
        }
        try await TestServer.run(configuration: configuration, handler: handler) { server in
            let answer = try await within("the end of a silent connection") {
                try await RawConnection.open(port: server.port) { connection in
                    try await connection.send(RawConnection.handshake)
                    try await connection.send(RawConnection.frame(0x89, [1, 2, 3]))
                    return try await connection.rest()
                }
            }
            let frames = Array(answer.dropFirst(try #require(String(decoding: answer, as: UTF8.self).utf8Length(through: "\r\n\r\n"))))
            #expect(frames == [0x8A, 3, 1, 2, 3, 0x89, 0, 0x89, 0])
            try await within("the handler's error") { try await ended.reach(1) }
        }
    }

    @Test("both sides that answer pings live on for many intervals")
    func livePeer() async throws {
        let configuration = WebSocketConfiguration(pingInterval: .milliseconds(200), missedPings: 5)
        try await TestServer.run(configuration: configuration) { server in
            try await WebSocketClient(server.address, configuration: configuration).connect { session in
                var messages = session.messages.makeAsyncIterator()
                for number in 0..<2 {
                    try await Task.sleep(for: .milliseconds(700))
                    try await session.send("\(number)")
                    #expect(try await messages.next() == .text("\(number)"))
                }
            }
        }
    }

    @Test("a reader that does not read stops the sender, is not taken for dead, and then gets everything in order")
    func backPressure() async throws {
        let (sent, gate) = (Counter(), AsyncStream.makeStream(of: Void.self))
        let total = 150
        let configuration = WebSocketConfiguration(pingInterval: .milliseconds(200), bufferedMessages: 4)
        let handler: WebSocketServerChannel.Handler = { session, _ in
            for await _ in gate.stream {}
            var next = 0
            for try await case .text(let text) in session.messages {
                #expect(text.hasPrefix("\(next) "))
                next += 1
                if next == total { try await session.send("all") }
            }
        }
        try await TestServer.run(configuration: configuration, handler: handler) { server in
            // The client's own pings wait unread behind its messages, so it is given a long patience.
            try await WebSocketClient(server.address).connect { session in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for number in 0..<total {
                            try await session.send("\(number) " + String(repeating: "z", count: 60_000))
                            sent.add()
                        }
                    }
                    // Longer than three of the server's pings, after which it would give the client up.
                    try await Task.sleep(for: .milliseconds(1000))
                    #expect(sent.count < total, "9 MB were taken although nobody reads")
                    gate.continuation.finish()
                    var messages = session.messages.makeAsyncIterator()
                    #expect(try await messages.next() == .text("all"))
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("a server that says nothing is given up in time, at the handshake and before")
    func handshakeTimeout() async throws {
        try await TestServer.run(configuration: WebSocketConfiguration(handshakeTimeout: .milliseconds(100))) { server in
            // The server hangs up on a client that says nothing …
            let rest = try await within("the server hanging up") { try await RawConnection.open(port: server.port) { try await $0.rest() } }
            #expect(rest.isEmpty)
        }
        let silent = WebSocketConfiguration(handshakeTimeout: .milliseconds(100))
        try await SilentServer.run { port in
            // … and the client on such a server.
            let client = try WebSocketClient("ws://127.0.0.1:\(port)/", configuration: silent)
            let error = await #expect(throws: WebSocketError.self) { try await client.connect { _ in } }
            #expect(error?.code == .timedOut)
        }
    }

    @Test(
        "an answer that is no handshake is refused with a reason",
        arguments: ["hello\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"])
    func badAnswer(_ answer: String) async throws {
        try await SilentServer.run(answering: answer) { port in
            let client = try WebSocketClient("ws://127.0.0.1:\(port)/")
            let error = await #expect(throws: WebSocketError.self) { try await client.connect { _ in } }
            #expect(error?.code == .handshakeFailed)
        }
    }

    @Test("run opens a new session after each one that ends, until it is cancelled")
    func reconnects() async throws {
        let sessions = Counter()
        try await TestServer.run(handler: { session, _ in try await session.send("one") }) { server in
            let client = try WebSocketClient(server.address)
            let running = Task {
                await client.run(backoff: WebSocketBackoff(base: .milliseconds(1), maximum: .milliseconds(2))) { session in
                    for try await _ in session.messages { sessions.add() }
                }
            }
            try await within("five sessions") { try await sessions.reach(5) }
            running.cancel()
            try await within("the end of run") { await running.value }
        }
    }

    @Test("cancelling a session closes it at once with 1001")
    func cancellation() async throws {
        let (open, done) = (Counter(), Counter())
        let closes = Mutex<[WebSocketClose?]>([])
        let handler: WebSocketServerChannel.Handler = { session, _ in
            open.add()
            for try await _ in session.messages {}
            closes.withLock { $0.append(session.close) }
            done.add()
        }
        try await TestServer.run(handler: handler) { server in
            let client = try WebSocketClient(server.address)
            let running = Task {
                try await client.connect { session in
                    open.add()
                    for try await _ in session.messages {}
                }
            }
            try await within("the session on both sides") { try await open.reach(2) }
            running.cancel()
            _ = await running.result
            try await within("the server's end") { try await done.reach(1) }
            #expect(closes.withLock { $0 } == [WebSocketClose(.goingAway, isRemote: true)])
        }
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { self.ranges(of: part).count }

    fileprivate func utf8Length(through part: String) -> Int? {
        ranges(of: part).first.map { utf8.distance(from: startIndex, to: $0.upperBound) }
    }
}
