import ApiumCore
import ApiumOutbox
import PostgresClient
import PriceWatchJobs
import PriceWatchModel

extension PostgresPriceStore {
    /// Has notifications enqueued that rested, the oldest first. Rows that another call holds are left to it; a row whose watch has ended is
    /// dropped; those of a blocked chat, and of a user whose quiet hours it is, go on resting.
    public func queueNotifications(limit: Int) async throws -> Int {
        try await client.transaction(retries: retries) { tx in
            try await tx.query("delete from outbox where published_at is null and watch_id is null and kind <> 'digest'")
            return try await enqueue(tx, "(o.watch_id is not null or o.kind = 'digest') and not u.is_blocked", limit: limit)
        }
    }

    /// Turns rows that are not published into jobs of the bot, in the transaction that marks them so: both are there, or neither. A relay hands the
    /// jobs to the queue after the commit, each once by the row's id. In a user's quiet hours theirs rest,
    /// and each job knows when the next ones begin.
    @discardableResult
    func enqueue(_ tx: PostgresTransaction, _ which: PostgresQuery, limit: Int) async throws -> Int {
        let rows = try await tx.query(
            """
            select \(notificationColumns), o.job_key, \(nextQuiet) as not_after from outbox o join users u on u.id = o.user_id left join products p on p.id = o.product_id
            where o.published_at is null and not \(isQuiet) and \(which) order by o.id limit \(limit) for update of o skip locked
            """)
        guard !rows.isEmpty else { return 0 }
        let calls = try rows.map { row in
            var notification = try Notification(row: row)
            notification.notAfter = try row["not_after"]
            return try TaskCall(Notify(notification), .id(Self.jobID(row)))
        }
        try await outbox.enqueue(calls, in: tx)
        let ids = try rows.map { try $0["id", as: Int64.self] }
        try await tx.query("update outbox set published_at = now() where id = any(\(ids))")
        return rows.count
    }

    /// The same for rows that were just written, by their `id`.
    func enqueue(_ tx: PostgresTransaction, _ written: PostgresRows) async throws {
        let rows = try written.map { try $0["id", as: Int64.self] }
        if !rows.isEmpty { try await enqueue(tx, "o.id = any(\(rows))", limit: rows.count) }
    }

    /// Takes back the jobs of rows that no relay has handed over; answers the rows.
    func withdraw(_ tx: PostgresTransaction, _ which: PostgresQuery) async throws -> [Int64] {
        let handed = try await tx.query("select id, job_key from outbox where published_at is not null and delivered_at is null and \(which) for update")
            .map { (row: try $0["id", as: Int64.self], job: try Self.jobID($0)) }
        let withdrawn = Set(try await outbox.withdraw(handed.map(\.job), in: tx))
        return handed.filter { withdrawn.contains($0.job) }.map(\.row)
    }

    /// Drops the notifications of a watch that are in no queue yet.
    func dropNotifications(_ tx: PostgresTransaction, ofWatch id: Int64) async throws {
        let withdrawn = try await withdraw(tx, "watch_id = \(id)")
        try await tx.query("delete from outbox where watch_id = \(id) and (published_at is null or id = any(\(withdrawn)))")
    }

    /// Has a row rest again; see the port. It gets another key, since the queue knows the job of the old one; a job that comes twice changes nothing.
    public func restNotification(outboxID: Int64, job: String) async throws {
        try await client.query(
            """
            update outbox set published_at = null, job_key = default
            where id = \(outboxID) and published_at is not null and delivered_at is null and 'notify-' || id || coalesce('-' || job_key, '') = \(job)
            """)
    }

    /// The id of a row's job, from its `id` and `job_key`.
    static func jobID(_ row: PostgresRow) throws -> String { Notify.id(outbox: try row["id"], key: try row["job_key"]) }

    /// Notes a delivery. Another message id for the same row, or `redelivered`, means that the chat may have got it twice;
    /// the same call again (a job that was run again) changes nothing.
    public func markDelivered(outboxID: Int64, messageID: Int64?, redelivered: Bool) async throws {
        try await client.query(
            """
            update outbox set is_maybe_twice = is_maybe_twice or \(redelivered) or (delivered_at is not null and message_id is distinct from \(messageID)),
                published_at = coalesce(published_at, now()), delivered_at = coalesce(delivered_at, now()), message_id = coalesce(\(messageID), message_id)
            where id = \(outboxID)
            """)
    }
}
