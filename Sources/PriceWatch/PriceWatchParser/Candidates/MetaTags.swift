import HTMLDocument
import PriceWatchModel

/// A page's `meta` elements: Open Graph and its kin.
struct MetaTags {
    private var values: [String: [String]] = [:]

    init(_ document: HTMLDocument) throws {
        for node in try document.nodes("//meta[@content]").prefix(2000) {
            guard let content = node.attribute("content"), !content.isEmpty else { continue }
            let isInItem = node.attribute("itemprop") != nil && node.parent.map(Self.isInItem) == true
            let keys = [node.attribute("property"), node.attribute("name"), isInItem ? nil : node.attribute("itemprop").map { "itemprop:" + $0 }]
            for key in keys.compactMap({ $0 }) { values[key.lowercased(), default: []].append(content) }
        }
    }

    /// The first value that one of the keys has, in the order of the keys.
    func first(_ keys: String...) -> String? {
        keys.lazy.compactMap { values[$0]?.first }.first
    }

    private static func isInItem(_ node: HTMLNode) -> Bool {
        var place: HTMLNode? = node
        while let current = place {
            if current.attribute("itemscope") != nil { return true }
            place = current.parent
        }
        return false
    }
}

/// Reads the product that a page's Open Graph elements describe.
enum OpenGraph {
    static func candidate(_ tags: MetaTags, locale: PageLocale) -> ProductCandidate? {
        var offer = OfferCandidate()
        let currencyText = tags.first(
            "product:sale_price:currency", "product:price:currency", "og:price:currency", "product:currency", "itemprop:pricecurrency", "twitter:currency")
        offer.currency = currencyText.flatMap { CurrencyText.field($0, locale: locale) }
        let context = PriceContext(isMachine: true, currency: offer.currency, locale: locale)
        // The sale price wins over the regular one; product:pretax_price and original prices are not what a buyer pays.
        let fields: [(text: String?, role: PriceRole)] = [
            (tags.first("product:sale_price:amount", "product:sale_price"), .sale),
            (tags.first("product:price:amount", "og:price:amount", "product:price", "og:price", "itemprop:price"), .regular),
        ]
        for field in fields {
            guard let text = field.text, var reading = PriceText.read(text, context) else { continue }
            if reading.role == .regular { reading.role = field.role }
            offer.prices.append(reading)
        }
        if let text = tags.first("product:availability", "og:availability", "itemprop:availability") { offer.availability = AvailabilityText.field(text) }
        let type = tags.first("og:type")?.lowercased() ?? ""
        guard !offer.prices.isEmpty || type == "product" || type.hasPrefix("product.") || type == "og:product" else { return nil }
        return ProductCandidate(
            source: .openGraph, name: NameText.cleaned(tags.first("og:title", "twitter:title", "itemprop:name")),
            identifiers: [tags.first("og:url"), tags.first("product:retailer_item_id")].compactMap { $0 },
            image: tags.first("og:image:secure_url", "og:image", "twitter:image", "itemprop:image"), offers: [offer])
    }
}
