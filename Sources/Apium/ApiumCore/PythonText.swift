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
    private var output = ""
    private var room = PythonText.limit + 1

    private var isFull: Bool { room <= 0 }

    var finished: String {
        guard isFull else { return output }
        return String(String.UnicodeScalarView(output.unicodeScalars.prefix(PythonText.limit - 3))) + "..."
    }

    mutating func write(_ value: JSONValue) {
        if isFull { return }
        switch value {
        case .null: append("None")
        case .bool(let flag): append(flag ? "True" : "False")
        case .int(let number): append(String(number))
        case .double(let number): append(number.description)
        case .string(let text): write(string: text)
        case .array(let elements):
            append("[")
            for (index, element) in elements.enumerated() where !isFull {
                if index > 0 { append(", ") }
                write(element)
            }
            append("]")
        case .object(let members):
            append("{")
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() where !isFull {
                if index > 0 { append(", ") }
                write(string: member.key)
                append(": ")
                write(member.value)
            }
            append("}")
        }
    }

    /// Python prefers single quotes, and takes double ones when that saves escapes.
    private mutating func write(string: String) {
        if string.utf8.count + 2 <= room, string.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "\\") }) {
            append("'")
            append(string)
            return append("'")
        }
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

    /// Appends a text; one that is not ASCII scalar by scalar.
    private mutating func append(_ text: String) {
        if text.utf8.count <= room, text.utf8.allSatisfy({ $0 < 0x80 }) {
            output += text
            room -= text.utf8.count
            return
        }
        for scalar in text.unicodeScalars { append(scalar) }
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        if isFull { return }
        output.unicodeScalars.append(scalar)
        room -= 1
    }
}
