import PriceWatchModel

/// Which of a source's products the page is about.
enum ProductChoice {
    enum Result: Equatable {
        case none
        case one(ProductCandidate)
        /// Several that have nothing to do with each other.
        case several
    }

    /// By the link, else by the page's own names, else the only one.
    static func choose(among candidates: [ProductCandidate], link: ProductLink, facts: PageFacts) -> Result {
        guard !candidates.isEmpty else { return .none }
        if let variant = candidates.lazy.compactMap({ variant(of: $0, link: link) }).first { return .one(variant) }
        let distinct = merged(candidates)
        if distinct.count == 1 { return .one(distinct[0]) }
        let byLink = distinct.filter { isNamed($0.identifiers, by: link, facts: facts) }
        if byLink.count == 1 { return .one(byLink[0]) }
        let pool = byLink.isEmpty ? distinct : byLink
        for name in facts.names {
            let exact = pool.filter { $0.name?.lowercased() == name.lowercased() }
            if exact.count == 1 { return .one(exact[0]) }
            let near = pool.filter { $0.name.map { NameText.matches($0, name) } == true }
            if near.count == 1 { return .one(near[0]) }
        }
        return .several
    }

    /// A variant of a product group that the link names.
    private static func variant(of candidate: ProductCandidate, link: ProductLink) -> ProductCandidate? {
        let matching = candidate.variants.filter { variant in
            (variant.identifiers + variant.offers.flatMap(\.identifiers)).contains { isSame($0, link) || isSelector($0, link) }
        }
        return matching.count == 1 ? matching[0] : nil
    }

    /// A product that is described twice is one: same name, or same identifiers.
    private static func merged(_ candidates: [ProductCandidate]) -> [ProductCandidate] {
        var result: [ProductCandidate] = []
        for candidate in candidates {
            let index = result.firstIndex { known in
                (known.name != nil && known.name == candidate.name) || !Set(known.identifiers).isDisjoint(with: candidate.identifiers)
            }
            guard let index else {
                result.append(candidate)
                continue
            }
            result[index].offers += candidate.offers
            result[index].variants += candidate.variants
            result[index].image = result[index].image ?? candidate.image
        }
        return result
    }

    private static func isNamed(_ identifiers: [String], by link: ProductLink, facts: PageFacts) -> Bool {
        let canonical = facts.canonicalLink.flatMap { ProductLink($0) }
        return identifiers.contains { text in
            isSame(text, link) || canonical.map { isSame(text, $0) } == true || isSelector(text, link)
        }
    }

    /// Whether an identifier is the link, relative or absolute.
    private static func isSame(_ identifier: String, _ link: ProductLink) -> Bool {
        guard identifier.contains("/"), let absolute = ProductLink.absolute(identifier, from: link.text), let other = ProductLink(absolute) else {
            return false
        }
        return other.path == link.path && other.bareHost == link.bareHost && (other.parameters == link.parameters || other.parameters.isEmpty)
    }

    /// Whether an identifier of some length is a word of the link (`?variant=4711`, `/p-4711`).
    private static func isSelector(_ identifier: String, _ link: ProductLink) -> Bool {
        !identifier.contains("/") && identifier.count >= 3 && link.words.contains(identifier.lowercased())
    }
}
