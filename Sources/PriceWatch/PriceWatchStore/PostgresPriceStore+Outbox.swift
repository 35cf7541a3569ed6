import ApiumCore
import ApiumOutbox
import PostgresClient
import PriceWatchJobs
import PriceWatchModel

extension PostgresPriceStore {
    /// Has notifications enqueued that rested, the oldest first. Rows that another call holds are left to it; a row whose watch has ended is
    /// dropped; those of a blocked chat go on resting.
    public func queueNotifications(limit: Int) async throws -> Int {
        try await client.transaction { tx in
            try await tx.query("delete from outbox where published_at is null and watch_id is null")
            return try await enqueue(tx, "o.watch_id is not null and not u.is_blocked", limit: limit)
        }
    }

    /// Turns rows that are not published into jobs of the bot, in the transaction that marks them so: both are there, or neither. A relay hands the
    /// jobs to the queue after the commit, each once by the row's id.
    @discardableResult
    func enqueue(_ tx: PostgresTransaction, _ which: PostgresQuery, limit: Int) async throws -> Int {
        let rows = try await tx.query(
            """
            select o.id, o.watch_id, o.old_minor, o.old_currency, o.new_minor, o.new_currency, u.chat_id, u.language,
                p.id as product_id, p.name, p.canonical_url
            from outbox o join users u on u.id = o.user_id join products p on p.id = o.product_id
            where o.published_at is null and \(which) order by o.id limit \(limit) for update of o skip locked
            """)
        let notifications = try rows.map { try Notification(row: $0) }
        guard !notifications.isEmpty else { return 0 }
        try await outbox.enqueue(notifications.map { try TaskCall(Notify($0), .id(Notify.id(outbox: $0.outboxID))) }, in: tx)
        try await tx.query("update outbox set published_at = now() where id = any(\(notifications.map(\.outboxID)))")
        return notifications.count
    }

    /// Takes back the jobs of rows that no relay has handed over; answers the rows.
    func withdraw(_ tx: PostgresTransaction, _ which: PostgresQuery) async throws -> [Int64] {
        let handed = try await tx.query("select id from outbox where published_at is not null and delivered_at is null and \(which) for update")
            .map { try $0["id", as: Int64.self] }
        let withdrawn = Set(try await outbox.withdraw(handed.map(Notify.id), in: tx))
        return handed.filter { withdrawn.contains(Notify.id(outbox: $0)) }
    }

    /// Notes a delivery. Another message id for the same row, or `redelivered`, means that the chat may have got it twice;
    /// the same call again (a job that was run again) changes nothing.
    public func markDelivered(outboxID: Int64, messageID: Int64, redelivered: Bool) async throws {
        try await client.query(
            """
            update outbox set is_maybe_twice = is_maybe_twice or \(redelivered) or (delivered_at is not null and message_id is distinct from \(messageID)),
                published_at = coalesce(published_at, now()), delivered_at = coalesce(delivered_at, now()), message_id = \(messageID)
            where id = \(outboxID)
            """)
    }
}

extension Notification {
    fileprivate init(row: PostgresRow) throws {
        let change = PriceChange(
            productID: try row["product_id"], name: try row["name"], link: try row["canonical_url"], old: try row.money("old_minor", "old_currency"),
            new: try row.money("new_minor", "new_currency"))
        try self.init(outboxID: row["id"], chatID: row["chat_id"], language: row["language"], watchID: row["watch_id"], change: change)
    }
}
