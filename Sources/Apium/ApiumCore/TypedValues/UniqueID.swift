/// A UUID: 128 bits.
public struct UniqueID: TypedJSON, CustomStringConvertible {
    /// The first eight bytes, most significant first.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    /// Makes an id of its halves.
    public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// Reads 32 hexadecimal digits, with or without hyphens; `nil` for anything else.
    public init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        var digits: [UInt64] = []
        for character in text where character != "-" {
            guard let digit = character.hexDigitValue, character.isASCII else { return nil }
            digits.append(UInt64(digit))
        }
        guard digits.count == 32 else { return nil }
        self.init(high: digits[..<16].reduce(0) { $0 << 4 | $1 }, low: digits[16...].reduce(0) { $0 << 4 | $1 })
    }

    /// 32 hexadecimal digits in lower case.
    public var hex: String {
        [high, low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    /// The usual text, with hyphens.
    public var description: String {
        let digits = Array(hex)
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    public var typed: TypedValue { .uuid(self) }

    public init?(typed: TypedValue) {
        guard case .uuid(let id) = typed else { return nil }
        self = id
    }

    public init?(untagged text: String) { self.init(text) }
}
