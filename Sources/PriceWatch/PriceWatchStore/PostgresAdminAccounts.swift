import PostgresClient
import PriceWatchModel

/// The admin's accounts, on Postgres.
public struct PostgresAdminAccounts: AdminAccounts {
    let client: PostgresClient
    private let hasher = PasswordHasher()

    /// Stands on a client that somebody else shuts down.
    public init(client: PostgresClient) { self.client = client }

    /// The account of name and password; a hash is computed in every case.
    public func authenticate(name: String, password: String) async throws -> AdminAccount? {
        let row = try await client.query(
            "select id, name, role, password_hash from admin_accounts where lower(name) = lower(\(name.storable(200))) and not is_disabled"
        ).first
        let stored = try row?["password_hash", as: String.self]
        guard try await hasher.verify(password, against: stored), let row, let stored else { return nil }
        let account = try AdminAccount(row: row)
        if hasher.isOutdated(stored) {
            let hash = try await hasher.hash(password)
            try await client.query("update admin_accounts set password_hash = \(hash) where id = \(account.id) and password_hash = \(stored)")
        }
        return account
    }

    /// Makes an account.
    public func createAccount(name: String, password: String, role: AdminRole) async throws -> AdminAccount? {
        let hash = try await hasher.hash(password)
        return try await client.query(
            """
            insert into admin_accounts (name, password_hash, role) values (\(name), \(hash), \(role))
            on conflict (lower(name)) do nothing returning id, name, role
            """
        ).first.map { try AdminAccount(row: $0) }
    }

    /// Makes the first account; the table is locked, so that of two processes starting at once one makes it.
    public func createFirstAccount(name: String, password: String) async throws -> AdminAccount? {
        let isEmpty = try await client.query("select not exists (select from admin_accounts) as yes").first?["yes", as: Bool.self]
        guard isEmpty == true else { return nil }
        let hash = try await hasher.hash(password)
        return try await client.transaction { tx in
            try await tx.query("lock table admin_accounts in share row exclusive mode")
            return try await tx.query(
                """
                insert into admin_accounts (name, password_hash, role) select \(name), \(hash), \(AdminRole.editor)
                where not exists (select from admin_accounts) returning id, name, role
                """
            ).first.map { try AdminAccount(row: $0) }
        }
    }

    /// Sets a new password and ends the account's sessions.
    public func setPassword(name: String, password: String) async throws -> Bool {
        let hash = try await hasher.hash(password)
        return try await client.transaction { tx in
            let rows = try await tx.query("update admin_accounts set password_hash = \(hash) where lower(name) = lower(\(name)) returning id")
            guard let id = try rows.first?["id", as: Int64.self] else { return false }
            try await tx.query("delete from admin_sessions where account_id = \(id)")
            return true
        }
    }
}

extension AdminAccount {
    init(row: PostgresRow) throws { try self.init(id: row["id"], name: row["name"], role: row["role"]) }
}
