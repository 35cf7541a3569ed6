import DynamicJSON
import PriceWatchModel

extension Money: SchemaProviding {
    public static var schemaName: String { "Money" }
    public static var schemaDescription: String { "An amount in whole minor units of one currency." }
    public static var schema: Schema {
        .object([
            .required("minor_units", .integer(Int64.min...Int64.max), "129900 for 1,299.00 RUB, 1299 for 1,299 JPY."),
            .required("currency", .string(StringRule(length: 3...3, alphabet: .printable)), "ISO 4217."),
        ])
    }
}

extension Product: SchemaProviding {
    public static var schemaName: String { "Product" }
    public static var schemaDescription: String { "A product that somebody follows." }
    public static var schema: Schema {
        .object([
            .required("id", .id),
            .required("canonical_url", .string(StringRule(length: 0...4096, alphabet: .any, format: "uri"))),
            .required("name", .string(StringRule(length: 0...4096, alphabet: .any))),
            .required("price", .named(Money.self), "The last known price; a failed check never changes it."),
            .required("availability", .choice(Availability.allCases.map(\.rawValue))),
            .optional("image_url", .string(StringRule(length: 0...4096, alphabet: .any, format: "uri"))),
            .required("failures", .integer(0...Int64.max), "How many checks in a row have failed."),
            .optional("last_failure", .choice(ParseFailure.allCases.map(\.rawValue)), "Why the last check failed, if it did."),
            .required("check_interval", .integer(1...Int64(Int32.max)), "Seconds between two checks: the shortest that a follower wants."),
            .optional(
                "next_check_at", .integer(Int64.min...Int64.max), "When it is checked next, in microseconds since 1970-01-01T00:00:00Z; missing while paused."),
            .required("is_paused", .boolean, "Whether it is not checked any more because its link does not work."),
        ])
    }
}

extension Watch: SchemaProviding {
    public static var schemaName: String { "Watch" }
    public static var schemaDescription: String { "One user following one product." }
    public static var schema: Schema {
        .object([
            .required("id", .id), .required("user_id", .id), .required("product", .named(Product.self)),
            .optional("check_interval", .integer(1...Int64(Int32.max)), "Seconds between two checks that the user wants for this product."),
        ])
    }
}

extension PricePoint: SchemaProviding {
    public static var schemaName: String { "PricePoint" }
    public static var schemaDescription: String { "One price in a product's history." }
    public static var schema: Schema {
        .object([
            .required("price", .named(Money.self)), .required("availability", .choice(Availability.allCases.map(\.rawValue))),
            .required("seen_at", .integer(Int64.min...Int64.max), "Microseconds since 1970-01-01T00:00:00Z."),
            .optional(
                "range", .object([.required("low", .integer(1...Int64.max)), .required("high", .integer(1...Int64.max))]),
                "The lowest and the highest price of the day, in minor units, if this point stands for a whole day: old prices are kept by day."),
        ])
    }
}

extension ProductPage: SchemaProviding {
    public static var schemaName: String { "ProductPage" }
    public static var schemaDescription: String { "What a product page says." }
    public static var schema: Schema {
        .object([
            .required("canonical_url", .string(StringRule(length: 0...4096, alphabet: .any, format: "uri")), "The link that names the product."),
            .required("name", .string(StringRule(length: 0...4096, alphabet: .any))), .required("price", .named(Money.self)),
            .required("availability", .choice(Availability.allCases.map(\.rawValue))),
            .optional("image_url", .string(StringRule(length: 0...4096, alphabet: .any, format: "uri"))),
            .required("source", .string(StringRule(length: 0...64, alphabet: .any)), "What the price was found in, for example json-ld."),
        ])
    }
}

/// A page of products.
struct ProductList: Codable, Sendable, SchemaProviding {
    var products: [Product]
    /// The `cursor` of the next page; `nil` on the last one.
    var nextCursor: Int64?

    enum CodingKeys: String, CodingKey {
        case products
        case nextCursor = "next_cursor"
    }

    static let schemaName = "ProductList"
    static let schemaDescription = "Products by growing id."
    static var schema: Schema {
        .object([
            .required("products", .array(.named(Product.self), count: 0...Limits.page.upperBound)),
            .optional("next_cursor", .id, "The cursor of the next page; missing on the last one."),
        ])
    }
}

/// A page of watches.
struct WatchList: Codable, Sendable, SchemaProviding {
    var watches: [Watch]
    var nextCursor: Int64?

    enum CodingKeys: String, CodingKey {
        case watches
        case nextCursor = "next_cursor"
    }

    static let schemaName = "WatchList"
    static let schemaDescription = "What a chat follows, by growing id."
    static var schema: Schema {
        .object([
            .required("watches", .array(.named(Watch.self), count: 0...Limits.page.upperBound)),
            .optional("next_cursor", .id, "The cursor of the next page; missing on the last one."),
        ])
    }
}

/// A product's prices.
struct PriceHistory: Codable, Sendable, SchemaProviding {
    var points: [PricePoint]

    static let schemaName = "PriceHistory"
    static let schemaDescription = "Prices, newest first; one more only when it differs from the one before. Old ones are one per day."
    static var schema: Schema { .object([.required("points", .array(.named(PricePoint.self), count: 0...Limits.history.upperBound))]) }
}

/// The bounds of lists and bodies.
enum Limits {
    /// Elements of a page.
    static let page = 1...200
    /// Elements of a page when nothing is said.
    static let defaultPage = 50
    /// Price points.
    static let history = 1...1000
    /// Price points when nothing is said.
    static let defaultHistory = 100
    /// A link, in characters.
    static let link = 1...2048
    /// A JSON body, in bytes.
    static let body = 64 * 1024
    /// How deep a JSON body may be nested.
    static let depth = 32
}
