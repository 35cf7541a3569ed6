import PostgresClient
import PriceWatchModel

extension PostgresPriceStore {
    /// Hands unsent notifications to `publish`, oldest first. Rows that another relay holds are left to it; a row whose watch
    /// has ended is dropped; those of a blocked chat rest.
    ///
    /// The rows are marked in the transaction that `publish` runs in: if it throws, or this process dies before the commit,
    /// they stay unsent and go out again under the same ids.
    public func publishOutbox(limit: Int, _ publish: @Sendable ([Notification]) async throws -> Void) async throws -> Int {
        try await client.transaction { tx in
            try await tx.query("delete from outbox where published_at is null and watch_id is null")
            let rows = try await tx.query(
                """
                select o.id, o.watch_id, o.old_minor, o.old_currency, o.new_minor, o.new_currency, u.chat_id, u.language,
                    p.id as product_id, p.name, p.canonical_url
                from outbox o join users u on u.id = o.user_id join products p on p.id = o.product_id
                where o.published_at is null and o.watch_id is not null and not u.is_blocked
                order by o.id limit \(limit) for update of o skip locked
                """)
            let notifications = try rows.map { try Notification(row: $0) }
            guard !notifications.isEmpty else { return 0 }
            try await publish(notifications)
            try await tx.query("update outbox set published_at = now() where id = any(\(notifications.map(\.outboxID)))")
            return notifications.count
        }
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
