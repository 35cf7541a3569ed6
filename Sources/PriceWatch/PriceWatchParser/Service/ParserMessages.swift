import PriceWatchModel
import PriceWatchProto

/// The outcome of a page as it goes over the wire.
extension Pricewatch_Parser_V1_ParseResponse {
    init(_ result: Result<ProductPage, ParseFault>) {
        self.init()
        switch result {
        case .success(let page): self.page = Pricewatch_Parser_V1_ProductPage(page)
        case .failure(let fault):
            failure.reason = Pricewatch_Parser_V1_FailureReason(fault.reason)
            failure.message = fault.message
            failure.retryAfterSeconds = UInt32(clamping: max(0, fault.retryAfter ?? 0))
        }
    }
}

extension Pricewatch_Parser_V1_ProductPage {
    init(_ page: ProductPage) {
        self.init()
        canonicalURL = page.canonicalURL
        name = page.name
        price.minorUnits = page.price.minorUnits
        price.currency = page.price.currency.code
        availability = Pricewatch_Parser_V1_Availability(page.availability)
        imageURL = page.imageURL ?? ""
        source = page.source
    }
}

extension Pricewatch_Parser_V1_Availability {
    init(_ availability: Availability) {
        switch availability {
        case .inStock: self = .inStock
        case .outOfStock: self = .outOfStock
        case .preorder: self = .preorder
        case .unknown: self = .unspecified
        }
    }
}

extension Pricewatch_Parser_V1_FailureReason {
    init(_ failure: ParseFailure) {
        switch failure {
        case .notFound: self = .notFound
        case .blocked: self = .blocked
        case .notAProduct: self = .notAProduct
        case .noPrice: self = .noPrice
        case .timedOut: self = .timedOut
        case .refusedAddress: self = .refusedAddress
        case .unreachable: self = .unreachable
        // The parser can't say of itself that it can't be reached.
        case .parserUnavailable: self = .unspecified
        }
    }
}
