import PriceWatchModel

/// What an amount on a page stands for.
enum PriceRole: Sendable, Hashable {
    /// What a buyer pays now, marked as reduced.
    case sale
    /// What a buyer pays now.
    case regular
    /// The lowest of several (`от 1 299 ₽`, `lowPrice`).
    case low
    /// A crossed-out, recommended or former price.
    case list
    /// Per kilogram, litre or piece of a larger pack.
    case unit
    /// For members of a scheme only.
    case member
    /// Per month, or one of several payments.
    case installment

    /// Whether anybody may buy for it.
    var isPayable: Bool { self == .sale || self == .regular || self == .low }

    /// The order in which payable amounts are preferred.
    var rank: Int {
        switch self {
        case .sale: 0
        case .regular: 1
        case .low: 2
        default: 3
        }
    }
}

/// An amount that was read from a text.
struct PriceReading: Sendable, Hashable {
    var amount: DecimalAmount
    /// The currency that stands beside it, if any.
    var currency: Currency?
    var role: PriceRole
}

/// What is known of a price's text before it is read.
struct PriceContext: Sendable {
    /// Whether the text was written for machines (a JSON string, a `content` attribute), where a full stop is a decimal point.
    var isMachine = false
    /// The currency of its own field, for the number of decimals.
    var currency: Currency?
    var locale = PageLocale()
}
