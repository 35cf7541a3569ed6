import Logging

/// How log lines look.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: time, level, label, message, `key=value`.
    case text
    /// For machines: one JSON object per line.
    case json
}

/// Turns one log event into one line, whatever is in it: no event can begin a second line or move a terminal's cursor.
struct LogLine {
    var time: String
    var level: Logger.Level
    var label: String
    var message: String
    var metadata: Logger.Metadata
    var error: String?

    func rendered(as format: LogFormat) -> String {
        switch format {
        case .text: text
        case .json: json
        }
    }

    private var text: String {
        var line = "\(time) \(level.rawValue.uppercased()) \(label): "
        Self.appendPlain(message, to: &line)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " "
            Self.appendPlain(key, to: &line)
            line += "="
            let text = Self.plain(value)
            if text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) {
                Self.appendJSON(text, to: &line)
            } else {
                Self.appendPlain(text, to: &line)
            }
        }
        if let error {
            line += " error="
            Self.appendJSON(error, to: &line)
        }
        return line + "\n"
    }

    private var json: String {
        var line = "{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"logger\":"
        Self.appendJSON(label, to: &line)
        line += ",\"message\":"
        Self.appendJSON(message, to: &line)
        if let error {
            line += ",\"error\":"
            Self.appendJSON(error, to: &line)
        }
        if !metadata.isEmpty {
            line += ",\"metadata\":"
            Self.appendJSON(.dictionary(metadata), to: &line)
        }
        return line + "}\n"
    }

    private static func plain(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): return text
        case .stringConvertible(let value): return value.description
        case .array, .dictionary:
            var text = ""
            appendJSON(value, to: &text)
            return text
        }
    }

    private static func appendJSON(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): appendJSON(text, to: &line)
        case .stringConvertible(let value): appendJSON(value.description, to: &line)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                appendJSON(value, to: &line)
            }
            line += "]"
        case .dictionary(let values):
            line += "{"
            for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                appendJSON(key, to: &line)
                line += ":"
                appendJSON(value, to: &line)
            }
            line += "}"
        }
    }

    /// Appends a text with control characters escaped.
    private static func appendPlain(_ text: String, to line: inout String) {
        for scalar in text.unicodeScalars {
            if isControl(scalar) { line += escape(scalar) } else { line.unicodeScalars.append(scalar) }
        }
    }

    /// Appends a text as a JSON string.
    static func appendJSON(_ text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            default: if isControl(scalar) { line += escape(scalar) } else { line.unicodeScalars.append(scalar) }
            }
        }
        line += "\""
    }

    /// C0, DEL, C1 and the line separators that some readers break lines at.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 32 || (127..<160).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
