import DynamicJSON
import Logging
import PriceWatchJobs
import PriceWatchModel
import Testing
import WebSocketUpgrade

@testable import PriceWatchAPI

@Suite("The bot's WebSocket", .timeLimit(.minutes(1)))
struct ChatSocketTests {
    private func socket(_ bench: Bench, deadline: Duration = .seconds(20)) -> ChatSocket {
        let desk = JobDesk(client: bench.client, ownership: JobOwnership(secret: "s"))
        return ChatSocket(desk: ChatDesk(reader: FakeReader(world: bench.world), desk: desk, deadline: deadline), logger: Logger(label: "test"))
    }

    private func ask(_ socket: ChatSocket, _ request: ChatRequest) async throws -> JSONValue {
        try JSONValue(parsing: await socket.reply(to: JSONValueEncoder().encode(request).text))
    }

    @Test("every action does what it says")
    func actions() async throws {
        let bench = Bench()
        let socket = socket(bench)
        bench.world.change { $0.pages = ["a": .success(.sample("a")), "bad": .failure(.blocked)] }
        try await bench.withWorker {
            func result(_ action: ChatAction) async throws -> JSONValue? {
                let reply = try await ask(socket, ChatRequest(id: "r", chatID: 77, userName: "Ann", language: .russian, action: action))
                #expect(reply["id"] == "r")
                return reply["result"]
            }
            let added = try JSONValueDecoder().decode(AddProduct.Outcome.self, from: try #require(try await result(.addProduct(link: "a"))))
            guard case .added(let watch) = added else { throw Broken() }
            #expect(watch.isNew && watch.watch.product.name == "a")
            #expect(try await result(.addProduct(link: "bad"))?["outcome"] == "unreadable")
            #expect(try await result(.listWatches)?["watches"]?.arrayValue?.count == 1)
            bench.world.change { $0.points[watch.watch.product.id] = [PricePoint(price: watch.watch.product.price, availability: .unknown, seenAt: 5)] }
            #expect(try await result(.history(watchID: watch.watch.id, limit: 10))?["points"]?[0]?["seen_at"] == 5)
            #expect(try await result(.getUser) == ["language": nil])
            #expect(try await result(.setLanguage(.english)) == [:])
            #expect(try await result(.getUser) == ["language": "en"])
            #expect(try await result(.chatBlocked(true)) == [:])
            #expect(bench.world.read { $0.users[77]?.isBlocked } == true)
            #expect(try await result(.removeWatch(watchID: watch.watch.id)) == ["removed": true])
            #expect(try await result(.removeWatch(watchID: watch.watch.id)) == ["removed": false])
        }
    }

    @Test("a change that is asked for again under its key is made once, and answered as the first time")
    func keys() async throws {
        let bench = Bench()
        let socket = socket(bench)
        let watch = bench.world.addProduct(1, name: "a", followedBy: [77])[0]
        try await bench.withWorker {
            for (key, isRemoved) in [("u1", true), ("u1", true), ("u2", false), (nil, false)] as [(String?, Bool)] {
                let request = ChatRequest(id: "r", chatID: 77, key: key, action: .removeWatch(watchID: watch))
                let reply = try await ask(socket, request)
                #expect(reply["result"] == ["removed": .bool(isRemoved)])
            }
        }
    }

    @Test("a chat that was blocked and asks anything can be written to again")
    func unblocking() async throws {
        let bench = Bench()
        let socket = socket(bench)
        bench.world.change { $0.users[77] = User(id: 1, chatID: 77, name: "Ann", language: .english, isBlocked: true) }
        try await bench.withWorker {
            _ = try await ask(socket, ChatRequest(id: "r", chatID: 77, action: .getUser))
            while bench.world.read({ $0.users[77]?.isBlocked }) == true { await Task.yield() }
        }
    }

    @Test("what a group follows is its supergroup's once it has moved")
    func moving() async throws {
        let bench = Bench()
        let socket = socket(bench)
        let watch = bench.world.addProduct(1, name: "a", followedBy: [-5])[0]
        try await bench.withWorker {
            let moved = try await ask(socket, ChatRequest(id: "r", chatID: -5, action: .chatMoved(to: -1005)))
            #expect(moved["result"] == [:])
            let removed = try await ask(socket, ChatRequest(id: "r", chatID: -1005, action: .removeWatch(watchID: watch)))
            #expect(removed["result"] == ["removed": true])
        }
    }

    @Test("a list that is too large for a reply is cut, not refused")
    func largeList() async throws {
        let bench = Bench()
        for id in 1...40 { bench.world.addProduct(Int64(id), name: String(repeating: "ж", count: 500), followedBy: [77]) }
        let desk = JobDesk(client: bench.client, ownership: JobOwnership(secret: "s"))
        let small = ChatDesk(reader: FakeReader(world: bench.world), desk: desk, deadline: .seconds(1), replyLimit: 16_384)
        #expect(
            small.replyLimit < 40 * 1000 && ChatDesk(reader: small.reader, desk: desk, deadline: .zero).replyLimit < WebSocketConfiguration().maxMessageSize)
        let result = try await small.answer(ChatRequest(id: "r", chatID: 77, action: .listWatches))
        #expect(result.encoded().count <= 16_384)
        #expect(result["watches"]?.arrayValue?.count == 10 && result["watches"]?[0]?["id"] == 1)
    }

    @Test("another chat's watch has no history")
    func foreignHistory() async throws {
        let bench = Bench()
        let watch = bench.world.addProduct(1, name: "theirs", followedBy: [78])[0]
        let reply = try await ask(socket(bench), ChatRequest(id: "r", chatID: 77, action: .history(watchID: watch, limit: 5)))
        #expect(reply["ok"] == false && reply["error"]?["code"] == "not_found")
    }

    @Test("a job that does not end in time is timed_out")
    func timeout() async throws {
        let reply = try await ask(socket(Bench(), deadline: .milliseconds(20)), ChatRequest(id: "r", chatID: 77, action: .addProduct(link: "x")))
        #expect(reply["error"]?["code"] == "timed_out")
    }

    @Test(
        "a damaged frame gets one reply with what id it has",
        arguments: [
            ("{", "", "bad_request"), ("[]", "", "bad_request"), (#"{"action":"get_user","chat_id":1}"#, "", "bad_request"),
            (#"{"id":"r","chat_id":1}"#, "r", "bad_request"), (#"{"id":"r","action":"drop","chat_id":1}"#, "r", "unknown_action"),
            (#"{"id":"r","action":"get_user"}"#, "r", "bad_request"), (#"{"id":"r","action":"get_user","chat_id":"1"}"#, "r", "bad_request"),
            (#"{"id":"r","action":"get_user","chat_id":1,"admin":true}"#, "r", "bad_request"),
            (#"{"id":"r","action":"history","chat_id":1,"watch_id":1,"limit":0}"#, "r", "bad_request"),
        ])
    func damage(_ frame: String, _ id: String, _ code: String) async throws {
        let reply = try JSONValue(parsing: await socket(Bench()).reply(to: frame))
        #expect(reply["ok"] == false && reply["id"] == .string(id) && reply["error"]?["code"] == .string(code))
    }

    @Test("over the wire: the token opens the socket, many requests run at once, each gets its own reply")
    func wire() async throws {
        let bench = Bench()
        for chat in 1...50 { bench.world.addProduct(Int64(chat), name: "p\(chat)", followedBy: [Int64(chat)]) }
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let application = bench.api.application(host: "127.0.0.1", port: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            running.yield($0)
        }
        let server = Task { try await application.run() }
        defer { server.cancel() }
        let port = try #require(await ports.first { _ in true })
        let address = "ws://127.0.0.1:\(port)/ws"
        for (path, token, status) in [("/ws", "wrong", 401), ("/other", Bench.serviceToken, 404)] {
            let client = try WebSocketClient("ws://127.0.0.1:\(port)\(path)", headers: [("Authorization", "Bearer \(token)")])
            let error = await #expect(throws: WebSocketError.self) { try await client.connect { _ in } }
            #expect(error?.status == status)
        }
        let readToken = bench.token([.read])
        let refused = try WebSocketClient(address, headers: [("Authorization", "Bearer \(readToken)")])
        let error = await #expect(throws: WebSocketError.self) { try await refused.connect { _ in } }
        #expect(error?.status == 403)
        try await WebSocketClient(address, headers: [("Authorization", "Bearer \(Bench.serviceToken)")]).connect { session in
            for chat in 1...50 {
                try await session.send(try JSONValueEncoder().encode(ChatRequest(id: "r\(chat)", chatID: Int64(chat), action: .listWatches)).text)
            }
            var names: [String: String] = [:]
            for try await case .text(let text) in session.messages {
                let reply = try JSONValue(parsing: text)
                names[reply["id"]?.stringValue ?? ""] = reply["result"]?["watches"]?[0]?["product"]?["name"]?.stringValue
                if names.count == 50 { break }
            }
            #expect(names == Dictionary(uniqueKeysWithValues: (1...50).map { ("r\($0)", "p\($0)") }))
        }
    }
}
