import PostgresClient
import PriceWatchModel

/// The admin's sessions, on Postgres.
public struct PostgresAdminSessions: AdminSessions {
    let client: PostgresClient

    /// Stands on a client that somebody else shuts down.
    public init(client: PostgresClient) { self.client = client }

    /// Opens a session, and drops those that nobody has used for 30 days.
    public func openSession(tokenHash: [UInt8], account: Int64) async throws {
        try await client.query("delete from admin_sessions where used_at < now() - interval '30 days'")
        try await client.query("insert into admin_sessions (token_hash, account_id) values (\(tokenHash), \(account))")
    }

    /// The account of a session that still counts.
    public func session(tokenHash: [UInt8], idle: Duration, age: Duration) async throws -> AdminAccount? {
        let row = try await client.query(
            """
            select a.id, a.name, a.role, s.used_at < now() - interval '1 minute' as is_stale
            from admin_sessions s join admin_accounts a on a.id = s.account_id
            where s.token_hash = \(tokenHash) and not a.is_disabled and s.used_at >= now() - make_interval(secs => \(idle.seconds))
                and s.opened_at >= now() - make_interval(secs => \(age.seconds))
            """
        ).first
        guard let row else { return nil }
        if try row["is_stale", as: Bool.self] { try await client.query("update admin_sessions set used_at = now() where token_hash = \(tokenHash)") }
        return try AdminAccount(row: row)
    }

    /// Whether a session is open; looking does not keep it so.
    public func isOpen(tokenHash: [UInt8], idle: Duration, age: Duration) async throws -> Bool {
        let rows = try await client.query(
            """
            select 1 from admin_sessions s join admin_accounts a on a.id = s.account_id
            where s.token_hash = \(tokenHash) and not a.is_disabled and s.used_at >= now() - make_interval(secs => \(idle.seconds))
                and s.opened_at >= now() - make_interval(secs => \(age.seconds))
            """
        )
        return !rows.isEmpty
    }

    /// Ends a session.
    public func closeSession(tokenHash: [UInt8]) async throws {
        try await client.query("delete from admin_sessions where token_hash = \(tokenHash)")
    }
}
