import PriceWatchModel

/// Where on a page something was read.
enum CandidateSource: String, Sendable, Hashable {
    case jsonLD = "json-ld"
    case microdata
    case openGraph = "open-graph"
    case wildberries
}

/// A product that a page may be about, as one source describes it.
struct ProductCandidate: Sendable, Equatable {
    var source: CandidateSource
    var name: String?
    /// Links and identifiers of the product as written: `url`, `@id`, `sku`, `productID`, `mpn`, `gtin`; none that only fill the field.
    var identifiers: [String] = []
    var image: String?
    var offers: [OfferCandidate] = []
    /// Variants of a product group, each with offers of its own.
    var variants: [ProductCandidate] = []
}

/// An offer of a product.
struct OfferCandidate: Sendable, Equatable {
    /// The amounts that the offer names, each with its role.
    var prices: [PriceReading] = []
    /// The currency of the offer's own field.
    var currency: Currency?
    var availability: Availability = .unknown
    /// Links and identifiers of the offer as written.
    var identifiers: [String] = []
    /// Used or refurbished goods are no answer to the price of a product.
    var isUsed = false

    /// What anybody pays: the best role, and of equal roles the lowest. Zero is no price.
    var price: PriceReading? {
        let payable = prices.filter { $0.role.isPayable && !$0.amount.isZero }
        return payable.min { $0.role.rank != $1.role.rank ? $0.role.rank < $1.role.rank : $0.amount.isLess(than: $1.amount) }
    }
}

/// Everything of a page that the choice needs; plain values, made on the reader's thread.
struct PageContent: Sendable, Equatable {
    var facts = PageFacts()
    /// By source, the most trusted first.
    var candidates: [[ProductCandidate]] = []
}

/// What a page says about itself.
struct PageFacts: Sendable, Equatable {
    var title: String?
    var headings: [String] = []
    var openGraphTitle: String?
    var openGraphImage: String?
    /// The page's own canonical link, absolute.
    var canonicalLink: String?
    /// What relative links are resolved against.
    var base: String = ""
    var locale = PageLocale()
    /// A currency that the page names outside of any offer.
    var currency: Currency?

    /// The names by which the page calls what it is about.
    var names: [String] { headings + [openGraphTitle, title].compactMap { $0 } }
}
