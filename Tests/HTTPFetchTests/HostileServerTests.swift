import HTTPFetch
import Logging
import Testing

@Suite("Hostile servers", .timeLimit(.minutes(1)))
struct HostileServerTests {
    @Test(
        "without an allow list a loopback server is not reached, whatever its spelling", arguments: ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]"])
    func loopback(_ host: String) async throws {
        let server = try LoopbackServer { $0.answer() }
        defer { server.stop() }
        let refused = try await withFetcher(.publicInternet) { fetcher in
            await code { try await fetcher.fetch(FetchRequest(url: "http://\(host):\(server.port)/")) }
        }
        #expect(refused == .refusedAddress)
        #expect(server.connections == 0)
    }

    @Test("a name that resolves to a refused address is stopped at the moment of connecting")
    func resolvedName() async throws {
        // `localhost.localdomain` is no special-use name, so only the guard at connect time can refuse it; where it does not
        // resolve, the fetch fails for that reason.
        let refused = try await withFetcher(.publicInternet) { fetcher in
            await code { try await fetcher.fetch(FetchRequest(url: "http://localhost.localdomain/")) }
        }
        #expect(refused == .refusedAddress || refused == .nameNotResolved)
    }

    @Test("an allowed host's redirect to a refused address is not followed", arguments: ["301 M", "302 F", "303 S", "307 T", "308 P"])
    func redirectToRefused(_ status: String) async throws {
        let inner = try LoopbackServer { $0.answer() }
        defer { inner.stop() }
        for target in ["http://127.0.0.1:\(inner.port)/", "http://localhost:\(inner.port)/", "//127.0.0.1:\(inner.port)/", "http://2130706433/"] {
            try await withServer {
                $0.answer(status, headers: ["Location: \(target)"])
            } _: { server, fetcher in
                await expect(.refusedAddress) { try await fetcher.fetch(FetchRequest(url: server.url)) }
            }
        }
        #expect(inner.connections == 0)
    }

    @Test("a redirect to another scheme is not followed", arguments: ["file:///etc/passwd", "ftp://shop.ru/", "javascript:alert(1)"])
    func redirectToScheme(_ target: String) async throws {
        try await withServer {
            $0.answer("302 Found", headers: ["Location: \(target)"])
        } _: { server, fetcher in
            await expect(.unsupportedScheme) { try await fetcher.fetch(FetchRequest(url: server.url)) }
        }
    }

    @Test("a pooled connection to an allowed host does not serve a refused spelling of it")
    func reuse() async throws {
        try await withServer {
            $0.answer()
        } _: { server, fetcher in
            let first = try await fetcher.fetch(FetchRequest(url: server.url))
            #expect(first.status == 200)
            for host in ["0x7f.1", "2130706433", "127.1", "localhost"] {
                await expect(.refusedAddress) { try await fetcher.fetch(FetchRequest(url: "http://\(host):\(server.port)/")) }
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("redirects are followed to the end, and credentials stay with their origin")
    func redirects() async throws {
        let other = try LoopbackServer { $0.answer(body: Array("end".utf8)) }
        defer { other.stop() }
        let server = try LoopbackServer { exchange in
            switch exchange.path {
            case "/": exchange.answer("303 See Other", headers: ["Location: next"])
            default: exchange.answer("307 Temporary Redirect", headers: ["Location: http://127.0.0.1:\(other.port)/конец"])
            }
        }
        defer { server.stop() }
        try await withFetcher(try .publicInternet(allowing: ["127.0.0.1"])) { fetcher in
            let request = FetchRequest(url: server.url, method: .post, headers: ["Authorization": "Bearer x"], body: [1])
            let response = try await fetcher.fetch(request)
            #expect(response.body == Array("end".utf8))
            #expect(response.effectiveURL == "http://127.0.0.1:\(other.port)/%D0%BA%D0%BE%D0%BD%D0%B5%D1%86")
        }
        #expect(server.requests.map { String($0.prefix(10)) } == ["POST / HTT", "GET /next "])
        #expect(server.requests.allSatisfy { $0.contains("Authorization") })
        #expect(other.requests.allSatisfy { !$0.contains("Authorization") })
    }

    @Test("a chain of redirects that never ends is ended")
    func endlessRedirects() async throws {
        try await withServer {
            $0.answer("302 Found", headers: ["Location: \($0.path)x"])
        } _: { server, fetcher in
            let request = FetchRequest(url: server.url, limits: FetchLimits(redirects: 3))
            await expect(.tooManyRedirects) { try await fetcher.fetch(request) }
            #expect(server.requests.count == 4)
            let unfollowed = try await fetcher.fetch(FetchRequest(url: server.url, limits: FetchLimits(redirects: 0)))
            #expect(unfollowed.status == 302)
        }
    }

    @Test("a body above the limit is refused, announced or not")
    func largeBody() async throws {
        let large = [UInt8](repeating: 65, count: 5000)
        try await withServer(limits: FetchLimits(total: .seconds(10), bodyBytes: 4999)) { exchange in
            if exchange.path == "/announced" {
                exchange.answer(body: large)
            } else {
                exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while exchange.send("100\r\n" + String(repeating: "a", count: 256) + "\r\n") {}
            }
        } _: { server, fetcher in
            await expect(.tooLarge) { try await fetcher.fetch(FetchRequest(url: server.url + "/announced")) }
            await expect(.tooLarge) { try await fetcher.fetch(FetchRequest(url: server.url + "/endless")) }
            let request = FetchRequest(url: server.url + "/announced", limits: FetchLimits(bodyBytes: 5000))
            let response = try await fetcher.fetch(request)
            #expect(response.body.count == 5000)
        }
    }

    @Test("a decompression bomb is stopped at the limit of the decoded size")
    func bomb() async throws {
        let bomb = Deflate.gzipOfZeros(repeats: 200_000)
        #expect(bomb.count < 400_000)
        try await withServer {
            $0.answer(headers: ["Content-Encoding: gzip"], body: bomb)
        } _: { server, fetcher in
            await expect(.tooLarge) { try await fetcher.fetch(FetchRequest(url: server.url)) }
        }
    }

    @Test("headers above the limit are refused")
    func largeHeaders() async throws {
        try await withServer(limits: FetchLimits(total: .seconds(10), headerBytes: 4096)) { exchange in
            exchange.send("HTTP/1.1 200 OK\r\n")
            while exchange.send("X-Noise: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n") {}
        } _: { server, fetcher in
            await expect(.tooLarge) { try await fetcher.fetch(FetchRequest(url: server.url)) }
        }
    }

    @Test("a body that drips is ended by the total time, and stops nobody else")
    func slowBody() async throws {
        try await withServer { exchange in
            guard exchange.path == "/slow" else { return exchange.answer() }
            exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            exchange.waitForClientToLeave()
        } _: { server, fetcher in
            let slow = FetchRequest(url: server.url + "/slow", limits: FetchLimits(total: .milliseconds(300)))
            async let slowCode = code { try await fetcher.fetch(slow) }
            let fast = try await fetcher.fetch(FetchRequest(url: server.url + "/fast"))
            #expect(fast.status == 200)
            #expect(await slowCode == .timedOut)
        }
    }

    @Test("an answer that is cut, empty or no HTTP is an error of its own")
    func brokenAnswers() async throws {
        try await withServer { exchange in
            switch exchange.path {
            case "/cut": exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            case "/nonsense": exchange.send("what do you want?\r\n\r\n")
            case "/badgzip": exchange.answer(headers: ["Content-Encoding: gzip"], body: Array("no gzip".utf8))
            default: break
            }
            exchange.close()
        } _: { server, fetcher in
            await expect(.connectionLost) { try await fetcher.fetch(FetchRequest(url: server.url + "/cut")) }
            await expect(.connectionLost) { try await fetcher.fetch(FetchRequest(url: server.url + "/empty")) }
            await expect(.badResponse) { try await fetcher.fetch(FetchRequest(url: server.url + "/nonsense")) }
            await expect(.badResponse) { try await fetcher.fetch(FetchRequest(url: server.url + "/badgzip")) }
        }
    }

    @Test("nobody at the port, and plain text where TLS should be, are told apart")
    func noPeer() async throws {
        let server = try LoopbackServer(greeting: "220 mail.example\r\n") { $0.answer() }
        defer { server.stop() }
        let gone = try LoopbackServer { $0.answer() }
        gone.stop()
        try await withFetcher(.anywhere) { fetcher in
            await expect(.tls) { try await fetcher.fetch(FetchRequest(url: "https://127.0.0.1:\(server.port)/")) }
            await expect(.connectFailed) { try await fetcher.fetch(FetchRequest(url: "http://127.0.0.1:\(gone.port)/")) }
        }
    }
}
