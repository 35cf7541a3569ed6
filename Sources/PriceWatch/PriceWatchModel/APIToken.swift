/// A bearer token of the API as it is stored: never the token itself, only the SHA-256 of its text.
public struct APIToken: Sendable, Hashable {
    /// The row.
    public var id: Int64
    /// Who holds it, for people: unique.
    public var name: String
    /// What it may do.
    public var scopes: Set<APIScope>
    /// Only this chat's data may be read and changed; `nil`: every chat's.
    public var chatID: Int64?
    /// What may be enqueued: by name with the scope `jobs`, by an entry of the schedule with the scope `schedule`.
    public var allowance: JobAllowance

    /// Makes a token, which may enqueue nothing unless said.
    public init(id: Int64, name: String, scopes: Set<APIScope>, chatID: Int64? = nil, allowance: JobAllowance = .nothing) {
        self.id = id
        self.name = name
        self.scopes = scopes
        self.chatID = chatID
        self.allowance = allowance
    }
}

/// What a token may do.
public enum APIScope: String, Sendable, Hashable, Codable, CaseIterable {
    /// Read products, watches and prices, and preview a link.
    case read
    /// Add and remove watches.
    case write
    /// Enqueue jobs by name, as far as ``APIToken/allowance`` goes, read their results, cancel them.
    case jobs
    /// Read and edit the schedule, and run its entries, as far as ``APIToken/allowance`` goes. A token of one chat has no use of it.
    case schedule
    /// The bot's: all of it, for any chat, and the WebSocket.
    case service
}

/// Where the API's tokens are kept.
public protocol APITokenStore: Sendable {
    /// The token whose text has this SHA-256 (32 bytes); `nil` when there is none, or it was revoked or has expired.
    func token(sha256: [UInt8]) async throws -> APIToken?

    /// Stores a new token and answers its row; `token.id` is ignored.
    ///
    /// - Throws: ``StoreRefusal/nameTaken(_:)`` when there is a token of that name that was not revoked.
    func addToken(_ token: APIToken, sha256: [UInt8]) async throws -> APIToken

    /// Revokes a token by name, effective for new requests within the API's cache time. False: there is none.
    func revokeToken(named name: String) async throws -> Bool

    /// All tokens that were not revoked, by name.
    func tokens() async throws -> [APIToken]
}
