import PostgresClient
import PriceWatchModel

/// The columns of a product under the names that `Product(row:)` reads.
let productColumns: PostgresQuery = """
    p.id as product_id, p.canonical_url, p.name as product_name, p.price_minor, p.currency, p.availability, p.image_url, p.failures, p.last_failure,
        extract(epoch from p.check_interval)::bigint as product_interval, p.paused_at is not null as is_paused,
        case when p.paused_at is null then (extract(epoch from p.next_check_at) * 1000000)::bigint end as next_check_us
    """

/// The columns of a watch under the names that `Watch(row:)` reads.
let watchColumns: PostgresQuery = "w.id as watch_id, w.user_id, w.check_interval as watch_interval"

extension Product {
    init(row: PostgresRow) throws {
        try self.init(
            id: row["product_id"], canonicalURL: row["canonical_url"], name: row["product_name"], price: row.money("price_minor", "currency"),
            availability: row.decode(Availability.self, at: "availability"), imageURL: row["image_url"], failures: row["failures"],
            lastFailure: row.decode(ParseFailure?.self, at: "last_failure"), checkInterval: row["product_interval"], nextCheckAt: row["next_check_us"],
            isPaused: row["is_paused"])
    }
}

extension Watch {
    init(row: PostgresRow) throws {
        try self.init(id: row["watch_id"], userID: row["user_id"], product: Product(row: row), checkInterval: row["watch_interval"])
    }
}

extension PostgresRow {
    /// The amount in two columns.
    func money(_ minorUnits: String, _ currency: String) throws -> Money {
        guard let code = Currency(try decode(String.self, at: currency)) else {
            throw StoreError(.damagedValue, "column \(currency) holds no ISO 4217 code")
        }
        return Money(minorUnits: try decode(Int64.self, at: minorUnits), currency: code)
    }
}

extension Availability: PostgresEncodable, PostgresDecodable {}
extension ParseFailure: PostgresEncodable, PostgresDecodable {}
extension Language: PostgresEncodable, PostgresDecodable {}
extension AdminRole: PostgresEncodable, PostgresDecodable {}

extension Currency: PostgresEncodable {
    /// Inferred, as for text.
    public static var postgresType: PostgresType { .inferred }
    /// Appends the code.
    public func encodePostgres(into bytes: inout [UInt8]) { code.encodePostgres(into: &bytes) }
}

extension Duration {
    /// Seconds as the store's intervals count them.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension String {
    /// What a text column can hold of a text that came from outside: no NUL, no more than so many characters.
    func storable(_ limit: Int) -> String { String(filter { $0 != "\0" }.prefix(limit)) }
}
