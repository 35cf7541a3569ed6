import PriceWatchModel

/// Availability as pages write it: schema.org's words, Open Graph's, and short phrases.
enum AvailabilityText {
    /// Reads a field that holds an availability.
    static func field(_ text: String) -> Availability {
        let last = text.split { $0 == "/" || $0 == "#" }.last.map(String.init) ?? ""
        let word = (last.lowercased()).filter { $0.isLetter }
        if let known = words[word] { return known }
        return phrases.first { text.lowercased().contains($0.phrase) }?.availability ?? .unknown
    }

    private static let words: [String: Availability] = [
        "instock": .inStock, "instoreonly": .inStock, "limitedavailability": .inStock, "onlineonly": .inStock, "available": .inStock,
        "availablefororder": .preorder, "madetoorder": .preorder, "preorder": .preorder, "presale": .preorder, "backorder": .preorder, "reserved": .outOfStock,
        "outofstock": .outOfStock, "oos": .outOfStock, "soldout": .outOfStock, "discontinued": .outOfStock, "pending": .preorder,
        "вналичии": .inStock, "подзаказ": .preorder, "предзаказ": .preorder,
    ]

    /// Negations first: «нет в наличии» holds «в наличии».
    private static let phrases: [(phrase: String, availability: Availability)] = [
        ("нет в наличии", .outOfStock), ("нет в продаже", .outOfStock), ("распродан", .outOfStock), ("закончил", .outOfStock), ("not available", .outOfStock),
        ("unavailable", .outOfStock), ("nicht verfügbar", .outOfStock), ("out of stock", .outOfStock), ("sold out", .outOfStock), ("под заказ", .preorder),
        ("pre-order", .preorder), ("в наличии", .inStock), ("in stock", .inStock), ("auf lager", .inStock),
    ]
}
