import ApiumCore
import DynamicJSON

/// Writes YAML in flow style on one line, all of it ASCII: the form that every reader of YAML 1.1 and 1.2 takes for the same.
enum YAMLWriter {
    static func bytes(of value: JSONValue) -> [UInt8] {
        var output: [UInt8] = []
        write(value, to: &output)
        output.append(UInt8(ascii: "\n"))
        return output
    }

    private static func write(_ value: JSONValue, to output: inout [UInt8]) {
        switch value {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let flag): output.append(contentsOf: (flag ? "true" : "false").utf8)
        case .int(let number): output.append(contentsOf: String(number).utf8)
        case .double(let number): output.append(contentsOf: text(of: number).utf8)
        case .string(let text): write(text, to: &output)
        case .array(let elements): write(elements, to: &output)
        case .object(let members): write(members, to: &output)
        }
    }

    /// PyYAML takes a number without a point for a text.
    private static func text(of number: Double) -> String {
        if number.isNaN { return ".nan" }
        if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
        let text = number.description
        guard let mark = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<mark] + ".0" + text[mark...]
    }

    private static func write(_ elements: [JSONValue], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(contentsOf: ", ".utf8) }
            write(element, to: &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func write(_ members: [String: JSONValue], to output: inout [UInt8]) {
        if let own = scalar(of: TypedValue(json: .object(members))) {
            output.append(contentsOf: own.utf8)
            return
        }
        output.append(UInt8(ascii: "{"))
        for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { output.append(contentsOf: ", ".utf8) }
            let start = output.count
            write(member.key, to: &output)
            // A key of more than 1024 characters has to be announced.
            if output.count - start > 1000 { output.insert(contentsOf: "? ".utf8, at: start) }
            output.append(contentsOf: ": ".utf8)
            write(member.value, to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    /// The typed values that YAML has a form for.
    private static func scalar(of typed: TypedValue?) -> String? {
        switch typed {
        // YAML has no seconds in an offset.
        case .datetime(let time)? where (time.offset ?? 0) % 60 == 0: return time.iso8601
        case .date(let date)?: return date.iso8601
        case .bytes(let string)?:
            return "!!binary \"\(string.base64)\""
        default: return nil
        }
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": output.append(contentsOf: "\\\(scalar)".utf8)
            case " "..."~": output.append(UInt8(scalar.value))
            default:
                let (mark, width) = scalar.value < 0x100 ? ("\\x", 2) : scalar.value < 0x10000 ? ("\\u", 4) : ("\\U", 8)
                let digits = String(scalar.value, radix: 16)
                output.append(contentsOf: (mark + String(repeating: "0", count: width - digits.utf8.count) + digits).utf8)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
