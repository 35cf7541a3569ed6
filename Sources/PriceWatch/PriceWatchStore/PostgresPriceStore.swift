import ApiumOutbox
import PostgresClient
import PriceWatchJobs
import PriceWatchModel

/// What the jobs need of the database, on Postgres. Each method is one transaction.
///
/// Those that lock several rows take them in one order, so that no two wait for each other: users, products by their id, watches, `outbox`,
/// `apium_outbox`. What is locked by a foreign key comes last in a transaction and waits for nothing but an end of that row.
public struct PostgresPriceStore: PriceStore {
    let client: PostgresClient
    /// Where notifications become jobs, in the transaction that makes them.
    let outbox: Outbox
    let intervals: CheckIntervals
    let backoff: CheckBackoff
    let checkPlan = CheckPlan()
    /// What time it is, in SQL; tests say another time.
    var clock: PostgresQuery = "now()"
    /// How often a transaction is run again that the server ended in favour of another, such as the admin's deletions, whose order is the schema's.
    var retries = 1

    /// Stands on a client that somebody else shuts down.
    ///
    /// - Parameters:
    ///   - outbox: where notifications become jobs. Default: routed to the queue of their type.
    ///   - intervals: how often products may be checked. Default: that of ``CheckIntervals``.
    ///   - backoff: what failed checks lead to. Default: that of ``CheckBackoff``.
    public init(
        client: PostgresClient, outbox: Outbox = Outbox(), intervals: CheckIntervals = CheckIntervals(), backoff: CheckBackoff = CheckBackoff()
    ) {
        self.client = client
        self.outbox = outbox
        self.intervals = intervals
        self.backoff = backoff
    }

    /// Adds a watch; see the port. A product that is known already is compared with the page first, as a check would.
    public func addWatch(
        chatID: Int64, userName: String, language: Language?, page: ProductPage, limit: Int
    ) async throws -> AddedWatch {
        guard page.price.minorUnits > 0 else { throw PageTrouble(.noPrice) }
        return try await client.transaction(retries: retries) { tx in
            // The user's row is locked by this, so that two links sent at once cannot both be the last one allowed.
            let (userID, wasBlocked) = try await Self.ensureUser(tx, chatID: chatID, name: userName, language: language)
            if wasBlocked {
                let theirs: PostgresQuery = "p.id in (select product_id from watches where user_id = \(userID))"
                try await replan(tx, where: "\(theirs) or p.canonical_url = \(page.canonicalURL)")
            }
            let productID = try await ensureProduct(tx, page: page, asker: chatID)
            // Not before the price that this page had: it is no change since.
            let inserted = try await tx.query(
                """
                insert into watches (user_id, product_id, created_at) values (\(userID), \(productID), clock_timestamp())
                on conflict (user_id, product_id) do nothing returning id
                """)
            if !inserted.isEmpty {
                let count = try await tx.query("select count(*) as n from watches where user_id = \(userID)").first?["n", as: Int.self] ?? 0
                if count > limit { throw StoreRefusal.tooManyWatches(limit: limit) }
            }
            try await replan(tx, where: "p.id = \(productID)")
            let rows = try await tx.query(
                """
                select \(watchColumns), \(productColumns) from watches w join products p on p.id = w.product_id
                where w.user_id = \(userID) and w.product_id = \(productID)
                """)
            guard let row = rows.first else { throw StoreError(.damagedValue, "the watch that was added cannot be read") }
            return AddedWatch(watch: try Watch(row: row), isNew: !inserted.isEmpty)
        }
    }

    /// Ends a watch and drops the notifications that are not in the job queue yet.
    public func removeWatch(chatID: Int64, watchID: Int64) async throws -> Bool {
        try await client.transaction(retries: retries) { tx in
            guard let productID = try await lockProduct(tx, ofWatch: watchID, chatID: chatID) else { return false }
            let found = try await tx.query("select 1 from watches where id = \(watchID) for update")
            guard !found.isEmpty else { return false }
            try await dropNotifications(tx, ofWatch: watchID)
            guard try await tx.query("delete from watches where id = \(watchID)").affectedRows == 1 else { return false }
            try await replan(tx, where: "p.id = \(productID)")
            return true
        }
    }

    /// Locks the product of a watch, if the chat has such a watch: a check of it has ended, or begins afterwards.
    func lockProduct(_ tx: PostgresTransaction, ofWatch id: Int64, chatID: Int64) async throws -> Int64? {
        let found = try await tx.query(
            """
            select p.id from products p join watches w on w.product_id = p.id join users u on u.id = w.user_id
            where w.id = \(id) and u.chat_id = \(chatID) for update of p
            """)
        return try found.first?["id"]
    }

    /// Sets the chat's language.
    public func setLanguage(chatID: Int64, userName: String, language: Language) async throws {
        try await client.query(
            """
            insert into users (chat_id, name, language) values (\(chatID), \(userName.storable(200)), \(language))
            on conflict (chat_id) do update set language = excluded.language
            """)
    }

    /// Notes whether the chat can be written to.
    public func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws {
        try await client.transaction(retries: retries) { tx in
            let changed = try await tx.query(
                "update users set is_blocked = \(isBlocked) where chat_id = \(chatID) and is_blocked <> \(isBlocked) returning id")
            guard let user = try changed.first?["id", as: Int64.self] else { return }
            try await carryOut(tx, blocked: isBlocked, user: user)
        }
    }

    /// Does what follows from a user's being blocked, or not any more; their row says so already.
    func carryOut(_ tx: PostgresTransaction, blocked isBlocked: Bool, user: Int64) async throws {
        let theirs: PostgresQuery = "p.id in (select product_id from watches where user_id = \(user))"
        try await tx.query("select 1 from products p where \(theirs) order by p.id for update")
        if isBlocked {
            let resting = try await withdraw(tx, "user_id = \(user)")
            try await tx.query("update outbox set published_at = null where id = any(\(resting))")
        }
        try await replan(tx, where: theirs)
    }

    /// The user of a chat that writes, and so is not blocked any more. When it was, the caller plans the checks of what they follow.
    static func ensureUser(
        _ tx: PostgresTransaction, chatID: Int64, name: String, language: Language?
    ) async throws -> (id: Int64, wasBlocked: Bool) {
        let known = try await tx.query("select is_blocked from users where chat_id = \(chatID) for no key update")
        let rows = try await tx.query(
            """
            insert into users as u (chat_id, name, language) values (\(chatID), \(name.storable(200)), \(language ?? .english))
            on conflict (chat_id) do update set name = coalesce(nullif(excluded.name, ''), u.name), is_blocked = false returning id
            """)
        guard let id = try rows.first?["id", as: Int64.self] else { throw StoreError(.damagedValue, "the user cannot be read") }
        return (id, try known.first?["is_blocked", as: Bool.self] ?? false)
    }

    /// The product's row: made with its first price, or compared with the page. The caller plans its first check.
    private func ensureProduct(_ tx: PostgresTransaction, page: ProductPage, asker: Int64) async throws -> Int64 {
        let made = try await tx.query(
            """
            insert into products (canonical_url, name, price_minor, currency, availability, image_url, check_interval, next_check_at)
            values (\(page.canonicalURL), \(page.storableName), \(page.price.minorUnits), \(page.price.currency), \(page.availability),
                \(page.imageURL?.storable(2048)), make_interval(secs => \(intervals.standard)), \(clock) + interval '10 years')
            on conflict (canonical_url) do nothing returning id
            """)
        if let id = try made.first?["id", as: Int64.self] {
            try await Self.appendPoint(tx, page, product: id)
            return id
        }
        guard let id = try await tx.query("select id from products where canonical_url = \(page.canonicalURL)").first?["id", as: Int64.self] else {
            throw StoreError(.damagedValue, "the product cannot be read")
        }
        _ = try await compare(tx, page, product: id, asker: asker)
        return id
    }
}

extension ProductPage {
    /// The name as the store keeps it; never empty.
    var storableName: String {
        let name = name.storable(500)
        return name.isEmpty ? canonicalURL : name
    }
}
