extension JSONValue {
    /// The value as compact JSON in UTF-8, object keys sorted so that equal values give equal bytes.
    ///
    /// Never fails: numbers JSON cannot say (NaN, infinities) are written as `null`.
    public func encoded() -> [UInt8] {
        var output = [UInt8]()
        write(to: &output)
        return output
    }

    /// The value as compact JSON text; see ``encoded()``.
    public var text: String { String(decoding: encoded(), as: UTF8.self) }

    /// Appends the value's JSON; see ``encoded()``.
    public func write(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .int(let value): JSONValue.write(integer: value, to: &output)
        case .double(let value): output.append(contentsOf: (value.isFinite ? value.description : "null").utf8)
        case .string(let value): JSONValue.write(string: value, to: &output)
        case .array(let elements): JSONValue.write(array: elements, to: &output)
        case .object(let members): JSONValue.write(object: members, to: &output)
        }
    }

    /// Digits from the last to the first, without a text in between.
    private static func write(integer: Int64, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = integer.magnitude
            var first = digits.count
            repeat {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if integer < 0 { output.append(UInt8(ascii: "-")) }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
        }
    }

    private static func write(array elements: [JSONValue], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            element.write(to: &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func write(object members: [String: JSONValue], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            write(string: member.key, to: &output)
            output.append(UInt8(ascii: ":"))
            member.value.write(to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    /// Appends a JSON string with its quotes.
    public static func write(string: String, to output: inout [UInt8]) {
        var string = string
        string.withUTF8 { write(utf8: $0, to: &output) }
    }

    /// Appends bytes that are UTF-8 as a JSON string with its quotes.
    package static func write(utf8 bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var start = 0
        while start < bytes.count {
            let end = PlainText.end(in: bytes, from: start).end
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end]))
            if end < bytes.count { write(escaped: bytes[end], to: &output) }
            start = end + 1
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func write(escaped byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            output.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0"), digits[Int(byte >> 4)], digits[Int(byte & 15)]])
        }
    }
}
