/// What the jobs need of the database. Each method is one transaction.
public protocol PriceStore: Sendable {
    /// Adds a watch of `page` for the chat: makes the user and the product where they are missing, starts the history.
    /// Adding what is followed already answers the watch there is, with `isNew` false.
    func addWatch(chatID: Int64, userName: String, language: Language?, page: ProductPage, checkEvery interval: Duration, limit: Int) async throws -> AddedWatch

    /// Ends a watch if it belongs to the chat; a product that nobody follows is not checked any more. False: no such watch of this chat.
    func removeWatch(chatID: Int64, watchID: Int64) async throws -> Bool

    /// Sets the language of the chat's user, making the user where missing.
    func setLanguage(chatID: Int64, userName: String, language: Language) async throws

    /// Notes that the chat cannot be written to (or can be again).
    func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws

    /// Takes up to `limit` products that are due: each due time moves on by its interval in the same transaction, so that
    /// a product is taken once per interval however many schedulers ask. Only products that an unblocked user follows.
    func takeDueProducts(limit: Int) async throws -> [Int64]

    /// The product's link; `nil` when it is gone.
    func link(ofProduct id: Int64) async throws -> String?

    /// Compares with the stored price and, if it differs, appends to the history, stores the new price and writes one outbox
    /// row per following, unblocked user, whose notification is enqueued with it, all in one transaction. A page in another currency than the stored one is a change, too.
    func record(_ page: ProductPage, forProduct id: Int64) async throws -> CheckResult

    /// Notes a failed check; the stored price stays. The next check is later, doubling up to a day.
    func recordFailure(_ failure: ParseFailure, forProduct id: Int64) async throws

    /// Has up to `limit` notifications enqueued that rested, such as those of a chat that was blocked; answers how many.
    func queueNotifications(limit: Int) async throws -> Int

    /// Notes that a notification reached the chat. A second call for the same row, or `redelivered`, is noted as a possible double.
    func markDelivered(outboxID: Int64, messageID: Int64, redelivered: Bool) async throws
}

/// A watch that was added.
public struct AddedWatch: Sendable, Hashable, Codable {
    public var watch: Watch
    /// False when the chat followed the product already.
    public var isNew: Bool

    public init(watch: Watch, isNew: Bool) {
        self.watch = watch
        self.isNew = isNew
    }
}

/// What a check found.
public enum CheckResult: Sendable, Hashable {
    /// The same price as stored.
    case unchanged
    /// Another price: stored, and `notifications` outbox rows written.
    case changed(PriceChange, notifications: Int)
    /// There is no such product any more.
    case gone
}

/// A rule of the store that a request broke.
public enum StoreRefusal: Error, Sendable, Hashable {
    /// The user follows as many products as allowed.
    case tooManyWatches(limit: Int)
    /// There is one of that name already.
    case nameTaken(String)
}
