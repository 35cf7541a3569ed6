import PostgresClient
import PriceWatchModel

/// What the API reads, on Postgres: each method is one statement, hence one consistent read.
public struct PostgresPriceReader: PriceReader {
    let client: PostgresClient

    /// Stands on a client that somebody else shuts down.
    public init(client: PostgresClient) { self.client = client }

    /// Products by growing id.
    public func products(_ query: ProductQuery) async throws -> [Product] {
        var statement: PostgresQuery = "select \(productColumns) from products p where p.id > \(query.after ?? 0)"
        if let chatID = query.followedBy { statement.append(" and \(Self.isFollowed(by: chatID))") }
        if let search = query.search?.storable(500), !search.isEmpty {
            statement.append(
                " and (position(lower(\(search)) in lower(p.name)) > 0 or position(lower(\(search)) in lower(p.canonical_url)) > 0)")
        }
        statement.append(" order by p.id limit \(max(0, query.limit))")
        return try await client.query(statement).map { try Product(row: $0) }
    }

    /// One product.
    public func product(_ id: Int64, followedBy chatID: Int64?) async throws -> Product? {
        var statement: PostgresQuery = "select \(productColumns) from products p where p.id = \(id)"
        if let chatID { statement.append(" and \(Self.isFollowed(by: chatID))") }
        return try await client.query(statement).first.map { try Product(row: $0) }
    }

    /// A product's prices, newest first: those that are kept, and one for each day that was rolled up. A product without any
    /// (limit 0) still gives one row, with nothing in it.
    public func history(ofProduct id: Int64, followedBy chatID: Int64?, limit: Int) async throws -> [PricePoint]? {
        let limit = max(0, limit)
        var statement: PostgresQuery = """
            select h.price_minor, h.currency, h.availability, h.low, h.high, (extract(epoch from h.seen_at) * 1000000)::bigint as seen_at
            from products p left join lateral (
                select * from (
                    (select x.price_minor, x.currency, x.availability, x.seen_at, x.id, null::bigint as low, null::bigint as high
                    from price_points x where x.product_id = p.id order by x.seen_at desc, x.id desc limit \(limit))
                    union all
                    (select d.last_minor, d.currency, d.availability, d.last_seen_at, d.id, d.low_minor, d.high_minor
                    from price_days d where d.product_id = p.id order by d.last_seen_at desc, d.id desc limit \(limit))) a
                order by seen_at desc, id desc limit \(limit)) h on true
            where p.id = \(id)
            """
        if let chatID { statement.append(" and \(Self.isFollowed(by: chatID))") }
        statement.append(" order by h.seen_at desc, h.id desc")
        let rows = try await client.query(statement)
        guard !rows.isEmpty else { return nil }
        return try rows.compactMap { row in
            guard let seenAt = try row["seen_at", as: Int64?.self] else { return nil }
            let low: Int64? = try row["low"]
            let high: Int64? = try row["high"]
            let range = low.flatMap { low in high.map { PricePoint.Range(low: low, high: $0) } }
            return PricePoint(price: try row.money("price_minor", "currency"), availability: try row["availability"], seenAt: seenAt, range: range)
        }
    }

    /// A chat's watches by growing id.
    public func watches(ofChat chatID: Int64, after: Int64?, limit: Int) async throws -> [Watch] {
        try await client.query(
            """
            select \(watchColumns), \(productColumns)
            from watches w join users u on u.id = w.user_id join products p on p.id = w.product_id
            where u.chat_id = \(chatID) and w.id > \(after ?? 0) order by w.id limit \(max(0, limit))
            """
        ).map { try Watch(row: $0) }
    }

    /// One watch of the chat.
    public func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch? {
        try await client.query(
            """
            select \(watchColumns), \(productColumns)
            from watches w join users u on u.id = w.user_id join products p on p.id = w.product_id where u.chat_id = \(chatID) and w.id = \(id)
            """
        ).first.map { try Watch(row: $0) }
    }

    /// The chat's user.
    public func user(ofChat chatID: Int64) async throws -> User? {
        try await client.query("select id, chat_id, name, language, is_blocked from users where chat_id = \(chatID)").first.map { row in
            try User(id: row["id"], chatID: row["chat_id"], name: row["name"], language: row["language"], isBlocked: row["is_blocked"])
        }
    }

    /// What the chat's user has chosen.
    public func preferences(ofChat chatID: Int64) async throws -> UserPreferences {
        try await client.query("select \(preferenceColumns) from users u where u.chat_id = \(chatID)").first.map { try UserPreferences(row: $0) }
            ?? UserPreferences()
    }

    private static func isFollowed(by chatID: Int64) -> PostgresQuery {
        "exists (select from watches w join users u on u.id = w.user_id where w.product_id = p.id and u.chat_id = \(chatID))"
    }
}
