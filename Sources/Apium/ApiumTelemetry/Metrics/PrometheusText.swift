/// The words of Prometheus' text exposition format, version 0.0.4: names, escapes, numbers.
enum PrometheusText {
    /// What `Content-Type` says.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// A metric or label name: letters, digits, `_` (and `:` in a metric); everything else becomes `_`.
    static func name(_ text: String, allowingColon: Bool = true) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || (allowingColon && scalar == ":")
            let isDigit = ("0"..."9").contains(scalar)
            if name.isEmpty, isDigit { name = "_" }
            name.unicodeScalars.append(isLetter || isDigit ? scalar : "_")
        }
        return name.isEmpty ? "_" : name
    }

    /// A label value: backslash, quote and line feed are escaped.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// `{a="1",b="2"}` without the braces, sorted by name; of two equal names the last counts. `le` belongs to histograms.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var values: [String: String] = [:]
        for (key, value) in dimensions {
            let key = name(key, allowingColon: false)
            values[key == "le" || key.hasPrefix("__") ? "label_" + key : key] = value
        }
        return values.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }.joined(separator: ",")
    }

    /// A sample's value.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }

    /// The line that describes a metric.
    static func help(_ name: String, _ text: String) -> String {
        var line = "# HELP \(name) "
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line + "\n"
    }

    /// One line.
    static func sample(_ name: String, _ labels: String, _ extra: String = "", _ value: String) -> String {
        let all = labels.isEmpty || extra.isEmpty ? labels + extra : labels + "," + extra
        return all.isEmpty ? "\(name) \(value)\n" : "\(name){\(all)} \(value)\n"
    }
}
