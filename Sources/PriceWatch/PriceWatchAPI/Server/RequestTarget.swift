/// The path and the query of a request, taken apart and percent-decoded.
struct RequestTarget: Equatable {
    /// The path as it came, for logs.
    var rawPath: String
    /// The path's parts, decoded. A slash at the end makes an empty last part, which no route has.
    var parts: [String]
    /// The query's pairs in order, decoded.
    var query: [(name: String, value: String)]

    /// Reads a request target; `nil` when an escape is damaged or the text is not UTF-8.
    init?(_ target: String) {
        let text = target.prefix { $0 != "#" }
        let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = halves.first, path.hasPrefix("/") else { return nil }
        rawPath = String(path)
        parts = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = Self.decode(part) else { return nil }
            parts.append(decoded)
        }
        query = []
        guard halves.count == 2 else { return }
        for pair in halves[1].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(sides[0], plusIsSpace: true), let value = Self.decode(sides.count > 1 ? sides[1] : "", plusIsSpace: true) else {
                return nil
            }
            query.append((name, value))
        }
    }

    /// Undoes percent-encoding; `nil` when it is damaged or its bytes are not UTF-8.
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(32)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    static func == (left: RequestTarget, right: RequestTarget) -> Bool {
        left.rawPath == right.rawPath && left.parts == right.parts && left.query.elementsEqual(right.query) { $0 == $1 }
    }
}
