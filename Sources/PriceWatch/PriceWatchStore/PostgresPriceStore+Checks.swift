import PostgresClient
import PriceWatchModel

extension PostgresPriceStore {
    /// What a check is to read; see the port.
    public func target(ofProduct id: Int64, claim: Int64?) async throws -> CheckTarget {
        let found = try await client.query("select canonical_url, checked_claim, paused_at is not null as is_paused from products where id = \(id)")
        guard let row = found.first else { return .gone }
        if let claim {
            let isOver: Bool = try row["checked_claim", as: Int64.self] >= claim
            if try isOver || row["is_paused", as: Bool.self] { return .superseded }
        }
        return .link(try row["canonical_url"])
    }

    /// Compares with the stored price; see the port.
    ///
    /// - Throws: `PageTrouble` for an amount that is not above zero: nonsense never enters the history.
    public func record(_ page: ProductPage, forProduct id: Int64, asker: Int64?) async throws -> CheckResult {
        guard page.price.minorUnits > 0 else { throw PageTrouble(.noPrice) }
        return try await client.transaction(retries: retries) { tx in try await compare(tx, page, product: id, asker: asker) }
    }

    /// One comparison in the caller's transaction. The product's row is locked first, so that of two checks at once the
    /// second sees what the first stored, and a change is told once.
    func compare(_ tx: PostgresTransaction, _ page: ProductPage, product id: Int64, asker: Int64?) async throws -> CheckResult {
        let found = try await tx.query(
            """
            select p.price_minor, p.currency, p.canonical_url, p.failing_told_at is not null as is_told, \(planColumns)
            from products p \(wantedInterval) where p.id = \(id) for update of p
            """)
        guard let row = found.first else { return .gone }
        let old = try row.money("price_minor", "currency")
        let recovered: Int = try row["is_told"] ? try await tellRecovery(tx, product: id, price: page.price, except: asker) : 0
        try await tx.query(
            """
            update products set name = \(page.storableName), price_minor = \(page.price.minorUnits), currency = \(page.price.currency),
                availability = \(page.availability), image_url = coalesce(\(page.imageURL?.storable(2048)), image_url), failures = 0, last_failure = null,
                paused_at = null, failing_told_at = null, checked_at = \(clock), checked_claim = check_claim
            where id = \(id)
            """)
        try await plan(tx, [Planned(row: row) { CheckPlan.next(of: $0.id, after: $0.now, interval: $0.interval, jitter: .random(in: -1...1)) }])
        guard old != page.price else { return recovered > 0 ? .recovered(notifications: recovered) : .unchanged }
        try await Self.appendPoint(tx, page, product: id)
        let written = try await tx.query(
            """
            insert into outbox (user_id, watch_id, product_id, old_minor, old_currency, new_minor, new_currency)
            select w.user_id, w.id, w.product_id, \(old.minorUnits), \(old.currency), \(page.price.minorUnits), \(page.price.currency)
            from watches w join users u on u.id = w.user_id where w.product_id = \(id) and not u.is_blocked order by w.id
            returning id
            """)
        try await enqueue(tx, written)
        let change = PriceChange(
            productID: id, name: page.storableName, link: try row["canonical_url"], old: old, new: page.price)
        return .changed(change, notifications: written.affectedRows + recovered)
    }

    static func appendPoint(_ tx: PostgresTransaction, _ page: ProductPage, product id: Int64) async throws {
        try await tx.query(
            """
            insert into price_points (product_id, price_minor, currency, availability, seen_at)
            values (\(id), \(page.price.minorUnits), \(page.price.currency), \(page.availability), clock_timestamp())
            """)
    }

    /// Those who were told that the link had stopped working: who follows the product since before that.
    private func tellRecovery(_ tx: PostgresTransaction, product id: Int64, price: Money, except asker: Int64?) async throws -> Int {
        let written = try await tx.query(
            """
            insert into outbox (user_id, watch_id, product_id, kind, new_minor, new_currency)
            select w.user_id, w.id, w.product_id, 'link_recovered', \(price.minorUnits), \(price.currency)
            from watches w join users u on u.id = w.user_id join products p on p.id = w.product_id
            where w.product_id = \(id) and not u.is_blocked and w.created_at <= p.failing_told_at and u.chat_id is distinct from \(asker) order by w.id
            returning id
            """)
        try await enqueue(tx, written)
        return written.affectedRows
    }

    /// Notes a failed check; see the port.
    public func recordFailure(_ trouble: PageTrouble, forProduct id: Int64, claim: Int64?) async throws -> Int {
        try await client.transaction(retries: retries) { tx in
            let found = try await tx.query(
                """
                select p.failures, p.checked_claim, p.failing_told_at is not null as is_told, p.paused_at is not null as is_paused, \(planColumns)
                from products p \(wantedInterval) where p.id = \(id) for update of p
                """)
            guard let row = found.first else { return 0 }
            if let claim, try row["checked_claim", as: Int64.self] >= claim { return 0 }
            let due = try Planned.Due(row: row)
            let step = backoff.step(
                after: trouble.failure, before: try row["failures"], interval: Int(due.seconds ?? Int64(intervals.standard)), retryAfter: trouble.retryAfter)
            let (wasTold, wasPaused): (Bool, Bool) = (try row["is_told"], try row["is_paused"])
            let isTold = step.isPaused ? !wasPaused : step.isWorthTelling && !wasTold
            try await tx.query(
                """
                update products set failures = \(step.failures), last_failure = case when \(trouble.failure.isOfTheLink) then \(trouble.failure) else last_failure end,
                    checked_at = \(clock), checked_claim = check_claim, paused_at = case when \(step.isPaused) then coalesce(paused_at, \(clock)) else paused_at end,
                    failing_told_at = case when \(isTold) then coalesce(failing_told_at, \(clock)) else failing_told_at end
                where id = \(id)
                """)
            let pause = Int64(step.delay) * 1_000_000
            // Later only: a shop that asked to be left alone is.
            let next = due.now + pause + Int64(Double(min(pause / 20, 30_000_000)) * .random(in: 0...1))
            try await plan(tx, [Planned(due, next: next)])
            guard isTold else { return 0 }
            let written = try await tx.query(
                """
                insert into outbox (user_id, watch_id, product_id, kind, failure)
                select w.user_id, w.id, w.product_id, \(step.isPaused ? NotificationKind.linkPaused : .linkFailed), \(trouble.failure)
                from watches w join users u on u.id = w.user_id where w.product_id = \(id) and not u.is_blocked order by w.id
                returning id
                """)
            try await enqueue(tx, written)
            return written.affectedRows
        }
    }
}
