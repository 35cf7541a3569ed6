/// What a product page said.
public struct ProductPage: Sendable, Hashable, Codable {
    /// The link that names the product: tracking parameters, fragment and spelling removed. Unique in the store.
    public var canonicalURL: String
    /// The product's name, plain text.
    public var name: String
    /// The price; never zero.
    public var price: Money
    /// Whether it can be bought.
    public var availability: Availability
    /// An absolute http(s) link to a picture.
    public var imageURL: String?
    /// What the price was found in: `json-ld`, `microdata`, `open-graph`, `wildberries`.
    public var source: String

    /// Makes a page.
    public init(canonicalURL: String, name: String, price: Money, availability: Availability = .unknown, imageURL: String? = nil, source: String) {
        self.canonicalURL = canonicalURL
        self.name = name
        self.price = price
        self.availability = availability
        self.imageURL = imageURL
        self.source = source
    }

    enum CodingKeys: String, CodingKey {
        case name, price, availability, source
        case canonicalURL = "canonical_url"
        case imageURL = "image_url"
    }
}

/// Whether a product can be bought.
public enum Availability: String, Sendable, Hashable, Codable, CaseIterable {
    case inStock = "in_stock"
    case outOfStock = "out_of_stock"
    case preorder
    case unknown
}

/// Why a page gave no price. The raw value is what the wire, the API and the database carry.
public enum ParseFailure: String, Error, Sendable, Hashable, Codable, CaseIterable {
    /// The page is gone (404, 410, or a page that says so).
    case notFound = "not_found"
    /// The shop refuses robots (403, 429, captcha).
    case blocked
    /// There is a page, but no single product on it.
    case notAProduct = "not_a_product"
    /// A product without a price (sold out, or shown by scripts only).
    case noPrice = "no_price"
    /// The shop took too long.
    case timedOut = "timed_out"
    /// The link leads to an address that is never fetched, or is no http(s) link.
    case refusedAddress = "refused_address"
    /// No connection, a TLS fault, a 5xx answer, or a damaged page.
    case unreachable
    /// The parser itself cannot be reached.
    case parserUnavailable = "parser_unavailable"
}

/// Reads product pages: the parser process behind gRPC, or a fake in tests.
public protocol ProductParser: Sendable {
    /// Fetches and reads the page behind a user's link.
    func parse(_ link: String, within deadline: Duration) async throws(PageTrouble) -> ProductPage
}
