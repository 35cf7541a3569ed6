import NIOCore
import Testing

@testable import RedisClient

@Suite("Encoding commands")
struct RedisCommandTests {
    private func text(_ command: RedisCommand, source: Bool = false) -> String {
        var output = OutgoingBytes()
        command.encode(into: &output, source: source)
        return output.pieces.map { String(buffer: $0) }.joined()
    }

    @Test("arguments of every type become bulk strings with their length in bytes")
    func arguments() {
        let command = RedisCommand("SET", "ключ", [UInt8]("a\r\nb".utf8), -7, Int64.max, ByteBuffer(string: "z"), "ab"[...])
        #expect(
            text(command)
                == "*7\r\n$3\r\nSET\r\n$8\r\nключ\r\n$4\r\na\r\nb\r\n$2\r\n-7\r\n$19\r\n9223372036854775807\r\n$1\r\nz\r\n$2\r\nab\r\n")
    }

    @Test("a command grows by single arguments and by lists")
    func appending() {
        var command = RedisCommand("DEL", arguments: ["a", "b"])
        command.append(3)
        command.append(contentsOf: ["", "d"])
        #expect(text(command) == "*6\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\n3\r\n$0\r\n\r\n$1\r\nd\r\n")
    }

    @Test("a script goes by its hash, or by its text")
    func scripts() {
        let script = RedisScript(name: "one", source: "return 1")
        let command = RedisCommand.eval(script, keys: ["k"], 5)
        #expect(text(command) == "*5\r\n$7\r\nEVALSHA\r\n$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n5\r\n")
        #expect(text(command, source: true) == "*5\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n5\r\n")
    }

    @Test(
        "SHA-1 agrees with published digests",
        arguments: [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            ("a * 1000000", "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ])
    func digest(message: String, digest: String) {
        let bytes = message == "a * 1000000" ? Array(repeating: UInt8(ascii: "a"), count: 1_000_000) : Array(message.utf8)
        #expect(SHA1.hexadecimal(bytes) == digest)
    }
}
