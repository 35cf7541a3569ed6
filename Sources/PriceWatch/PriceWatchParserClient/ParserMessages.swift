import PriceWatchModel
import PriceWatchProto

extension ProductPage {
    /// Reads the message; nil when it breaks a rule of the domain: a price is above zero and has a currency, a page has a name and a link.
    init?(_ message: Pricewatch_Parser_V1_ProductPage) {
        guard let currency = Currency(message.price.currency), message.price.minorUnits > 0, !message.name.isEmpty, !message.canonicalURL.isEmpty else {
            return nil
        }
        self.init(
            canonicalURL: message.canonicalURL, name: message.name, price: Money(minorUnits: message.price.minorUnits, currency: currency),
            availability: Availability(message.availability), imageURL: message.imageURL.isEmpty ? nil : message.imageURL, source: message.source)
    }
}

extension Availability {
    init(_ message: Pricewatch_Parser_V1_Availability) {
        switch message {
        case .inStock: self = .inStock
        case .outOfStock: self = .outOfStock
        case .preorder: self = .preorder
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }
}

extension ParseFailure {
    init(_ message: Pricewatch_Parser_V1_FailureReason) {
        switch message {
        case .notFound: self = .notFound
        case .blocked: self = .blocked
        case .notAProduct: self = .notAProduct
        case .noPrice: self = .noPrice
        case .timedOut: self = .timedOut
        case .refusedAddress: self = .refusedAddress
        case .unreachable, .unspecified, .UNRECOGNIZED: self = .unreachable
        }
    }
}
