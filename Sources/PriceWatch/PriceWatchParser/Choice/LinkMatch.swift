/// Tells which product, variant or offer a link names, by the identifiers that the page gives them.
struct LinkMatch {
    let link: ProductLink
    private let words: Set<String>

    init(_ link: ProductLink) {
        self.link = link
        words = link.words
    }

    /// How closely identifiers name the link; nil when they don't.
    func closeness(of identifiers: [String]) -> Int? {
        let reference = self.reference(in: identifiers)
        let hasWord = self.hasWord(identifiers)
        return reference == nil && !hasWord ? nil : (reference ?? 0) + (hasWord ? 1 : 0)
    }

    /// Those that name the link more closely than the others do; none when nothing names it.
    func closest<Element>(among elements: [Element], identifiers: (Element) -> [String]) -> [Element] {
        let ranked = elements.map { (element: $0, rank: closeness(of: identifiers($0))) }
        guard let best = ranked.compactMap({ $0.rank }).max() else { return [] }
        return ranked.filter { $0.rank == best }.map { $0.element }
    }

    /// How much of the link its closest reference repeats: the path always, of the parameters any, and none that the link has not. What else the
    /// link has may be a search's or an advertisement's.
    func reference(in identifiers: [String]) -> Int? {
        identifiers.lazy.compactMap { self.reference($0) }.max()
    }

    private func reference(_ text: String) -> Int? {
        guard text.contains("/") || text.hasPrefix("?"), let absolute = ProductLink.absolute(text, from: link.text), let other = ProductLink(absolute) else {
            return nil
        }
        guard other.path == link.path, other.bareHost == link.bareHost, Set(other.parameters).isSubset(of: link.parameters) else { return nil }
        return other.parameters.count + (other.parameters == link.parameters ? 2 : 1)
    }

    /// Whether a code of some length is a word of the link (`?variant=4711`, `/p-4711`).
    func hasWord(_ identifiers: [String]) -> Bool {
        identifiers.contains { !$0.contains("/") && $0.count >= 3 && words.contains($0.lowercased()) }
    }

    /// Whether an identifier is written as a link; a code may have a slash within.
    static func isReference(_ identifier: String) -> Bool {
        identifier.hasPrefix("/") || identifier.hasPrefix("?") || identifier.contains("://")
    }
}
