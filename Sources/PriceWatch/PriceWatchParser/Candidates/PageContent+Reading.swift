import DynamicJSON
import HTMLDocument
import PriceWatchModel

/// Collects a page's candidates from all sources; the first is never taken for the best.
extension PageContent {
    init(_ document: HTMLDocument, address: String) throws {
        let tags = try MetaTags(document)
        facts = try PageFacts(document, tags, address: address)
        candidates = [
            SchemaProducts.candidates(in: try Self.linkedData(document), source: .jsonLD, locale: facts.locale),
            SchemaProducts.candidates(in: try Microdata.items(in: document), source: .microdata, locale: facts.locale),
            [OpenGraph.candidate(tags, locale: facts.locale)].compactMap { $0 },
        ]
    }

    /// The values of all JSON-LD blocks; a faulty one does not lose the next.
    private static func linkedData(_ document: HTMLDocument) throws -> [JSONValue] {
        try document.nodes("//script[@type]").prefix(500).flatMap { script -> [JSONValue] in
            let type = (script.attribute("type") ?? "").lowercased().drop(while: \.isWhitespace)
            return type.hasPrefix("application/ld+json") ? JSONText.values(in: script.text) : []
        }
    }
}

extension PageFacts {
    init(_ document: HTMLDocument, _ tags: MetaTags, address: String) throws {
        title = NameText.cleaned(try document.nodes("//title").first?.text)
        headings = try document.nodes("//h1").prefix(5).compactMap { NameText.cleaned($0.text) }
        openGraphTitle = NameText.cleaned(tags.first("og:title"))
        base = try document.nodes("//base[@href]").first?.attribute("href").flatMap { ProductLink.absolute($0, from: address) } ?? address
        openGraphImage = tags.first("og:image:secure_url", "og:image")
        let canonical = try document.nodes("//link[@rel and @href]").first { node in
            (node.attribute("rel") ?? "").lowercased().split(whereSeparator: \.isWhitespace).contains("canonical")
        }
        canonicalLink = canonical?.attribute("href").flatMap { [base] in ProductLink.absolute($0, from: base) }
        locale = PageLocale(host: ProductLink(address)?.host ?? "", lang: document.root?.attribute("lang"))
        currency = tags.first("product:price:currency", "og:price:currency", "itemprop:pricecurrency").flatMap { [locale] in
            CurrencyText.field($0, locale: locale)
        }
    }
}
