import DynamicJSON
import PriceWatchModel

/// Reads the offers of a schema.org product: single, several, aggregated, with price specifications.
struct SchemaOffers {
    let graph: SchemaGraph
    let locale: PageLocale

    func offers(of product: SchemaNode) -> [OfferCandidate] {
        var found = SchemaNode.list(product["offers"]).prefix(500).compactMap { graph.node($0) }.flatMap { offers(in: $0, parent: nil) }
        if product["price"] != nil || product["priceSpecification"] != nil { found.append(offer(product, parent: nil)) }
        return found
    }

    /// An offer, or those within an aggregate; the aggregate's lowest price counts where its offers have none.
    private func offers(in node: SchemaNode, parent: SchemaNode?) -> [OfferCandidate] {
        guard graph.budget.take() else { return [] }
        let inner = parent == nil ? SchemaNode.list(node["offers"]).prefix(500).compactMap { graph.node($0) } : []
        let isAggregate = node.types.contains("aggregateoffer") || node["lowPrice"] != nil || !inner.isEmpty
        guard isAggregate else { return [offer(node, parent: parent)] }
        let single = inner.flatMap { offers(in: $0, parent: node) }
        if single.contains(where: { $0.price != nil }) { return single }
        var whole = offer(node, parent: nil)
        let context = PriceContext(isMachine: true, currency: whole.currency, locale: locale)
        if let low = SchemaPrice.read(node["lowPrice"], context, role: .low) { whole.prices.append(low) }
        return [whole]
    }

    private func offer(_ node: SchemaNode, parent: SchemaNode?) -> OfferCandidate {
        let specifications = SchemaNode.list(node["priceSpecification"]).prefix(50).compactMap { graph.budget.take() ? graph.node($0) : nil }
        var offer = OfferCandidate()
        let currencies = [node, parent].compactMap { $0?.text("priceCurrency") } + specifications.compactMap { $0.text("priceCurrency") }
        offer.currency = currencies.lazy.compactMap { CurrencyText.field($0, locale: locale) }.first
        let context = PriceContext(isMachine: true, currency: offer.currency, locale: locale)
        if let price = SchemaPrice.read(node["price"], context, role: .regular) { offer.prices.append(price) }
        for specification in specifications {
            let role = Self.role(of: specification)
            if let price = SchemaPrice.read(specification["price"] ?? specification["minPrice"], context, role: role) { offer.prices.append(price) }
        }
        offer.availability = availability(node, parent)
        offer.identifiers = Identifiers.read(["url", "@id", "sku", "mpn", "gtin13"], of: node)
        offer.isUsed = ["used", "refurbished", "damaged"].contains { (node.text("itemCondition") ?? "").lowercased().contains($0) }
        return offer
    }

    private func availability(_ node: SchemaNode, _ parent: SchemaNode?) -> Availability {
        for value in [node["availability"], parent?["availability"]].compactMap({ $0 }) {
            if let text = SchemaNode.text(value) { return AvailabilityText.field(text) }
        }
        return .unknown
    }

    private static func role(of specification: SchemaNode) -> PriceRole {
        if specification["validForMemberTier"] != nil { return .member }
        if specification["billingDuration"] != nil || specification["billingIncrement"] != nil { return .installment }
        if specification["referenceQuantity"] != nil { return .unit }
        let type = (specification.text("priceType") ?? "").lowercased()
        if ["listprice", "strikethroughprice", "srp", "msrp", "regularprice"].contains(where: { type.contains($0) }) { return .list }
        return type.contains("sale") ? .sale : .regular
    }
}

/// Reads a price field of schema.org.
enum SchemaPrice {
    static func read(_ value: JSONValue?, _ context: PriceContext, role: PriceRole) -> PriceReading? {
        switch value {
        case .int(let number):
            guard number >= 0, let amount = DecimalAmount(whole: String(number)) else { return nil }
            return PriceReading(amount: amount, currency: nil, role: role)
        case .double(let number):
            return decimal(String(number), role)
        case .string(let text):
            return reading(text, context, role)
        case .array(let values):
            return values.lazy.compactMap { read($0, context, role: role) }.first
        case .object(let object):
            if let text = object[SchemaNode.textKey]?.stringValue {
                var context = context
                context.isMachine = false
                return reading(text, context, role)
            }
            return read(object["@value"], context, role: role)
        default:
            return nil
        }
    }

    /// A JSON number is a decimal whatever the count of its digits.
    private static func decimal(_ text: String, _ role: PriceRole) -> PriceReading? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { PriceNumber.isDigit($0) } }) else { return nil }
        guard let amount = DecimalAmount(whole: String(parts[0]), fraction: String(parts[1])) else { return nil }
        return PriceReading(amount: amount, currency: nil, role: role)
    }

    /// The field's role wins over the text's, unless the text says that it is no payable price.
    private static func reading(_ text: String, _ context: PriceContext, _ role: PriceRole) -> PriceReading? {
        guard var reading = PriceText.read(text, context) else { return nil }
        if reading.role == .regular { reading.role = role }
        return reading
    }
}
