import NIOCore
import Testing

@testable import WebSocketUpgrade

@Suite("Handshakes are read strictly")
struct HandshakeTests {
    private func read(_ text: String, limit: Int = 200) -> HandshakeHead.Reading {
        HandshakeHead.read(ByteBuffer(string: text).readableBytesView, limit: limit)
    }

    @Test("a head is read field by field, and what follows it is left")
    func head() {
        guard case .complete(let head) = read("GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive ,\tUpgrade \r\n\r\n\u{1}\u{2}") else {
            Issue.record("not read")
            return
        }
        #expect(head.startLine == "GET /ws HTTP/1.1")
        #expect(head.headers.first(name: "host") == "shop")
        #expect(head.lists("upgrade", in: "Connection"))
        #expect(head.length == "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive ,\tUpgrade \r\n\r\n".utf8.count)
    }

    @Test("a head in parts is incomplete until the empty line, whatever the cut")
    func incomplete() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for length in 0..<text.utf8.count {
            #expect(HandshakeHead.read(ByteBuffer(bytes: text.utf8.prefix(length)).readableBytesView, limit: 200) == .incomplete)
        }
    }

    @Test(
        "what is odd is no head",
        arguments: [
            "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\nHo st: a\r\n\r\n", "GET / HTTP/1.1\r\n folded: a\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        ])
    func malformed(_ text: String) {
        #expect(read(text) == .malformed)
    }

    @Test("more bytes than the limit without an empty line are no head")
    func limit() {
        #expect(read("GET /" + String(repeating: "a", count: 200)) == .malformed)
    }

    @Test("addresses are read with their defaults")
    func addresses() throws {
        let plain = try WebSocketAddress("ws://shop.example")
        #expect((plain.host, plain.port, plain.target) == ("shop.example", 80, "/"))
        let full = try WebSocketAddress("WS://[::1]:8000/ws?a=b#c")
        #expect((full.host, full.port, full.target) == ("::1", 8000, "/ws?a=b"))
        #expect(full.description == "ws://[::1]:8000/ws?a=b")
        #expect(try WebSocketAddress("ws://a?b").target == "/?b")
    }

    @Test(
        "what is no address is refused with a reason",
        arguments: ["", "http://a/", "wss://a/", "ws://", "ws://:1/", "ws://a:0/", "ws://a:x", "ws://a:65536", "ws://u:p@a/", "ws://a/ b", "ws://a/\r\nX: y"])
    func badAddresses(_ text: String) {
        let error = #expect(throws: WebSocketError.self) { try WebSocketAddress(text) }
        #expect(error?.code == .invalidAddress)
    }

    @Test("a header that would break the request is refused")
    func badHeaders() {
        for header in [("A", "b\r\nC: d"), ("A b", "c"), ("", "c")] {
            #expect(throws: WebSocketError.self) { try WebSocketClient("ws://a/", headers: [header]) }
        }
    }

    @Test("the wait doubles up to the maximum and is never less than half of it")
    func backoff() {
        let backoff = WebSocketBackoff(base: .milliseconds(100), maximum: .seconds(1))
        for (failures, most) in [(0, 100), (1, 100), (2, 200), (3, 400), (5, 1000), (60, 1000)] {
            let delay = backoff.delay(afterFailures: failures)
            #expect(delay <= .milliseconds(most) && delay >= .milliseconds(most / 2))
        }
    }
}
