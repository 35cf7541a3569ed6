import DynamicJSON

/// A decimal number with all of its digits: Python's `Decimal`.
///
/// It is kept as its text, because no number type of Swift holds every one: `1.0` and `1.00` differ, as their digits do.
public struct ExactDecimal: TypedJSON, CustomStringConvertible {
    /// The number as Python writes it, for example `19.90`, `-1E+400`, `NaN`.
    public let text: String

    /// Reads a number in Python's grammar: digits with a point and an exponent, `Infinity`, `NaN`, `sNaN`; `nil` for anything else.
    public init?(_ text: String) {
        guard ExactDecimal.isNumber(text) else { return nil }
        self.text = text
    }

    /// Makes a whole number.
    public init(_ number: some BinaryInteger) { text = String(number) }

    /// The nearest floating-point number.
    public var doubleValue: Double { Double(text) ?? .nan }

    private static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        guard rest.count <= 10_000 else { return false }
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
        let word = String(rest)?.lowercased() ?? ""
        if word == "infinity" || word == "inf" { return true }
        for name in ["nan", "snan"] where word.hasPrefix(name) { return word.utf8.dropFirst(name.utf8.count).allSatisfy(isDigit) }
        let whole = take(&rest)
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = take(&rest)
        }
        guard whole + fraction > 0 else { return false }
        guard let mark = rest.popFirst() else { return true }
        guard mark | 0x20 == UInt8(ascii: "e") else { return false }
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
        return take(&rest) > 0 && rest.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// Drops the digits in front; answers how many.
    private static func take(_ rest: inout Substring.UTF8View) -> Int {
        let digits = rest.prefix(while: isDigit).count
        rest.removeFirst(digits)
        return digits
    }

    public var description: String { text }
    public var typed: TypedValue { .decimal(self) }

    public init?(typed: TypedValue) {
        guard case .decimal(let number) = typed else { return nil }
        self = number
    }

    public init?(untagged text: String) { self.init(text) }
}
