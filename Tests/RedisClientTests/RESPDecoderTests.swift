import Testing

@testable import RedisClient

@Suite("Decoding replies")
struct RESPDecoderTests {
    private static let stream =
        "+OK\r\n-NOSCRIPT No matching script\r\n:-42\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n"
        + "*3\r\n:1\r\n*2\r\n$2\r\na\r\r\n+x\r\n$4\r\n\r\n\r\n\r\n*1\r\n*1\r\n*1\r\n:9223372036854775807\r\n"

    private static let values: [RESPValue] = [
        .simple("OK"), .error(RedisServerError(code: "NOSCRIPT", message: "No matching script")), .integer(-42), .bulk(Array("hello".utf8)),
        .null, .null, .array([]), .bulk([]),
        .array([.integer(1), .array([.bulk(Array("a\r".utf8)), .simple("x")]), .bulk(Array("\r\n\r\n".utf8))]),
        .array([.array([.array([.integer(.max)])])]),
    ]

    private func decode(_ pieces: [[UInt8]]) throws -> [RESPValue] {
        let decoder = try RESPDecoder()
        var values: [RESPValue] = []
        for piece in pieces { try piece.withUnsafeBytes { try decoder.decode($0) { values.append($0) } } }
        return values
    }

    @Test("replies are the same in whatever pieces they arrive", arguments: 1...120)
    func chunks(size: Int) throws {
        let bytes = Array(Self.stream.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        #expect(try decode(pieces) == Self.values)
    }

    @Test("replies are the same for every place of one cut")
    func cuts() throws {
        let bytes = Array(Self.stream.utf8)
        for cut in 0...bytes.count {
            #expect(try decode([Array(bytes[..<cut]), Array(bytes[cut...])]) == Self.values, "cut after \(cut) bytes")
        }
    }

    @Test("a receive buffer with thousands of replies, and a reply of a megabyte, come out whole")
    func large() throws {
        let many = Array(String(repeating: ":7\r\n", count: 50_000).utf8)
        #expect(try decode([many]) == Array(repeating: .integer(7), count: 50_000))
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
        let big = Array("*2\r\n$1000000\r\n".utf8) + body + Array("\r\n+end\r\n".utf8)
        #expect(try decode([big]) == [.array([.bulk(body), .simple("end")])])
    }

    @Test(
        "replies above a mebibyte come out whole in whatever pieces they arrive, alone, beside others and in arrays",
        arguments: [1 << 20, (1 << 20) + 1, 3_000_001])
    func long(length: Int) throws {
        let body = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let bulk = Array("$\(length)\r\n".utf8) + body + Array("\r\n".utf8)
        let stream =
            Array("+OK\r\n$2000\r\n\(String(repeating: "x", count: 2000))\r\n".utf8) + bulk + bulk + Array("*2\r\n".utf8) + bulk + Array(":1\r\n:2\r\n".utf8)
            + bulk
        let short = Array(repeating: UInt8(ascii: "x"), count: 2000)
        let expected: [RESPValue] = [.simple("OK"), .bulk(short), .bulk(body), .bulk(body), .array([.bulk(body), .integer(1)]), .integer(2), .bulk(body)]
        for size in [4096, 65_521, 1 << 20, stream.count] {
            let pieces = stride(from: 0, to: stream.count, by: size).map { Array(stream[$0..<min($0 + size, stream.count)]) }
            #expect(try decode(pieces) == expected, "pieces of \(size)")
        }
        // The last bytes one by one.
        let tail = stream.count - 3
        #expect(try decode([Array(stream[..<tail])] + stream[tail...].map { [$0] }) == expected)
    }

    @Test("a line of a mebibyte that is no bulk string is what hiredis makes of it", arguments: ["+", ":", "-"])
    func longLine(type: String) throws {
        let line = Array(type.utf8) + Array(repeating: UInt8(ascii: "1"), count: 1 << 20)
        #expect(try decode([line]).isEmpty)
    }

    @Test("what isn't RESP2 is a typed error", arguments: ["?what\r\n", "%1\r\n+a\r\n+b\r\n", "GET / HTTP/1.1\r\n", "*1\r\n%\r\n"])
    func garbage(text: String) throws {
        let error = #expect(throws: RedisClientError.self) { try decode([Array(text.utf8)]) }
        #expect(error?.code == .protocolViolation)
    }

    @Test("an array that is announced longer than it comes reserves little and gives nothing yet")
    func announced() throws {
        #expect(try decode([Array("*1000000000\r\n:1\r\n".utf8)]).isEmpty)
    }

    @Test("nesting deeper than the codec allows is a typed error, not a crash")
    func nesting() throws {
        let error = #expect(throws: RedisClientError.self) { try decode([Array(String(repeating: "*1\r\n", count: 200).utf8)]) }
        #expect(error?.code == .protocolViolation)
    }
}

@Suite("Reading replies")
struct RESPValueTests {
    @Test("accessors read what the type allows and nothing else")
    func accessors() throws {
        #expect(RESPValue.bulk(Array("12".utf8)).int == 12)
        #expect(RESPValue.integer(12).string == nil)
        #expect(RESPValue.simple("OK").bytes == Array("OK".utf8))
        #expect(RESPValue.bulk(Array("-inf".utf8)).double == -.infinity)
        #expect(try RESPValue.array([.simple("a"), .integer(1)]).asPairs().map(\.value) == [.integer(1)])
        #expect(RESPValue.null.isNull)
    }

    @Test("a reply of another type says what came, without its data")
    func mismatch() throws {
        let error = #expect(throws: RedisClientError.self) { try RESPValue.bulk(Array("secret".utf8)).asArray() }
        #expect(error?.code == .unexpectedReply)
        #expect(error?.description.contains("a bulk string") == true)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("an error reply is thrown as the server's error")
    func serverError() {
        let reply = RESPValue.error(RedisServerError(line: "WRONGTYPE Operation against a key"))
        #expect(throws: RedisServerError(code: "WRONGTYPE", message: "Operation against a key")) { try reply.asInt() }
    }
}
