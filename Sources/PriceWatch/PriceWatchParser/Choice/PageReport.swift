import PriceWatchModel

/// Makes the outcome of a page from its candidates.
enum PageReport {
    /// The most trusted source that names one product and its price wins; the others fill in what it leaves out.
    static func report(_ content: PageContent, address: ProductLink) -> Result<ProductPage, ParseFault> {
        let facts = content.facts
        var products: [ProductCandidate] = []
        var isAmbiguous = false
        for candidates in content.candidates {
            switch ProductChoice.choose(among: candidates, link: address, facts: facts) {
            case .one(let product): products.append(product)
            case .several: isAmbiguous = true
            case .none: continue
            }
        }
        guard !products.isEmpty else {
            if isAmbiguous { return .failure(ParseFault(.notAProduct, "the page of \(address.host) lists several products")) }
            return .failure(ResponseGate.fault(ofPageWithoutProduct: facts, host: address.host))
        }
        let chosen = products.map { OfferChoice.choose(for: $0, link: address, facts: facts) }
        guard let winner = chosen.firstIndex(where: { $0.price != nil }), let price = chosen[winner].price else {
            return .failure(ParseFault(.noPrice, "the page of \(address.host) names no price that could be read"))
        }
        // The winner speaks first, then the sources in their order.
        let speakers = [products[winner]] + products
        guard let name = speakers.compactMap(\.name).first ?? facts.names.first else {
            return .failure(ParseFault(.notAProduct, "the page of \(address.host) gives its product no name"))
        }
        let availability = ([chosen[winner]] + chosen).map(\.availability).first { $0 != .unknown } ?? .unknown
        let images = speakers.compactMap(\.image) + [facts.openGraphImage].compactMap { $0 }
        return .success(
            ProductPage(
                canonicalURL: ProductLink.canonical(address: address, declared: facts.canonicalLink).text, name: name, price: price,
                availability: availability, imageURL: images.lazy.compactMap { ProductLink.absolute($0, from: facts.base) }.first,
                source: products[winner].source.rawValue))
    }
}
