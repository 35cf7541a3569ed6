import PriceWatchModel

/// Which of a product's offers is its price.
enum OfferChoice {
    struct Chosen: Equatable {
        var price: Money?
        var availability: Availability
    }

    /// New before used, the offer that the link names, in stock before sold out, then the lowest price.
    static func choose(for product: ProductCandidate, link: ProductLink, facts: PageFacts) -> Chosen {
        var offers = product.offers
        if offers.allSatisfy({ $0.price == nil }) { offers += product.variants.flatMap(\.offers) }
        if offers.contains(where: { !$0.isUsed }) { offers.removeAll(where: \.isUsed) }
        let named = LinkMatch(link).closest(among: offers, identifiers: \.identifiers)
        if named.count == 1 { offers = named }
        let availability = offers.first { $0.availability == .inStock }?.availability ?? offers.first { $0.availability != .unknown }?.availability ?? .unknown
        let priced = offers.compactMap { offer in money(offer, facts).map { (offer: offer, money: $0) } }
        guard let first = priced.first else { return Chosen(price: nil, availability: availability) }
        // Amounts of other currencies are never compared with the first one's.
        let comparable = priced.filter { $0.money.currency == first.money.currency }
        let best = comparable.min { left, right in
            let leftRank = rank(left.offer.availability)
            let rightRank = rank(right.offer.availability)
            return leftRank != rightRank ? leftRank < rightRank : left.money.minorUnits < right.money.minorUnits
        }
        return Chosen(price: best?.money, availability: best?.offer.availability ?? availability)
    }

    private static func rank(_ availability: Availability) -> Int {
        switch availability {
        case .inStock: 0
        case .unknown: 1
        case .preorder: 2
        case .outOfStock: 3
        }
    }

    /// The offer's own currency field, else the sign at the amount, else the page's; without any there is no price.
    private static func money(_ offer: OfferCandidate, _ facts: PageFacts) -> Money? {
        guard let price = offer.price, let currency = offer.currency ?? price.currency ?? facts.currency else { return nil }
        guard let money = price.amount.money(in: currency), money.minorUnits > 0 else { return nil }
        return money
    }
}
