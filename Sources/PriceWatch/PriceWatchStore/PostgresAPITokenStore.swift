import PostgresClient
import PriceWatchModel

/// The API's tokens, on Postgres: only their SHA-256.
public struct PostgresAPITokenStore: APITokenStore {
    let client: PostgresClient

    /// Stands on a client that somebody else shuts down.
    public init(client: PostgresClient) { self.client = client }

    /// The token of that hash.
    public func token(sha256: [UInt8]) async throws -> APIToken? {
        try await client.query(
            """
            select id, name, scopes, chat_id, allowed_jobs, allowed_queues from api_tokens
            where token_hash = \(sha256) and revoked_at is null and (expires_at is null or expires_at > now())
            """
        ).first.map { try APIToken(row: $0) }
    }

    /// Stores a new token.
    public func addToken(_ token: APIToken, sha256: [UInt8]) async throws -> APIToken {
        let scopes = token.scopes.map(\.rawValue).sorted()
        let (jobs, queues) = (token.allowance.jobs.sorted().map(\.text), token.allowance.queues.sorted().map(\.text))
        do {
            let rows = try await client.query(
                """
                insert into api_tokens (name, token_hash, scopes, chat_id, allowed_jobs, allowed_queues)
                values (\(token.name), \(sha256), \(scopes), \(token.chatID), \(jobs), \(queues)) returning id
                """)
            var stored = token
            stored.id = try rows.first?["id"] ?? 0
            return stored
        } catch let error as PostgresError where error.code == .uniqueViolation {
            throw StoreRefusal.nameTaken(token.name)
        }
    }

    /// Revokes a token by name.
    public func revokeToken(named name: String) async throws -> Bool {
        try await client.query("update api_tokens set revoked_at = now() where name = \(name) and revoked_at is null").affectedRows > 0
    }

    /// All tokens that were not revoked.
    public func tokens() async throws -> [APIToken] {
        try await client.query("select id, name, scopes, chat_id, allowed_jobs, allowed_queues from api_tokens where revoked_at is null order by name")
            .map { try APIToken(row: $0) }
    }
}

extension APIToken {
    /// A scope, pattern or queue that this program does not understand gives no right.
    fileprivate init(row: PostgresRow) throws {
        let scopes = try row.decode([String].self, at: "scopes").compactMap { APIScope(rawValue: $0) }
        try self.init(
            id: row["id"], name: row["name"], scopes: Set(scopes), chatID: row["chat_id"],
            allowance: JobAllowance(
                jobs: Set(row.decode([String].self, at: "allowed_jobs").compactMap(JobNamePattern.init)),
                queues: Set(row.decode([String].self, at: "allowed_queues").compactMap(QueueName.init))))
    }
}
