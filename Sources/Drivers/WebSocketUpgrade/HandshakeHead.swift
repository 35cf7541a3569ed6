import NIOCore
import NIOHTTP1

/// The start line and the header fields of a handshake message, read strictly: what is odd here is no handshake.
struct HandshakeHead: Equatable {
    /// For example `GET /ws HTTP/1.1`, `HTTP/1.1 101 Switching Protocols`.
    var startLine: String
    /// The fields in order.
    var headers: HTTPHeaders
    /// How many bytes the head took, with the empty line.
    var length: Int

    /// What the bytes so far are.
    enum Reading: Equatable {
        /// The empty line has not come yet.
        case incomplete
        /// No HTTP/1 head, or one above the limit.
        case malformed
        /// A head.
        case complete(HandshakeHead)
    }

    /// Reads a head from the beginning of `bytes`; more than `limit` bytes without an empty line are malformed.
    static func read(_ bytes: ByteBufferView, limit: Int) -> Reading {
        guard let end = endOfHead(bytes, limit: limit) else { return bytes.count > limit ? .malformed : .incomplete }
        guard let text = String(validating: bytes[bytes.startIndex..<end], as: UTF8.self) else { return .malformed }
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).makeIterator()
        guard let startLine = lines.next(), !startLine.isEmpty else { return .malformed }
        var headers = HTTPHeaders()
        while let line = lines.next() {
            guard let colon = line.firstIndex(of: ":") else { return .malformed }
            let name = line[..<colon]
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else { return .malformed }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            guard !value.utf8.contains(where: { $0 == 13 || $0 == 10 || $0 == 0 }) else { return .malformed }
            headers.add(name: String(name), value: String(value).trimmedOfBlanks)
        }
        return .complete(HandshakeHead(startLine: String(startLine), headers: headers, length: end - bytes.startIndex + 4))
    }

    /// Where the `\r\n\r\n` begins.
    private static func endOfHead(_ bytes: ByteBufferView, limit: Int) -> Int? {
        var index = bytes.startIndex
        let last = min(bytes.endIndex, bytes.startIndex + limit)
        while index + 4 <= last {
            if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10 { return index }
            index += 1
        }
        return nil
    }

    /// RFC 9110's token characters.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Whether a list field holds a token, in any case.
    func lists(_ token: String, in name: String) -> Bool {
        headers[canonicalForm: name].contains { $0.lowercased() == token }
    }
}

extension String {
    /// Without spaces and tabs at its ends.
    var trimmedOfBlanks: String {
        var scalars = Substring(self).unicodeScalars
        while let last = scalars.last, last == " " || last == "\t" { scalars.removeLast() }
        while let first = scalars.first, first == " " || first == "\t" { scalars.removeFirst() }
        return String(scalars)
    }
}
