import DynamicJSON

/// Python's text form (`repr`) of JSON values, for the headers `argsrepr` and `kwargsrepr`, which people read in logs and monitors.
public enum PythonText {
    /// Texts are cut at this many characters, as Celery does.
    public static let limit = 1024

    /// A list, for example `[1, 'a', None]`.
    public static func list(_ values: [JSONValue]) -> String { text(.array(values)) }

    /// A dictionary with sorted keys, for example `{'a': True}`.
    public static func dictionary(_ members: [String: JSONValue]) -> String { text(.object(members)) }

    /// Any value.
    public static func text(_ value: JSONValue) -> String {
        var writer = Writer()
        writer.write(value)
        return writer.finished
    }
}

/// Writes until the text is full; what comes after is not even looked at.
private struct Writer {
    /// UTF-8.
    private var output: [UInt8] = []
    /// How many more characters there is room for.
    private var room = PythonText.limit + 1

    private var isFull: Bool { room <= 0 }

    init() { output.reserveCapacity(128) }

    var finished: String {
        let text = String(decoding: output, as: UTF8.self)
        return isFull ? String(String.UnicodeScalarView(text.unicodeScalars.prefix(PythonText.limit - 3))) + "..." : text
    }

    mutating func write(_ value: JSONValue) {
        if isFull { return }
        switch value {
        case .null: append(ascii: "None")
        case .bool(let flag): append(ascii: flag ? "True" : "False")
        case .int(let number): append(String(number))
        case .double(let number): append(number.description)
        case .string(let text): write(string: text)
        case .array(let elements):
            append(ascii: "[")
            for (index, element) in elements.enumerated() where !isFull {
                if index > 0 { append(ascii: ", ") }
                write(element)
            }
            append(ascii: "]")
        case .object(let members):
            append(ascii: "{")
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() where !isFull {
                if index > 0 { append(ascii: ", ") }
                write(string: member.key)
                append(ascii: ": ")
                write(member.value)
            }
            append(ascii: "}")
        }
    }

    /// Python prefers single quotes, and takes double ones when that saves escapes.
    private mutating func write(string: String) {
        if string.utf8.count + 2 <= room, append(plain: string) { return }
        let head = string.unicodeScalars.prefix(max(room, 0))
        let quote: Unicode.Scalar = head.contains("'") && !head.contains("\"") ? "\"" : "'"
        append(quote)
        for scalar in head where !isFull {
            switch scalar {
            case quote, "\\": append("\\\(scalar)")
            case "\n": append("\\n")
            case "\r": append("\\r")
            case "\t": append("\\t")
            default: if isPrintable(scalar) { append(scalar) } else { append(escape(scalar)) }
            }
        }
        append(quote)
    }

    /// Appends a text that is ASCII and needs no escapes, with its quotes; answers whether it is one. There is room.
    private mutating func append(plain string: String) -> Bool {
        var string = string
        return string.withUTF8 { bytes in
            // Without a branch per byte, so that many are looked at in one instruction.
            var special: UInt8 = 0
            for byte in bytes { special |= (byte &- 0x20 >= 0x5F ? 1 : 0) | (byte == UInt8(ascii: "'") ? 1 : 0) | (byte == UInt8(ascii: "\\") ? 1 : 0) }
            guard special == 0 else { return false }
            output.append(UInt8(ascii: "'"))
            output.append(contentsOf: bytes)
            output.append(UInt8(ascii: "'"))
            room -= bytes.count + 2
            return true
        }
    }

    private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator: return false
        default: return true
        }
    }

    private func escape(_ scalar: Unicode.Scalar) -> String {
        let (mark, width) = scalar.value < 0x100 ? ("\\x", 2) : scalar.value < 0x10000 ? ("\\u", 4) : ("\\U", 8)
        let digits = String(scalar.value, radix: 16)
        return mark + String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    private mutating func append(ascii text: StaticString) {
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: min(text.utf8CodeUnitCount, room))
        output.append(contentsOf: bytes)
        room -= bytes.count
    }

    private mutating func append(_ text: String) {
        for scalar in text.unicodeScalars { append(scalar) }
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        if isFull { return }
        output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        room -= 1
    }
}
