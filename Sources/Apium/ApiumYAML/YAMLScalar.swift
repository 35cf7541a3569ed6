import ApiumCore
import DynamicJSON
import Yams

/// What a scalar means: YAML 1.1's rules as PyYAML has them, which Python peers read and write by.
enum YAMLScalar {
    static func value(of scalar: Node.Scalar) throws -> JSONValue {
        // A tag that nobody wrote reads as an empty text or "!".
        let tag = scalar.tag.description
        switch tag {
        case "" where scalar.style == .plain: return try plain(scalar.string)
        case "", "!", "tag:yaml.org,2002:str": return .string(scalar.string)
        case "tag:yaml.org,2002:binary": return try binary(scalar.string)
        case "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp":
            return try plain(scalar.string)
        default: throw YAMLContentError("the tag '\(tag.prefix(100))' is not one of YAML's own")
        }
    }

    /// The text of a key, as Python's JSON would write it.
    static func key(of scalar: Node.Scalar) throws -> String {
        switch try value(of: scalar) {
        case .string(let text): text
        case .object: throw YAMLContentError("a key is a date or binary; only texts, numbers and truth values can be keys")
        case let other: other.text
        }
    }

    private static func plain(_ text: String) throws -> JSONValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return true
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return false
        default: break
        }
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first), text.utf8.count <= 400 else { return .string(text) }
        return try integer(text) ?? float(text) ?? timestamp(text) ?? .string(text)
    }

    /// Decimal, `0b`, `0` (octal), `0x` and base 60; underscores are ignored.
    private static func integer(_ text: String) throws -> JSONValue? {
        let (negative, digits) = split(text)
        let bare = digits.replacing("_", with: "")
        let parsed: Int64?
        let sign = negative ? "-" : ""
        if let match = digits.wholeMatch(of: /0b[0-1_]+/) {
            parsed = Int64(sign + String(match.0).replacing("_", with: "").dropFirst(2), radix: 2)
        } else if digits.wholeMatch(of: /0x[0-9a-fA-F_]+/) != nil {
            parsed = Int64(sign + bare.dropFirst(2), radix: 16)
        } else if digits.wholeMatch(of: /0[0-7_]+/) != nil {
            parsed = Int64(sign + bare, radix: 8)
        } else if digits.wholeMatch(of: /0|[1-9][0-9_]*/) != nil {
            parsed = Int64(sign + bare)
        } else if digits.wholeMatch(of: /[1-9][0-9_]*(:[0-5]?[0-9])+/) != nil {
            parsed = base60(bare).flatMap { Int64(exactly: $0) }.map { negative ? -$0 : $0 }
        } else {
            return nil
        }
        guard let parsed else { throw YAMLContentError("an integer does not fit 64 bits") }
        return .int(parsed)
    }

    /// A point is a must, as in PyYAML: `1e5` is a text.
    private static func float(_ text: String) -> JSONValue? {
        let (negative, digits) = split(text)
        let sign: Double = negative ? -1 : 1
        let bare = digits.replacing("_", with: "")
        if [".inf", ".Inf", ".INF"].contains(digits) { return .double(sign * .infinity) }
        if [".nan", ".NaN", ".NAN"].contains(text) { return .double(.nan) }
        if digits.wholeMatch(of: /[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?/) != nil {
            return Double(bare).map { .double(sign * $0) }
        }
        if digits.wholeMatch(of: /[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*/) != nil { return base60(bare).map { .double(sign * $0) } }
        return nil
    }

    private static func base60(_ text: String) -> Double? {
        text.split(separator: ":").reduce(Double?(0)) { sum, part in
            guard let sum, let number = Double(part.hasSuffix(".") ? part.dropLast() : part) else { return nil }
            return sum * 60 + number
        }
    }

    /// A day, or a time with a date; digits may be missing where YAML lets them.
    private static func timestamp(_ text: String) -> JSONValue? {
        if text.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil { return CalendarDate(iso8601: text).map { TypedValue.date($0).json } }
        let form = /([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(\.[0-9]*)?[ \t]*(Z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?/
        guard let match = text.wholeMatch(of: form) else { return nil }
        func two(_ part: Substring) -> String { part.count == 1 ? "0" + part : String(part) }
        let output = match.output
        var iso = "\(output.1)-\(two(output.2))-\(two(output.3))T\(two(output.4)):\(output.5):\(output.6)"
        if let fraction = output.7, fraction.count > 1 { iso += fraction }
        if let zone = output.8 {
            // `+1` and `+1:30` lack a digit.
            let short = zone.dropFirst().prefix { $0 != ":" }.count == 1
            iso += short ? "\(zone.prefix(1))0\(zone.dropFirst())" : String(zone)
        }
        return ZonedTime(iso8601: iso).map { TypedValue.datetime($0).json }
    }

    private static func binary(_ text: String) throws -> JSONValue {
        var bare = text
        bare.removeAll(where: \.isWhitespace)
        let tagged: JSONValue = ["__type__": "base64", "__value__": .string(bare)]
        guard case .bytes(let string)? = TypedValue(json: tagged) else { throw YAMLContentError("a binary scalar is not base 64") }
        return TypedValue.bytes(string).json
    }

    private static func split(_ text: String) -> (negative: Bool, digits: String) {
        switch text.first {
        case "-": (true, String(text.dropFirst()))
        case "+": (false, String(text.dropFirst()))
        default: (false, text)
        }
    }
}
