import Foundation
import HTTPFetch
import Logging
import Synchronization
import Testing

@Suite("Fetching", .timeLimit(.minutes(1)))
struct FetchTests {
    @Test("a page comes with status, headers, body and address")
    func page() async throws {
        try await withServer { exchange in
            exchange.answer("404 Not Found", headers: ["X-Kind: a", "x-kind: b"], body: Array("gone".utf8))
        } _: { server, fetcher in
            let response = try await fetcher.fetch(FetchRequest(url: server.url + "/a?b#c", headers: ["X-Own": "1"]))
            #expect(response.status == 404)
            #expect(response.headers.values(of: "X-KIND") == ["a", "b"])
            #expect(response.body == Array("gone".utf8))
            #expect(response.effectiveURL == server.url + "/a?b")
            let head = try #require(server.requests.first)
            #expect(head.hasPrefix("GET /a?b HTTP/1.1\r\n"))
            #expect(head.contains("X-Own: 1\r\n"))
            #expect(head.contains("User-Agent: Apium-HTTPFetch/1\r\n"))
        }
    }

    @Test("a form with a file is posted as multipart")
    func multipart() async throws {
        let received = Mutex<[UInt8]>([])
        let server = try LoopbackServer { exchange in
            received.withLock { $0 = exchange.body }
            exchange.answer()
        }
        defer { server.stop() }
        var form = MultipartForm()
        form.add(name: "chat_id", value: "7")
        form.add(name: "photo", filename: "a\"\r\nX: y.png", contentType: "image/png", bytes: [0, 1, 2, 255])
        try await withFetcher(.anywhere) { fetcher in
            _ = try await fetcher.fetch(.post(url: server.url + "/upload", form: form))
        }
        let body = received.withLock { $0 }
        #expect(body == form.encoded())
        let text = String(decoding: body, as: UTF8.self)
        #expect(text.contains("Content-Disposition: form-data; name=\"chat_id\"\r\n\r\n7\r\n"))
        #expect(text.contains("filename=\"a%22%0D%0AX: y.png\"\r\nContent-Type: image/png\r\n"))
        let head = try #require(server.requests.first)
        #expect(head.hasPrefix("POST /upload "))
        #expect(head.contains(form.contentType))
        #expect(!head.contains("Expect"))
    }

    @Test("methods go out as they are named, with and without a body", arguments: ["PUT", "PATCH", "DELETE", "POST", "HEAD"])
    func methods(_ name: String) async throws {
        try await withServer {
            $0.answer(headers: ["X-Length: \($0.body.count)"])
        } _: { server, fetcher in
            let method = try #require(FetchRequest.Method(rawValue: name))
            let plain = try await fetcher.fetch(FetchRequest(url: server.url, method: method))
            #expect(plain.headers["X-Length"] == "0")
            if method != .head {
                let full = try await fetcher.fetch(FetchRequest(url: server.url, method: method, body: [1, 2, 3]))
                #expect(full.headers["X-Length"] == "3")
            }
            #expect(server.requests.allSatisfy { $0.hasPrefix("\(name) / ") })
        }
    }

    @Test("a compressed body is decoded")
    func gzip() async throws {
        let packed: [UInt8] = [
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 215, 81, 72, 175, 202, 44, 0, 0, 74, 155, 177, 92, 11, 0, 0, 0,
        ]
        try await withServer {
            $0.answer(headers: ["Content-Encoding: gzip"], body: packed)
        } _: { server, fetcher in
            let response = try await fetcher.fetch(FetchRequest(url: server.url))
            #expect(String(decoding: response.body, as: UTF8.self) == "hello, gzip")
            #expect(server.requests.first?.contains("Accept-Encoding: ") == true)
        }
    }

    @Test("many fetches run at once on the one thread")
    func atOnce() async throws {
        try await withServer { exchange in
            exchange.answer(body: Array(exchange.path.utf8))
        } _: { server, fetcher in
            let bodies = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<100 {
                    group.addTask { String(decoding: try await fetcher.fetch(FetchRequest(url: server.url + "/\(number)")).body, as: UTF8.self) }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(bodies.count == 100)
            #expect(server.connections < 100)
        }
    }

    @Test("a header that would forge another is refused before it is sent")
    func forgedHeaders() async throws {
        try await withServer {
            $0.answer()
        } _: { server, fetcher in
            for headers: FetchHeaders in [["X": "a\r\nY: b"], ["X: y": "b"], ["": "b"], ["X": "\0"]] {
                await expect(.badRequest) { try await fetcher.fetch(FetchRequest(url: server.url, headers: headers)) }
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test("cancelling the task takes the transfer off the wire")
    func cancellation() async throws {
        let (hasArrived, arrived) = AsyncStream.makeStream(of: Void.self)
        let (hasLeft, left) = AsyncStream.makeStream(of: Void.self)
        try await withServer { exchange in
            arrived.yield()
            exchange.waitForClientToLeave()
            left.yield()
        } _: { server, fetcher in
            let url = server.url
            let task = Task { await code { try await fetcher.fetch(FetchRequest(url: url)) } }
            for await _ in hasArrived { break }
            task.cancel()
            #expect(await task.value == .cancelled)
            for await _ in hasLeft { break }
        }
    }

    @Test("a task that is cancelled already fetches nothing")
    func cancelledBefore() async throws {
        try await withServer {
            $0.answer()
        } _: { server, fetcher in
            let url = server.url
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return await code { try await fetcher.fetch(FetchRequest(url: url)) }
            }
            task.cancel()
            #expect(await task.value == .cancelled)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("shutting down fails what is under way, and what comes after")
    func shutdown() async throws {
        let (hasArrived, arrived) = AsyncStream.makeStream(of: Void.self)
        try await withServer { exchange in
            arrived.yield()
            exchange.waitForClientToLeave()
        } _: { server, fetcher in
            let url = server.url
            let task = Task { await code { try await fetcher.fetch(FetchRequest(url: url)) } }
            for await _ in hasArrived { break }
            await fetcher.shutdown()
            #expect(await task.value == .closed)
            await expect(.closed) { try await fetcher.fetch(FetchRequest(url: url)) }
            await fetcher.shutdown()
        }
    }
}
