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
        let match = LinkMatch(link)
        if let variant = candidates.lazy.compactMap({ variant(of: $0, match) }).first { return .one(variant) }
        let canonical = facts.canonicalLink.flatMap { ProductLink($0) }.map { LinkMatch($0) }
        let distinct = merged(candidates.map { Described($0, match, canonical) })
        if distinct.count == 1 { return .one(distinct[0].candidate) }
        let best = distinct.compactMap(\.closeness).max()
        let pool = distinct.filter { $0.closeness == best }.map(\.candidate)
        if pool.count == 1 { return .one(pool[0]) }
        for name in facts.names {
            let exact = pool.filter { $0.name?.lowercased() == name.lowercased() }
            if exact.count == 1 { return .one(exact[0]) }
            let near = pool.filter { $0.name.map { NameText.matches($0, name) } == true }
            if near.count == 1 { return .one(near[0]) }
        }
        return .several
    }

    /// A variant of a product group that the link names.
    private static func variant(of candidate: ProductCandidate, _ match: LinkMatch) -> ProductCandidate? {
        let matching = match.closest(among: candidate.variants) { $0.identifiers + $0.offers.flatMap(\.identifiers) }
        return matching.count == 1 ? matching[0] : nil
    }

    /// A product that is described twice is one: same name, or same identifiers, and not told apart by the link.
    ///
    /// What the link names comes first, so that a description that fits several joins that one.
    private static func merged(_ candidates: [Described]) -> [Described] {
        var result: [Described] = []
        for next in candidates.filter({ $0.closeness != nil }) + candidates.filter({ $0.closeness == nil }) {
            if let index = result.firstIndex(where: { $0.isSame(as: next) }) {
                result[index].join(next.candidate)
            } else {
                result.append(next)
            }
        }
        return result
    }
}

/// A candidate and how the link names it.
private struct Described {
    private(set) var candidate: ProductCandidate
    private let codes: Set<String>
    private let hasReference: Bool
    private let reference: Int?
    private let hasWord: Bool
    let closeness: Int?

    init(_ candidate: ProductCandidate, _ match: LinkMatch, _ canonical: LinkMatch?) {
        self.candidate = candidate
        codes = Set(candidate.identifiers.filter { !LinkMatch.isReference($0) })
        hasReference = codes.count < Set(candidate.identifiers).count
        // The canonical link may lack the variant that the user asked for, so it is no closer than the bare path.
        reference = match.reference(in: candidate.identifiers) ?? canonical?.reference(in: candidate.identifiers).map { _ in 1 }
        hasWord = match.hasWord(candidate.identifiers)
        closeness = reference == nil && !hasWord ? nil : (reference ?? 0) + (hasWord ? 1 : 0)
    }

    func isSame(as other: Described) -> Bool {
        let hasSameName = candidate.name != nil && candidate.name == other.candidate.name
        return (hasSameName || !Set(candidate.identifiers).isDisjoint(with: other.candidate.identifiers)) && !isApart(from: other)
    }

    mutating func join(_ other: ProductCandidate) {
        candidate.offers += other.offers
        candidate.variants += other.variants
        candidate.image = candidate.image ?? other.image
    }

    /// Whether the link names one of two more closely, so that the other's price is none of it: they are sizes of one product, say.
    private func isApart(from other: Described) -> Bool {
        let arePriced = isPriced && other.isPriced
        if hasReference, other.hasReference, reference != other.reference, arePriced || reference == nil || other.reference == nil { return true }
        return arePriced && hasWord != other.hasWord && !codes.isEmpty && !other.codes.isEmpty && codes.isDisjoint(with: other.codes)
    }

    private var isPriced: Bool { !candidate.variants.isEmpty || candidate.offers.contains { $0.price != nil } }
}
