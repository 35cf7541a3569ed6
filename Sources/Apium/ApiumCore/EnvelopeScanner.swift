import DynamicJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads a message's envelope where it lies: no tree, and no copy of what nobody asks for.
///
/// Objects are visited member by member; only values that are arrays or objects themselves go through `DynamicJSON`.
struct EnvelopeScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// Where the scanner stands.
    private(set) var position = 0

    /// Makes a scanner; `bytes` must outlive it.
    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// The name of a member as it stands in the message: most are compared, and never made a text.
    struct Key {
        fileprivate let bytes: UnsafeBufferPointer<UInt8>
        /// What a name with escapes stands for.
        fileprivate let unescaped: String?

        /// How many bytes it has in UTF-8.
        var count: Int { unescaped?.utf8.count ?? bytes.count }

        /// The name, for what is kept and for errors.
        var text: String { unescaped ?? String(decoding: bytes, as: UTF8.self) }

        @inline(__always)
        static func ~= (name: StaticString, key: Key) -> Bool { key == name }

        @inline(__always)
        static func == (key: Key, name: StaticString) -> Bool {
            guard key.unescaped == nil else { return key.unescaped == "\(name)" }
            guard key.bytes.count == name.utf8CodeUnitCount else { return false }
            for index in key.bytes.indices where key.bytes[index] != name.utf8Start[index] { return false }
            return true
        }
    }

    private mutating func key() throws -> Key {
        let token = try stringToken()
        if !token.escaped, !token.isASCII, PlainText.text(token.bytes, isASCII: false) == nil { throw malformed("a string is not UTF-8") }
        return Key(bytes: token.bytes, unescaped: token.escaped ? try unescaped(token) : nil)
    }

    /// Calls `visit` for each member of the object here, the scanner standing at its value; `visit` must consume the value.
    mutating func object(_ visit: (Key, inout EnvelopeScanner) throws -> Void) throws {
        try expect(UInt8(ascii: "{"), "an object")
        if accept(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            let key = try key()
            try expect(UInt8(ascii: ":"), "a colon after a key")
            skipSpace()
            try visit(key, &self)
        } while accept(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"), "the end of an object")
    }

    /// Checks that nothing but white space is left.
    mutating func end() throws {
        skipSpace()
        if position != bytes.count { throw malformed("nothing more was expected") }
    }

    /// Whether nothing is left, not even white space.
    var isAtEnd: Bool { position == bytes.count }

    /// Moves behind these bytes, if they stand here.
    mutating func pass(_ known: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard known.count <= bytes.count - position, bytes.starts(with: known, at: position) else { return false }
        position += known.count
        return true
    }

    /// The byte at the scanner; 0 at the end.
    var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    /// Reads `null`, if it stands here.
    mutating func null() -> Bool { literal("null") }

    /// Reads a pair of nulls as Python writes it, if it stands here.
    mutating func nulls() -> Bool { literal("[null, null]") }

    /// Reads a string.
    mutating func string() throws -> String { try text(stringToken()) }

    private func text(_ token: StringToken) throws -> String {
        guard token.escaped else {
            guard let text = PlainText.text(token.bytes, isASCII: token.isASCII) else { throw malformed("a string is not UTF-8") }
            return text
        }
        return try unescaped(token)
    }

    /// Reads a string; one that is the same as `known` shares its storage. A message names its id three times.
    mutating func string(sharing known: String?) throws -> String { try text(stringToken(), sharing: known) }

    /// The text of a string, see ``string(sharing:)``.
    func text(_ token: StringToken, sharing known: String?) throws -> String {
        if let known, token.equals(known) { return known }
        return try text(token)
    }

    /// Reads a value of any kind.
    mutating func value() throws -> JSONValue {
        switch next {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "n") where literal("null"): return .null
        case UInt8(ascii: "t") where literal("true"): return .bool(true)
        case UInt8(ascii: "f") where literal("false"): return .bool(false)
        default: return try number() ?? parsed()
        }
    }

    /// A string as it stands, without its quotes.
    struct StringToken {
        var bytes: UnsafeBufferPointer<UInt8>
        var escaped: Bool
        var isASCII: Bool

        /// Whether it is this text.
        @inline(__always)
        func equals(_ text: String) -> Bool {
            guard !escaped, text.utf8.count == bytes.count else { return false }
            return text.utf8.withContiguousStorageIfAvailable { bytes.starts(with: $0[...], at: 0) } ?? false
        }
    }

    /// Finds the string here, without decoding it.
    mutating func stringToken() throws -> StringToken {
        guard next == UInt8(ascii: "\"") else { throw malformed("a string was expected") }
        let start = position + 1
        var index = start
        var escaped = false
        var isASCII = true
        while index < bytes.count {
            let plain = PlainText.end(in: bytes, from: index)
            index = plain.end
            isASCII = isASCII && plain.isASCII
            guard index < bytes.count else { break }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                return StringToken(bytes: UnsafeBufferPointer(rebasing: bytes[start..<index]), escaped: escaped, isASCII: isASCII)
            case UInt8(ascii: "\\"):
                escaped = true
                index += 2
            default: throw malformed("a control character stands in a string", at: index)
            }
        }
        throw malformed("a string has no end")
    }

    /// The bytes of a string, for what is read later by somebody who checks them.
    func contents(_ token: StringToken) throws -> [UInt8] {
        guard token.escaped else { return Array(token.bytes) }
        return try unescapedQuickly(token.bytes) ?? Array(unescaped(token).utf8)
    }

    /// Replaces the escapes that stand for one byte; `nil` when there are others.
    private func unescapedQuickly(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let end = PlainText.end(in: bytes, from: index).end
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[index..<end]))
            guard end < bytes.count else { break }
            guard end + 1 < bytes.count, let byte = Self.escape(bytes[end + 1]) else { return nil }
            output.append(byte)
            index = end + 2
        }
        return output
    }

    /// What a backslash and this byte stand for, if that is one byte.
    private static func escape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: nil
        }
    }

    /// The text of a string with escapes: DynamicJSON knows them all.
    func unescaped(_ token: StringToken) throws -> String {
        guard let start = token.bytes.baseAddress else { return "" }
        // The quotes stand on both sides of the token.
        let quoted = UnsafeBufferPointer(start: start - 1, count: token.bytes.count + 2)
        do {
            guard case .string(let text) = try JSONValue(parsing: quoted, limits: JSONLimits(bytes: .max)) else { throw malformed("a string was expected") }
            return text
        } catch let error as JSONError {
            throw malformed("a string is damaged", underlying: error)
        }
    }

    /// What is wrong at the scanner's place.
    func malformed(_ what: String, at index: Int? = nil, underlying: (any Error)? = nil) -> ApiumError {
        ApiumError(.malformedMessage, "byte \(index ?? position) of the message: \(what)", underlying: underlying)
    }

    /// Reads an integer of at most 18 digits; anything else is left to ``parsed()``.
    private mutating func number() -> JSONValue? {
        var index = position
        let negative = next == UInt8(ascii: "-")
        if negative { index += 1 }
        let start = index
        var number: Int64 = 0
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]), index - start < 19 {
            number = number &* 10 &+ Int64(bytes[index] - UInt8(ascii: "0"))
            index += 1
        }
        let digits = index - start
        guard digits > 0, digits < 19, digits == 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") || bytes[index] | 0x20 == UInt8(ascii: "e") { return nil }
        position = index
        return .int(negative ? -number : number)
    }

    /// Reads a value by DynamicJSON.
    private mutating func parsed() throws -> JSONValue {
        var reader = JSONReader(bytes, at: position)
        if let value = reader.value() {
            position = reader.position
            return value
        }
        let start = position
        try skipValue()
        do {
            return try JSONValue(parsing: UnsafeBufferPointer(rebasing: bytes[start..<position]), limits: JSONLimits(bytes: .max))
        } catch {
            throw malformed("a value is damaged", at: start, underlying: error)
        }
    }

    /// Moves behind the value here, finding only its end.
    private mutating func skipValue() throws {
        var depth = 0
        repeat {
            switch next {
            case UInt8(ascii: "\""): _ = try stringToken()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { throw malformed("a value was expected") }
                depth -= 1
                position += 1
            case _ where depth > 0 && position < bytes.count: position += 1
            default: try skipWord()
            }
        } while depth > 0
    }

    /// Moves behind a number or a word.
    private mutating func skipWord() throws {
        let start = position
        while position < bytes.count, !",]}: \t\r\n".utf8.contains(bytes[position]) { position += 1 }
        if position == start { throw malformed("a value was expected") }
    }

    private mutating func literal(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte, position < bytes.count else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8, _ name: String) throws {
        guard accept(byte) else { throw malformed("\(name) was expected") }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these bytes, of which there are no more than are left, stand at this place.
    @inline(__always)
    fileprivate func starts(with known: Slice<UnsafeBufferPointer<UInt8>>, at place: Int) -> Bool {
        guard let own = baseAddress, let other = known.base.baseAddress else { return known.isEmpty }
        return memcmp(own + place, other + known.startIndex, known.count) == 0
    }
}
