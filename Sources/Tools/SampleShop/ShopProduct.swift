/// How a product's page is marked up.
enum Markup: String, Sendable {
    case linkedData = "JSON-LD"
    case linkedDataGraph = "JSON-LD: @graph, offers in a list"
    case linkedDataAggregate = "JSON-LD: AggregateOffer"
    case linkedDataGroup = "JSON-LD: ProductGroup with variants"
    case linkedDataFaulty = "JSON-LD with comments and trailing commas"
    case linkedDataText = "JSON-LD: price as a local text"
    case microdata = "microdata"
    case microdataReferences = "microdata with itemref"
    case windows1251 = "microdata in windows-1251"
    case openGraph = "Open Graph"
    case openGraphSale = "Open Graph with a sale price"
    case card = "Wildberries-shaped JSON"
}

/// Whether a product can be bought, as the form names it.
enum ShopAvailability: String, Sendable, Codable, CaseIterable {
    case inStock = "in_stock"
    case outOfStock = "out_of_stock"
    case preorder

    /// schema.org's word.
    var schema: String {
        switch self {
        case .inStock: "InStock"
        case .outOfStock: "OutOfStock"
        case .preorder: "PreOrder"
        }
    }

    /// Open Graph's word.
    var openGraph: String {
        switch self {
        case .inStock: "in stock"
        case .outOfStock: "oos"
        case .preorder: "preorder"
        }
    }
}

/// A product of the shop: what never changes, and the two things that do.
struct ShopProduct: Sendable {
    let id: String
    let name: String
    let markup: Markup
    let currency: String
    /// Decimal places of the currency.
    let decimals: Int
    let drawing: Drawing
    /// The article's number, for cards.
    var article: Int64?
    /// In the currency's minor unit.
    var price: Int64
    var availability = ShopAvailability.inStock

    /// The page's path.
    var path: String { article.map { "/catalog/\($0)/detail.aspx" } ?? "/products/\(id)" }

    /// The price with a full stop and all decimal places.
    var decimalPrice: String { Self.decimal(price, decimals) }

    static func decimal(_ amount: Int64, _ decimals: Int) -> String {
        guard decimals > 0 else { return String(amount) }
        let digits = String(amount)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// Reads what people type: `1299`, `1299.5`, `1 299,50`; nil for anything that is no price above zero.
    func amount(_ text: String) -> Int64? {
        let plain = text.filter { !$0.isWhitespace }
        let parts = plain.split(whereSeparator: { $0 == "." || $0 == "," }).map(String.init)
        let isPlain = plain.allSatisfy { ("0"..."9").contains($0) || $0 == "." || $0 == "," }
        guard isPlain, (1...2).contains(parts.count), plain.count <= 12, plain.first?.isNumber == true else { return nil }
        let fraction = parts.count > 1 ? parts[1] : ""
        guard fraction.count <= decimals else { return nil }
        let digits = parts[0] + fraction + String(repeating: "0", count: decimals - fraction.count)
        return Int64(digits).flatMap { $0 > 0 ? $0 : nil }
    }
}
