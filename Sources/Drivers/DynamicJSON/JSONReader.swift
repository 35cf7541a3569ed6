/// Reads JSON of the kind that nearly all messages hold, where it lies: strings without escapes, integers of up to 18 digits, words, and
/// arrays and objects of them.
///
/// It answers `nil` for everything else, right or wrong: jansson then reads the text, or says what is wrong with it. So this
/// reader may give up, but what it takes jansson must take too, with the same value.
package struct JSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// Where the reader stands: behind what it has read.
    package private(set) var position: Int

    /// Makes a reader that begins at a place; `bytes` must outlive it.
    package init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// Deeper values are left to jansson: this reader recurses.
    private static let depthLimit = 32

    /// Reads a text that is one value.
    package static func whole(_ bytes: UnsafeBufferPointer<UInt8>, depth: Int) -> JSONValue? {
        var reader = JSONReader(bytes)
        guard let value = reader.value(depth: min(depth, depthLimit)), reader.isAtEnd else { return nil }
        return value
    }

    /// Reads the value here.
    package mutating func value(depth: Int = JSONReader.depthLimit) -> JSONValue? {
        skipSpace()
        switch next {
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "["): return depth > 0 ? array(depth) : nil
        case UInt8(ascii: "{"): return depth > 0 ? object(depth) : nil
        case UInt8(ascii: "n"): return word("null") ? .null : nil
        case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
        default: return integer().map { .int($0) }
        }
    }

    private mutating func array(_ depth: Int) -> JSONValue? {
        position += 1
        if accept("]") { return .array([]) }
        var elements: [JSONValue] = []
        repeat {
            guard let element = value(depth: depth - 1) else { return nil }
            elements.append(element)
        } while accept(",")
        return accept("]") ? .array(elements) : nil
    }

    private mutating func object(_ depth: Int) -> JSONValue? {
        position += 1
        if accept("}") { return .object([:]) }
        var members: [String: JSONValue] = [:]
        repeat {
            guard let key = key(), let value = value(depth: depth - 1) else { return nil }
            members[key] = value
        } while accept(",")
        return accept("}") ? .object(members) : nil
    }

    /// Reads an object's key and the colon behind it.
    package mutating func key() -> String? {
        skipSpace()
        guard next == UInt8(ascii: "\""), let key = string(), accept(":") else { return nil }
        return key
    }

    /// Reads `null`, if it stands here.
    package mutating func null() -> Bool { take("null") }

    /// Reads this text, if it stands here.
    package mutating func take(_ text: StaticString) -> Bool {
        skipSpace()
        return word(text)
    }

    /// Reads this byte, if it stands here.
    package mutating func accept(_ byte: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    /// Whether nothing but white space is left.
    package var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return position == bytes.count
        }
    }

    private mutating func string() -> String? {
        let start = position + 1
        let (end, isASCII) = PlainText.end(in: bytes, from: start)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\""),
            let text = PlainText.text(UnsafeBufferPointer(rebasing: bytes[start..<end]), isASCII: isASCII)
        else { return nil }
        position = end + 1
        return text
    }

    private mutating func integer() -> Int64? {
        let isNegative = next == UInt8(ascii: "-")
        let start = isNegative ? position + 1 : position
        var end = start
        var number: Int64 = 0
        while end < bytes.count, case let digit = bytes[end] &- UInt8(ascii: "0"), digit < 10, end - start < 19 {
            number = number &* 10 &+ Int64(digit)
            end += 1
        }
        let digits = end - start
        guard digits > 0, digits < 19, digits == 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
        if end < bytes.count, bytes[end] == UInt8(ascii: ".") || bytes[end] | 0x20 == UInt8(ascii: "e") { return nil }
        position = end
        return isNegative ? -number : number
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }
}
