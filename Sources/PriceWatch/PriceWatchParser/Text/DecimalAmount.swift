import PriceWatchModel

/// A non-negative decimal number as a page wrote it: `mantissa` times ten to the power of minus `decimals`.
struct DecimalAmount: Sendable, Hashable {
    /// Above this many whole units nothing is a price.
    static let largest: Int64 = 1_000_000_000_000

    let mantissa: Int64
    let decimals: Int

    /// Trailing zeros after the point are dropped, so that 2879.2 and 2879.20 are one amount.
    init(mantissa: Int64, decimals: Int) {
        var mantissa = mantissa
        var decimals = decimals
        while decimals > 0, mantissa % 10 == 0 {
            mantissa /= 10
            decimals -= 1
        }
        self.mantissa = mantissa
        self.decimals = decimals
    }

    /// Reads plain digits; nil for more than 15 of them and for more than ``largest`` units.
    init?(whole: String, fraction: String = "") {
        let digits = (whole + fraction).drop { $0 == "0" }
        guard digits.utf8.count <= 15, let mantissa = digits.isEmpty ? 0 : Int64(digits) else { return nil }
        self.init(mantissa: mantissa, decimals: fraction.utf8.count)
        guard mantissa / Self.power(decimals) <= Self.largest else { return nil }
    }

    var isZero: Bool { mantissa == 0 }

    /// The amount in the currency's minor unit, rounded half up when more decimals are written than the currency has.
    func money(in currency: Currency) -> Money? {
        let exponent = currency.exponent
        if decimals <= exponent {
            let (minor, overflow) = mantissa.multipliedReportingOverflow(by: Self.power(exponent - decimals))
            return overflow ? nil : Money(minorUnits: minor, currency: currency)
        }
        let divisor = Self.power(decimals - exponent)
        let rounded = mantissa / divisor + (mantissa % divisor >= divisor - divisor / 2 ? 1 : 0)
        return Money(minorUnits: rounded, currency: currency)
    }

    /// Whether this is less than the other; both are within 15 digits.
    func isLess(than other: DecimalAmount) -> Bool {
        let wide = max(decimals, other.decimals)
        let (left, leftTooLarge) = mantissa.multipliedReportingOverflow(by: Self.power(wide - decimals))
        let (right, rightTooLarge) = other.mantissa.multipliedReportingOverflow(by: Self.power(wide - other.decimals))
        if leftTooLarge || rightTooLarge { return !leftTooLarge }
        return left < right
    }

    private static func power(_ exponent: Int) -> Int64 {
        (0..<min(exponent, 18)).reduce(into: Int64(1)) { result, _ in result *= 10 }
    }
}
