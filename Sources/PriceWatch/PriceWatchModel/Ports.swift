/// What the jobs need of the database. Each method is one transaction.
public protocol PriceStore: Sendable {
    /// Adds a watch of `page` for the chat: makes the user and the product where they are missing, starts the history.
    /// Adding what is followed already answers the watch there is, with `isNew` false.
    func addWatch(chatID: Int64, userName: String, language: Language?, page: ProductPage, limit: Int) async throws -> AddedWatch

    /// Ends a watch if it belongs to the chat; a product that nobody follows is not checked any more. False: no such watch of this chat.
    func removeWatch(chatID: Int64, watchID: Int64) async throws -> Bool

    /// Sets the language of the chat's user, making the user where missing.
    func setLanguage(chatID: Int64, userName: String, language: Language) async throws

    /// Notes that the chat cannot be written to (or can be again).
    func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws

    /// Gives what is a chat's to another: a group that became a supergroup has a new id. What the new chat follows already stays its own, and both
    /// follow as one. A chat that is not known, or was moved, is no error.
    func moveChat(from old: Int64, to new: Int64) async throws

    /// Takes up to `limit` products that are due, earliest first. In the same transaction each is claimed: it is not due again
    /// before its check has ended, or has had so long that it must be lost (``CheckPlan/lease(interval:)``). What was missed
    /// while nothing ran is spread instead (``CheckPlan/recovered(_:at:interval:)``), and what no unblocked user follows rests.
    func takeDueChecks(limit: Int) async throws -> DueChecks

    /// What a check is to read. `claim` is what ``takeDueChecks(limit:)`` gave; `nil` for a check that somebody asked for.
    func target(ofProduct id: Int64, claim: Int64?) async throws -> CheckTarget

    /// Compares with the stored price and, if it differs, appends to the history, stores the new price and writes one outbox
    /// row per following, unblocked user, whose notification is enqueued with it; a link of which they were told that it does not work
    /// gets a row saying that it does. The next check is planned. All in one transaction. A page in another currency than the stored
    /// one is a change, too.
    ///
    /// - Parameter asker: A chat that is told by other means that the link works again.
    func record(_ page: ProductPage, forProduct id: Int64, asker: Int64?) async throws -> CheckResult

    /// Notes a failed check; the stored price stays. ``CheckBackoff`` says when the next one is, and whether the followers are told:
    /// answers how many outbox rows were written. `claim` is what ``takeDueChecks(limit:)`` gave: of one claim one failure counts.
    @discardableResult
    func recordFailure(_ trouble: PageTrouble, forProduct id: Int64, claim: Int64?) async throws -> Int

    /// Has up to `limit` notifications enqueued that rested, such as those of a chat that was blocked, or whose quiet hours have ended; answers how many.
    func queueNotifications(limit: Int) async throws -> Int

    /// Has a notification rest that came too late to be sent: its user's quiet hours had begun. ``queueNotifications(limit:)`` takes it up when they
    /// end. `job` is the id of the job that came too late; a later one of the row stays.
    func restNotification(outboxID: Int64, job: String) async throws

    /// Notes that a notification reached the chat, as which message is not always known. A second call for the same row, or `redelivered`, is noted as a possible double.
    func markDelivered(outboxID: Int64, messageID: Int64?, redelivered: Bool) async throws
}

/// What a user may set of the price checks and of what they are sent. Each method is one transaction.
public protocol UserSettingsStore: Sendable {
    /// Changes a user's preferences, making the user where missing, and plans the checks of what they follow anew.
    ///
    /// - Throws: ``StoreRefusal/unknownTimeZone(_:)``.
    func changePreferences(chatID: Int64, userName: String, language: Language?, _ change: PreferencesChange) async throws -> UserPreferences

    /// Sets the seconds between two checks that a user wants for one product; `nil`: as for all of theirs. `nil` is answered
    /// when there is no such watch of this chat.
    func setInterval(chatID: Int64, watchID: Int64, seconds: Int?) async throws -> Watch?

    /// A watch of the chat; `nil` when there is none.
    func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch?
}

/// What is done for the data as a whole, by the clock. Each method is one transaction over a bounded number of rows, so that it can be
/// killed at any time and done again; it answers how many rows it took: fewer than `limit`, and there are no more.
public protocol UpkeepStore: Sendable {
    /// Writes the digests that are due: one for each user whose local hour has come, once for each of their days or weeks.
    func writeDigests(limit: Int) async throws -> Int

    /// Turns prices that are older than so many days into one row per product, day (UTC) and currency.
    func rollUpHistory(keepingDays days: Int, limit: Int) async throws -> Int

    /// Drops notifications that were sent, or could not be, so many days ago, and sessions and tokens that have ended.
    func prune(keepingDays days: Int, limit: Int) async throws -> Int

    /// Forgets time zones whose names the database does not know (any more); answers of how many users.
    func forgetUnknownZones() async throws -> Int
}

/// All that the jobs need of the database.
public typealias JobStore = PriceStore & UserSettingsStore & UpkeepStore

/// What was due.
public struct DueChecks: Sendable, Hashable {
    /// To be checked now.
    public var checks: [Check]
    /// How many products were taken in all: those to be checked, and those that were put off.
    public var taken: Int

    public init(checks: [Check], taken: Int) {
        self.checks = checks
        self.taken = taken
    }

    /// One check.
    public struct Check: Sendable, Hashable {
        public var productID: Int64
        /// Counts the claims of this product: what comes late can be told from what is current.
        public var claim: Int64
        /// The shop whose page is read; `nil` when the link names none.
        public var host: ShopHost?

        public init(productID: Int64, claim: Int64, host: ShopHost? = nil) {
            self.productID = productID
            self.claim = claim
            self.host = host
        }
    }
}

/// What a check is to do.
public enum CheckTarget: Sendable, Hashable {
    /// Read this link.
    case link(String)
    /// Nothing: a check of this claim, or of a later one, has ended, or the product has been paused.
    case superseded
    /// There is no such product any more.
    case gone
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
    /// The same price, and `notifications` followers are to be told that the link works again.
    case recovered(notifications: Int)
    /// There is no such product any more.
    case gone
}

/// A rule of the store that a request broke.
public enum StoreRefusal: Error, Sendable, Hashable {
    /// The user follows as many products as allowed.
    case tooManyWatches(limit: Int)
    /// There is one of that name already.
    case nameTaken(String)
    /// There is no such time zone.
    case unknownTimeZone(String)
}
