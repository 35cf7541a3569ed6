import PostgresClient
import PriceWatchModel

extension PostgresPriceStore {
    /// Gives what is a chat's to another; see the port. What the new chat has chosen stays; where it has chosen nothing, the old one's holds.
    public func moveChat(from old: Int64, to new: Int64) async throws {
        guard old != new else { return }
        try await client.transaction(retries: retries) { tx in
            // Not locked as for a deletion yet: a check that tells these users ends first, and it waits for no user.
            let rows = try await tx.query("select id, chat_id from users where chat_id in (\(old), \(new)) order by id for no key update")
            let users = try Dictionary(rows.map { (try $0["chat_id", as: Int64.self], try $0["id", as: Int64.self]) }) { first, _ in first }
            guard let from = users[old] else { return }
            let theirs: PostgresQuery = "p.id in (select product_id from watches where user_id = any(\(Array(users.values))))"
            try await tx.query("select 1 from products p where \(theirs) order by p.id for update")
            try await tx.query("update api_tokens set chat_id = \(new) where chat_id = \(old)")
            if let into = users[new] {
                try await Self.merge(tx, user: from, into: into)
            } else {
                try await tx.query("update users set chat_id = \(new), is_blocked = false where id = \(from)")
            }
            try await replan(tx, where: "p.id in (select w.product_id from watches w join users u on u.id = w.user_id where u.chat_id = \(new))")
        }
    }

    private static func merge(_ tx: PostgresTransaction, user old: Int64, into new: Int64) async throws {
        try await tx.query(
            """
            update outbox o set user_id = \(new), watch_id = coalesce(
                (select n.id from watches w join watches n on n.product_id = w.product_id and n.user_id = \(new) where w.id = o.watch_id), o.watch_id)
            where o.user_id = \(old)
            """)
        try await tx.query(
            """
            update watches set user_id = \(new)
            where user_id = \(old) and product_id not in (select product_id from watches where user_id = \(new))
            """)
        try await tx.query(
            """
            update users n set is_blocked = false, check_interval = coalesce(n.check_interval, o.check_interval), time_zone = coalesce(n.time_zone, o.time_zone),
                quiet_from = case when n.quiet_from is null then o.quiet_from else n.quiet_from end,
                quiet_until = case when n.quiet_from is null then o.quiet_until else n.quiet_until end,
                digest = case when n.digest = 'off' then o.digest else n.digest end,
                digest_hour = case when n.digest = 'off' then o.digest_hour else n.digest_hour end,
                last_digest_on = case when n.digest = 'off' then o.last_digest_on else n.last_digest_on end,
                last_digest_at = case when n.digest = 'off' then o.last_digest_at else n.last_digest_at end
            from users o where n.id = \(new) and o.id = \(old)
            """)
        // Watches of what both followed go with the user.
        try await tx.query("delete from users where id = \(old)")
    }
}
