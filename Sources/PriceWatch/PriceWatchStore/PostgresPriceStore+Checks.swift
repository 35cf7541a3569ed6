import PostgresClient
import PriceWatchModel

extension PostgresPriceStore {
    /// Takes due products. The due time moves on in whole intervals, so that a scheduler whose period is the interval finds
    /// each product due each time; what was overdue for long is checked once.
    public func takeDueProducts(limit: Int) async throws -> [Int64] {
        let rows = try await client.query(
            """
            update products p set next_check_at = p.next_check_at
                + p.check_interval * (1 + floor(extract(epoch from now() - p.next_check_at) / extract(epoch from p.check_interval)))::double precision
            where p.id in (
                select d.id from products d where d.next_check_at <= now()
                    and exists (select from watches w join users u on u.id = w.user_id where w.product_id = d.id and not u.is_blocked)
                order by d.next_check_at, d.id limit \(limit) for update skip locked)
            returning p.id
            """)
        return try rows.map { try $0["id", as: Int64.self] }
    }

    /// Compares with the stored price; see the port.
    ///
    /// - Throws: `ParseFailure.noPrice` for an amount that is not above zero: nonsense never enters the history.
    public func record(_ page: ProductPage, forProduct id: Int64) async throws -> CheckResult {
        guard page.price.minorUnits > 0 else { throw ParseFailure.noPrice }
        return try await client.transaction { tx in try await compare(tx, page, product: id) }
    }

    /// Notes a failed check: the price stays, the next check comes later, doubling up to a day.
    public func recordFailure(_ failure: ParseFailure, forProduct id: Int64) async throws {
        try await client.query(
            """
            update products set failures = failures + 1, last_failure = \(failure), checked_at = now(),
                next_check_at = now() + least(check_interval * power(2, least(failures, 20)), greatest(check_interval, interval '1 day'))
            where id = \(id)
            """)
    }

    /// One comparison in the caller's transaction. The product's row is locked first, so that of two checks at once the
    /// second sees what the first stored, and a change is told once.
    func compare(_ tx: PostgresTransaction, _ page: ProductPage, product id: Int64) async throws -> CheckResult {
        let found = try await tx.query("select price_minor, currency, canonical_url from products where id = \(id) for update")
        guard let row = found.first else { return .gone }
        let old = try row.money("price_minor", "currency")
        try await tx.query(
            """
            update products set name = \(page.storableName), price_minor = \(page.price.minorUnits), currency = \(page.price.currency),
                availability = \(page.availability), image_url = coalesce(\(page.imageURL?.storable(2048)), image_url), failures = 0, last_failure = null,
                checked_at = now()
            where id = \(id)
            """)
        guard old != page.price else { return .unchanged }
        try await Self.appendPoint(tx, page, product: id)
        let written = try await tx.query(
            """
            insert into outbox (user_id, watch_id, product_id, old_minor, old_currency, new_minor, new_currency)
            select w.user_id, w.id, w.product_id, \(old.minorUnits), \(old.currency), \(page.price.minorUnits), \(page.price.currency)
            from watches w join users u on u.id = w.user_id where w.product_id = \(id) and not u.is_blocked order by w.id
            returning id
            """)
        let rows = try written.map { try $0["id", as: Int64.self] }
        if !rows.isEmpty { try await enqueue(tx, "o.id = any(\(rows))", limit: rows.count) }
        let change = PriceChange(
            productID: id, name: page.storableName, link: try row["canonical_url"], old: old, new: page.price)
        return .changed(change, notifications: written.affectedRows)
    }

    static func appendPoint(_ tx: PostgresTransaction, _ page: ProductPage, product id: Int64) async throws {
        try await tx.query(
            """
            insert into price_points (product_id, price_minor, currency, availability, seen_at)
            values (\(id), \(page.price.minorUnits), \(page.price.currency), \(page.availability), clock_timestamp())
            """)
    }
}
