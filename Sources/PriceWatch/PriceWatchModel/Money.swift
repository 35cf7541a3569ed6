/// An amount in whole minor units of one currency; never a binary float.
public struct Money: Sendable, Hashable, Codable {
    /// For example 129900 for 1,299.00 RUB, 1299 for 1,299 JPY.
    public var minorUnits: Int64
    /// The currency.
    public var currency: Currency

    /// Makes an amount.
    public init(minorUnits: Int64, currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    /// The amount with the currency's decimal places and no grouping: `1299.00`.
    public var decimalText: String {
        let exponent = currency.exponent
        let digits = String(minorUnits.magnitude)
        let sign = minorUnits < 0 ? "-" : ""
        guard exponent > 0 else { return sign + digits }
        let padded = String(repeating: "0", count: max(0, exponent + 1 - digits.count)) + digits
        return sign + padded.dropLast(exponent) + "." + padded.suffix(exponent)
    }

    enum CodingKeys: String, CodingKey {
        case currency
        case minorUnits = "minor_units"
    }
}

/// An ISO 4217 currency code.
public struct Currency: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Three capital letters.
    public let code: String

    /// Reads a code; three ASCII letters in any case, `RUR` is read as `RUB`. `nil` for anything else.
    public init?(_ code: String) {
        let upper = code.uppercased()
        guard upper.utf8.count == 3, upper.utf8.allSatisfy({ (65...90).contains($0) }) else { return nil }
        self.code = upper == "RUR" ? "RUB" : upper
    }

    private init(known: String) { code = known }

    /// The Russian rouble.
    public static let rub = Currency(known: "RUB")
    /// The US dollar.
    public static let usd = Currency(known: "USD")
    /// The euro.
    public static let eur = Currency(known: "EUR")

    /// How many decimal places the minor unit has (ISO 4217): 2 unless listed.
    public var exponent: Int {
        switch code {
        case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF": 0
        case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
        default: 2
        }
    }

    public var description: String { code }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let currency = Currency(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a currency is three letters of ISO 4217, for example RUB"))
        }
        self = currency
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}
