import DynamicJSON
import PriceWatchModel

/// Turns schema.org objects into candidates; JSON-LD and microdata share it.
struct SchemaProducts {
    let source: CandidateSource
    let graph: SchemaGraph
    let locale: PageLocale

    static func candidates(in roots: [JSONValue], source: CandidateSource, locale: PageLocale) -> [ProductCandidate] {
        let graph = SchemaGraph(roots)
        let reader = SchemaProducts(source: source, graph: graph, locale: locale)
        let nodes = graph.products.isEmpty ? graph.others : graph.products
        return nodes.prefix(500).map { reader.product($0, depth: 0) }
    }

    private func product(_ node: SchemaNode, depth: Int) -> ProductCandidate {
        var candidate = ProductCandidate(source: source)
        candidate.name = NameText.cleaned(node.text("name"))
        candidate.identifiers = Identifiers.read(["url", "@id", "sku", "productID", "mpn", "gtin", "gtin13", "identifier"], of: node)
        candidate.image = image(node["image"])
        candidate.offers = SchemaOffers(graph: graph, locale: locale).offers(of: node)
        guard depth < 2 else { return candidate }
        candidate.variants = SchemaNode.list(node["hasVariant"]).prefix(200).compactMap { value in
            guard graph.budget.take(), let node = graph.node(value) else { return nil }
            var variant = product(node, depth: depth + 1)
            variant.name = variant.name ?? candidate.name
            variant.image = variant.image ?? candidate.image
            return variant
        }
        return candidate
    }

    private func image(_ value: JSONValue?) -> String? {
        for value in SchemaNode.list(value) {
            if case .string(let text) = value, !text.isEmpty { return graph.node(value).flatMap { image(of: $0) } ?? text }
            if let node = graph.node(value), let found = image(of: node) { return found }
        }
        return nil
    }

    private func image(of node: SchemaNode) -> String? {
        ["contentUrl", "url", SchemaNode.textKey, "@id"].compactMap { node.text($0) }.first { !$0.isEmpty }
    }
}
