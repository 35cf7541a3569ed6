import DynamicJSON
import Testing

@testable import PriceWatchAPI

@Suite("Requests", .timeLimit(.minutes(1)))
struct RequestTests {
    @Test("targets are taken apart and decoded, damaged ones are refused")
    func targets() throws {
        let target = try #require(RequestTarget("/a%20b/%D0%B6?q=x+y%2B&empty&=v#f"))
        #expect(target.parts == ["a b", "ж"])
        #expect(target.query.map(\.name) == ["q", "empty", ""])
        #expect(target.query.map(\.value) == ["x y+", "", "v"])
        for damaged in ["", "a", "*", "/%", "/%4", "/%zz", "/%ff", "/?q=%c3"] { #expect(RequestTarget(damaged) == nil, "\(damaged)") }
    }

    @Test("without a token, with a damaged one and with an unknown one the answer is 401 and says how")
    func unauthorized() async throws {
        let bench = Bench()
        for headers in [[:], ["Authorization": "Basic abc"], ["Authorization": "Bearer"], ["Authorization": "Bearer unknown"], ["Authorization": "Bearer a b"]]
        {
            let reply = try await bench.send(.get, "/api/v1/products", token: nil, headers: headers)
            #expect(reply.status == 401 && reply.code == "unauthorized")
            #expect(reply.header("WWW-Authenticate")?.hasPrefix("Bearer") == true)
        }
    }

    @Test("a token is looked up once in a while, not for each request")
    func lookups() async throws {
        let bench = Bench()
        let token = bench.token([.read])
        for _ in 0..<5 { #expect(try await bench.send(.get, "/api/v1/products", token: token).status == 200) }
        for _ in 0..<5 { try await bench.send(.get, "/api/v1/products", token: "guess") }
        #expect(bench.world.read { $0.tokenLookups } == 2)
    }

    @Test(
        "a scope that is missing is 403",
        arguments: [("GET", "/api/v1/products"), ("POST", "/api/v1/watches"), ("POST", "/api/v1/jobs"), ("GET", "/api/v1/jobs/x")])
    func scopes(_ method: String, _ path: String) async throws {
        let bench = Bench()
        let token = bench.token(method == "GET" && path.hasSuffix("products") ? [.write, .jobs] : [.read])
        let reply = try await bench.send(try #require(.init(method)), path, token: token, json: method == "POST" ? [:] : nil)
        #expect(reply.status == 403 && reply.code == "forbidden")
    }

    @Test("too many requests of a token are 429 with a time to wait, and another token's go on")
    func rate() async throws {
        let bench = Bench(rateLimit: RateLimit(perSecond: 1, burst: 3))
        let (first, second) = (bench.token([.read]), bench.token([.read]))
        for _ in 0..<3 { #expect(try await bench.send(.get, "/api/v1/products", token: first).status == 200) }
        let reply = try await bench.send(.get, "/api/v1/products", token: first)
        #expect(reply.status == 429 && reply.code == "rate_limited" && reply.header("Retry-After") == "1")
        #expect(try await bench.send(.get, "/api/v1/products", token: second).status == 200)
    }

    @Test("a job for a full queue is 429 with a time to wait, and is not enqueued", arguments: [true, false])
    func fullQueue(byName: Bool) async throws {
        let bench = Bench(queueLimits: ["interactive": 1])
        let token = bench.token([.write, .jobs], jobs: ["pricewatch.*"])
        func ask() async throws -> Reply {
            byName
                ? try await bench.send(
                    .post, "/api/v1/jobs", token: token, json: ["task": "pricewatch.remove_watch", "kwargs": ["chat_id": 1, "watch_id": 2]])
                : try await bench.send(.post, "/api/v1/watches", token: token, json: ["chat_id": 1, "link": "https://shop.example/1"])
        }
        #expect(try await ask().status == 202)
        let reply = try await ask()
        #expect(reply.status == 429 && reply.code == "queue_full" && reply.header("Retry-After") == "5")
        #expect(try await bench.broker.queueLength("interactive") == 1)
    }

    @Test("a bucket fills with time up to its burst")
    func bucket() {
        let buckets = TokenBuckets()
        let (limit, start) = (RateLimit(perSecond: 2, burst: 2), ContinuousClock.now)
        #expect(buckets.take(from: 1, limit: limit, now: start) == nil)
        #expect(buckets.take(from: 1, limit: limit, now: start) == nil)
        #expect(buckets.take(from: 1, limit: limit, now: start) == .seconds(0.5))
        #expect(buckets.take(from: 1, limit: limit, now: start + .seconds(0.5)) == nil)
        #expect(buckets.take(from: 1, limit: limit, now: start + .seconds(100)) == nil)
        #expect(buckets.take(from: 1, limit: limit, now: start + .seconds(100)) == nil)
        #expect(buckets.take(from: 1, limit: limit, now: start + .seconds(100)) != nil)
    }

    @Test("unknown paths are 404, known paths with another method are 405 with Allow, a slash at the end is another path")
    func routes() async throws {
        let bench = Bench()
        #expect(try await bench.send(.get, "/nothing").code == "not_found")
        #expect(try await bench.send(.get, "/api/v1/products/").status == 404)
        let reply = try await bench.send(.put, "/api/v1/products")
        #expect(reply.status == 405 && reply.header("Allow") == "GET, HEAD")
        #expect(try await bench.send(.get, "/%zz").code == "bad_request")
    }

    @Test("HEAD answers as GET without the body")
    func head() async throws {
        let bench = Bench()
        let (get, head) = (try await bench.send(.get, "/api/v1/products"), try await bench.send(.head, "/api/v1/products"))
        #expect(head.status == 200 && head.bytes.isEmpty && head.header("Content-Length") == "\(get.bytes.count)")
    }

    @Test("what the asker does not accept is 406")
    func accept() async throws {
        let bench = Bench()
        for (accept, status) in [
            ("text/html", 406), ("application/json;q=0", 406), ("*/*", 200), ("application/*", 200), ("text/html, application/json;q=0.5", 200),
        ] {
            #expect(try await bench.send(.get, "/api/v1/products", headers: ["Accept": accept]).status == status, "\(accept)")
        }
    }

    @Test("unknown, repeated and unfit query parameters are 422 and named")
    func query() async throws {
        let bench = Bench()
        for (query, field) in [
            ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("limit=1&limit=2", "limit"), ("evil=1", "evil"), ("search=%00", "search"),
        ] {
            let reply = try await bench.send(.get, "/api/v1/products?\(query)")
            #expect(reply.status == 422 && reply.code == "invalid_field" && reply.field == field, "\(query)")
        }
        #expect(try await bench.send(.get, "/api/v1/watches").field == "chat_id")
        #expect(try await bench.send(.get, "/api/v1/products/seven").field == "id")
        #expect(try await bench.send(.get, "/api/v1/products/0").field == "id")
    }

    @Test("a body must be JSON in UTF-8, small and shallow")
    func bodies() async throws {
        let bench = Bench()
        func send(_ body: [UInt8], _ type: String = "application/json") async throws -> Reply {
            try await bench.send(.post, "/api/v1/preview", body: body, headers: ["Content-Type": type])
        }
        let fine = Array(#"{"link":"https://shop.example/"}"#.utf8)
        #expect(try await send(fine).status == 422)
        #expect(try await send(fine, "application/json; charset=utf-8").status == 422)
        #expect(try await send(fine, "text/plain").code == "unsupported_media_type")
        #expect(try await send(fine, "application/json; charset=latin1").status == 415)
        #expect(try await send([]).code == "invalid_json")
        #expect(try await send(Array("{".utf8)).code == "invalid_json")
        #expect(try await send(Array("{\"link\":\"\u{0}\"}".utf8)).status == 400)
        #expect(try await send([0x22, 0xFF, 0x22]).code == "invalid_json")
        #expect(try await send(Array(String(repeating: "[", count: 100).utf8)).code == "invalid_json")
        #expect(try await send(Array(repeating: 0x20, count: Limits.body + 1)).code == "too_large")
        #expect(
            try await bench.send(.post, "/api/v1/preview", body: fine, headers: ["Content-Type": "application/json", "Content-Encoding": "gzip"]).status == 415)
    }

    @Test("fields that are unknown, missing or of the wrong type are 422 and named")
    func fields() async throws {
        let bench = Bench()
        let cases: [(JSONValue, String?)] = [
            ([:], "chat_id"), (["chat_id": 1], "link"), (["chat_id": "1", "link": "x"], "chat_id"), (["chat_id": 1, "link": ""], "link"),
            (["chat_id": 1, "link": "x", "is_admin": true], "is_admin"), (["chat_id": 1, "link": "x", "language": "de"], "language"), ([], nil), ("text", nil),
        ]
        for (body, field) in cases {
            let reply = try await bench.send(.post, "/api/v1/watches", json: body)
            #expect(reply.status == 422 && reply.code == "invalid_field" && reply.field == field, "\(body)")
        }
    }

    @Test("a fault behind the API is 503 and says nothing of it; a request id that may be logged comes back")
    func faults() async throws {
        let bench = Bench()
        bench.world.change { $0.isBroken = true }
        let reply = try await bench.send(.get, "/api/v1/products", headers: ["X-Request-ID": "abcdefgh-1"])
        #expect(reply.status == 503 && reply.code == "unavailable" && !reply.text.contains("Broken"))
        #expect(reply.header("X-Request-ID") == "abcdefgh-1")
        let other = try await bench.send(.get, "/health/live", headers: ["X-Request-ID": "a b\"c"])
        #expect(other.header("X-Request-ID") != nil && other.header("X-Request-ID") != "a b\"c")
    }

    @Test("the open routes need no token and say what they should")
    func open() async throws {
        let bench = Bench()
        #expect(try await bench.send(.get, "/health/live", token: nil).json == ["status": "live"])
        #expect(try await bench.send(.get, "/health/ready", token: nil).json == ["ready": true, "parts": ["part": true]])
        bench.world.change { $0.isReady = false }
        let unready = try await bench.send(.get, "/health/ready", token: nil)
        #expect(unready.status == 503 && unready.json == ["ready": false, "parts": ["part": false]])
        #expect(try await bench.send(.get, "/metrics", token: nil).text == "up 1\n")
        #expect(try await bench.send(.get, "/openapi.json", token: nil).json == bench.api.openAPI)
        let docs = try await bench.send(.get, "/docs", token: nil)
        #expect(docs.status == 200 && docs.text.contains("<title>PriceWatch API</title>"))
        #expect(docs.header("Content-Security-Policy")?.contains("default-src 'none'") == true)
    }

    @Test(
        "bytes are written in Base64 as RFC 4648's examples are", arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
    func base64(_ text: String, _ encoded: String) {
        #expect(DocsPage.base64(Array(text.utf8)) == encoded)
    }

    @Test("the documentation page loads nothing from elsewhere")
    func offline() async throws {
        let page = try await Bench().send(.get, "/docs", token: nil).text
        for foreign in ["src=\"http", "href=\"http", "url(http", "@import", "//cdn"] { #expect(!page.contains(foreign)) }
    }
}
