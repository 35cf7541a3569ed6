/// What the API reads of the database; it changes nothing, because every change is a job. Each method is one consistent read.
///
/// A `chatID` that is given narrows the answer to what that chat follows: anything else does not exist for the asker.
public protocol PriceReader: Sendable {
    /// Products by growing id.
    func products(_ query: ProductQuery) async throws -> [Product]

    /// A product; `nil` when there is none, or `chatID` does not follow it.
    func product(_ id: Int64, followedBy chatID: Int64?) async throws -> Product?

    /// Up to `limit` prices of a product, newest first; `nil` when there is no such product, or `chatID` does not follow it.
    func history(ofProduct id: Int64, followedBy chatID: Int64?, limit: Int) async throws -> [PricePoint]?

    /// Up to `limit` watches of a chat by growing id, those after the watch `after`; none for an unknown chat.
    func watches(ofChat chatID: Int64, after: Int64?, limit: Int) async throws -> [Watch]

    /// A watch of the chat; `nil` when there is none, or it is another chat's.
    func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch?

    /// The chat's user; `nil` for a chat that has never followed or chosen anything.
    func user(ofChat chatID: Int64) async throws -> User?

    /// What the chat's user has chosen; the defaults for a chat that has never chosen anything.
    func preferences(ofChat chatID: Int64) async throws -> UserPreferences
}

/// Which products are asked for.
public struct ProductQuery: Sendable, Hashable {
    /// Text that the name or the canonical link contains, in any case; its characters stand for themselves (`%` and `_`, too).
    public var search: String?
    /// Only what this chat follows.
    public var followedBy: Int64?
    /// Only ids greater than this one: where the page before ended.
    public var after: Int64?
    /// At most so many.
    public var limit: Int

    /// Makes a query.
    public init(search: String? = nil, followedBy: Int64? = nil, after: Int64? = nil, limit: Int) {
        self.search = search
        self.followedBy = followedBy
        self.after = after
        self.limit = limit
    }
}
