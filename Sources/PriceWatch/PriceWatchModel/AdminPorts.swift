/// The tables that the admin shows, with the columns of their rows. The store maps each column to SQL; nothing else reaches it.
///
/// | table | columns (editable ones in bold) |
/// |---|---|
/// | users | id, chat_id, **name**, **language** (`en`, `ru`), **is_blocked**, **check_interval** (seconds, may be null), time_zone (may be null), **digest** (``DigestPeriod``), **digest_hour**, last_digest_at (may be null), quiet_from, quiet_until (may be null), watches (how many), created_at |
/// | products | id, **canonical_url**, **name**, **price_minor**, **currency**, **availability**, **image_url** (may be null), failures, last_failure (may be null), watches (how many), check_interval (seconds), **next_check_at**, checked_at, failing_told_at (may be null), **paused_at** (may be null), created_at |
/// | watches | id, **user_id**, user_name, **product_id**, product_name, **check_interval** (seconds, may be null), created_at |
/// | pricePoints | id, **product_id**, product_name, **price_minor**, **currency**, **availability**, **seen_at** |
/// | priceDays | id, product_id, product_name, day, currency, **low_minor**, **high_minor**, **last_minor**, points (how many prices it stands for), last_seen_at |
/// | outbox | id, user_id, user_name, chat_id, kind (``NotificationKind``), failure (may be null), watch_id (may be null), product_id, product_name, old_minor, old_currency, new_minor, new_currency (may be null), state (``OutboxState``), created_at, published_at (may be null), delivered_at (may be null), message_id (may be null) |
/// | apiTokens | id, name, scopes (``APIScope``), chat_id (may be null), **allowed_jobs** (``JobNamePattern``), **allowed_queues** (``QueueName``), created_at, **expires_at**, **revoked_at** (may be null); lists are words with a blank between two of them |
/// | audit | id, at, actor, action, target (table), row_id (may be null), address, before (JSON text, may be null), after (JSON text, may be null) |
///
/// Instants are ``AdminValue/instant(_:)``; everything named `…_minor` is an integer of minor units.
public enum AdminTable: String, Sendable, Hashable, Codable, CaseIterable {
    case users, products, watches
    case pricePoints = "price_points"
    case priceDays = "price_days"
    case outbox
    case apiTokens = "api_tokens"
    case audit
}

/// Where a notification is on its way.
public enum OutboxState: String, Sendable, Hashable, Codable, CaseIterable {
    /// Written, not yet handed to the queue.
    case pending
    /// Handed to the queue; the bot has not said that it was sent.
    case published
    /// Sent.
    case delivered
    /// Sent, and after a crash possibly sent once more.
    case deliveredMaybeTwice = "delivered_maybe_twice"
}

/// One value of a row.
public enum AdminValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case boolean(Bool)
    case text(String)
    /// Microseconds since 1970-01-01T00:00:00Z.
    case instant(Int64)
}

/// One row.
public struct AdminRow: Sendable, Hashable {
    /// The primary key.
    public var id: Int64
    /// Changes with every change of the row (Postgres: `xmin`), so that two editors cannot overwrite each other.
    public var version: String
    /// The values by column.
    public var values: [String: AdminValue]

    /// Makes a row.
    public init(id: Int64, version: String, values: [String: AdminValue]) {
        self.id = id
        self.version = version
        self.values = values
    }

    /// A column's value; null when the row has none.
    public subscript(column: String) -> AdminValue { values[column] ?? .null }
}

/// What a list shows.
public struct AdminQuery: Sendable, Hashable {
    /// Found anywhere in the table's text columns, upper and lower case alike; a number also finds ids. Empty: everything.
    /// `%` and `_` have no meaning.
    public var search: String
    /// Columns that must equal a value.
    public var filters: [String: AdminValue]
    /// The column to sort by; rows of equal value are sorted by id.
    public var sort: String
    /// Greatest first.
    public var descending: Bool
    /// How many rows to skip.
    public var offset: Int
    /// How many rows to answer at most.
    public var limit: Int

    /// Makes a query: the newest first, unless said otherwise.
    public init(search: String = "", filters: [String: AdminValue] = [:], sort: String = "id", descending: Bool = true, offset: Int = 0, limit: Int = 50) {
        self.search = search
        self.filters = filters
        self.sort = sort
        self.descending = descending
        self.offset = offset
        self.limit = limit
    }
}

/// Some rows of a list.
public struct AdminPage: Sendable, Hashable {
    /// The rows.
    public var rows: [AdminRow]
    /// How many rows the whole list has.
    public var total: Int

    /// Makes a page.
    public init(rows: [AdminRow], total: Int) {
        self.rows = rows
        self.total = total
    }
}

/// Who changes something, for the audit.
public struct AdminActor: Sendable, Hashable {
    /// The account's name.
    public var name: String
    /// The address of the browser.
    public var address: String

    /// Makes an actor.
    public init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

/// Why a change was not made.
public enum AdminRefusal: Error, Sendable, Hashable {
    /// There is no such row any more.
    case gone
    /// The row was changed by somebody else since it was read.
    case conflict
    /// Another row has this value already.
    case notUnique(column: String)
    /// There is no row with this id in the other table.
    case missingReference(column: String)
    /// The database does not take this value.
    case invalid(column: String)
    /// The table, or a column of it, cannot be changed.
    case notEditable
}

/// The admin's view of the tables. Each change is one transaction that also writes one audit row: action `create`,
/// `update` or `delete`, the actor, and JSON objects of the changed columns before and after.
public protocol AdminTables: Sendable {
    /// A page of a list.
    func list(_ table: AdminTable, _ query: AdminQuery) async throws -> AdminPage

    /// One row; `nil` when there is none.
    func row(_ table: AdminTable, id: Int64) async throws -> AdminRow?

    /// Changes columns of a row whose version is still `version`. Nothing changed: no audit row.
    ///
    /// - Throws: ``AdminRefusal``.
    func update(_ table: AdminTable, id: Int64, version: String, changes: [String: AdminValue], by actor: AdminActor) async throws

    /// Adds a row (watches and price points only); answers its id.
    ///
    /// - Throws: ``AdminRefusal``.
    func create(_ table: AdminTable, values: [String: AdminValue], by actor: AdminActor) async throws -> Int64

    /// Deletes a row and what belongs to it (a user's watches, a product's history and watches).
    ///
    /// - Throws: ``AdminRefusal``.
    func delete(_ table: AdminTable, id: Int64, version: String, by actor: AdminActor) async throws

    /// Writes an audit row for something that is no change of a table: `login`, `login_failed`, `logout`, `check_now`, `requeue`, `discard`.
    func record(action: String, target: String, detail: String?, by actor: AdminActor) async throws
}

/// What an admin account may do.
public enum AdminRole: String, Sendable, Hashable, Codable, CaseIterable {
    /// Looks.
    case viewer
    /// Looks and changes.
    case editor
}

/// An admin account; its password stays in the store.
public struct AdminAccount: Sendable, Hashable {
    public var id: Int64
    public var name: String
    public var role: AdminRole

    public init(id: Int64, name: String, role: AdminRole) {
        self.id = id
        self.name = name
        self.role = role
    }
}

/// The admin accounts. Passwords are kept as scrypt hashes with their parameters; hashing runs on threads of its own, a few
/// at a time, never on the cooperative pool.
public protocol AdminAccounts: Sendable {
    /// The account, if name and password are right and it is not disabled. An unknown name costs the same time as a wrong
    /// password (a hash is computed all the same). Names are compared without regard to case.
    func authenticate(name: String, password: String) async throws -> AdminAccount?

    /// Makes an account; `nil` when the name is taken.
    func createAccount(name: String, password: String, role: AdminRole) async throws -> AdminAccount?

    /// Makes an editor account if there is no account at all, in one transaction; `nil` when there is one.
    func createFirstAccount(name: String, password: String) async throws -> AdminAccount?

    /// Sets a new password and ends the account's sessions; false when there is no such account.
    func setPassword(name: String, password: String) async throws -> Bool
}

/// The sessions of signed-in browsers. Only the SHA-256 of a session's token is kept.
public protocol AdminSessions: Sendable {
    /// Opens a session and drops sessions that have ended long ago.
    func openSession(tokenHash: [UInt8], account: Int64) async throws

    /// The account of a session that was used within `idle` and opened within `age`, and whose account is not disabled;
    /// the use is noted (at most once a minute). `nil` otherwise.
    func session(tokenHash: [UInt8], idle: Duration, age: Duration) async throws -> AdminAccount?

    /// Whether ``session(tokenHash:idle:age:)`` would answer an account; no use is noted.
    func isOpen(tokenHash: [UInt8], idle: Duration, age: Duration) async throws -> Bool

    /// Ends a session; ending what has ended is no fault.
    func closeSession(tokenHash: [UInt8]) async throws
}
