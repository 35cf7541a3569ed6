import PostgresClient
import PriceWatchModel

extension PostgresPriceStore: UserSettingsStore {
    /// Changes preferences; see the port. A digest whose hour has passed today, or this week, begins with the next one.
    public func changePreferences(chatID: Int64, userName: String, language: Language?, _ change: PreferencesChange) async throws -> UserPreferences {
        try await client.transaction(retries: retries) { tx in
            var change = change
            if case .set(let zone) = change.timeZone { change.timeZone = .set(try await Self.knownZone(tx, zone)) }
            // The user's row is locked by this, as in adding a watch.
            let (userID, wasBlocked) = try await Self.ensureUser(tx, chatID: chatID, name: userName, language: language)
            guard let row = try await tx.query("select \(preferenceColumns) from users u where u.id = \(userID)").first else {
                throw StoreError(.damagedValue, "the user cannot be read")
            }
            let old = try UserPreferences(row: row)
            let new = change.applied(to: old)
            try await tx.query(
                """
                update users set check_interval = \(new.checkInterval), time_zone = \(new.timeZone), digest = \(new.digest), digest_hour = \(new.digestHour),
                    quiet_from = \(new.quietHours?.from), quiet_until = \(new.quietHours?.until)
                where id = \(userID)
                """)
            if new.digest != .off, change.digest.isChange || change.digestHour.isChange || change.timeZone.isChange {
                try await beginDigests(tx, user: userID, isNew: old.digest == .off)
            }
            if change.checkInterval.isChange || wasBlocked { try await replan(tx, where: "p.id in (select product_id from watches where user_id = \(userID))") }
            return new
        }
    }

    /// The next digest comes when its hour comes next, but not in a day or week that had one. The first tells what changes from now on.
    func beginDigests(_ tx: PostgresTransaction, user: Int64, isNew: Bool) async throws {
        try await tx.query(
            """
            update users u set last_digest_at = case when \(isNew) then \(clock) else coalesce(u.last_digest_at, \(clock)) end,
                last_digest_on = case when s.has_come or exists (
                    select from outbox o where o.user_id = v.id and o.kind = 'digest' and \(localTime(of: "v", at: "o.created_at")) >= s.day)
                    then s.day else s.day - 1 end
            from users v cross join lateral \(digestStart(of: "v")) s where u.id = \(user) and v.id = u.id
            """)
    }

    /// Names that are abbreviations, too, and would be taken for these, which have no summer time.
    private static let abbreviations = ["cet": "Europe/Brussels", "met": "Europe/Brussels", "eet": "Europe/Athens", "wet": "Europe/Lisbon"]

    /// The zone's name as the server spells it; an offset as it is. What means another zone on each server is none.
    private static func knownZone(_ tx: PostgresTransaction, _ zone: String) async throws -> String {
        guard let name = ZoneName(zone)?.text else { throw StoreRefusal.unknownTimeZone(zone) }
        if name.first == "+" || name.first == "-" || name == "UTC" { return name }
        let meant = abbreviations[name.lowercased()] ?? name
        let found = try await tx.query(
            """
            select name from pg_timezone_names where lower(name) = lower(\(meant)) and name !~ '^(posix|right)/'
                and lower(name) not in ('localtime', 'posixrules', 'factory') order by name limit 1
            """)
        guard let known = try found.first?["name", as: String.self] else { throw StoreRefusal.unknownTimeZone(zone) }
        return known
    }

    /// Sets a watch's interval; see the port.
    public func setInterval(chatID: Int64, watchID: Int64, seconds: Int?) async throws -> Watch? {
        let isChanged = try await client.transaction(retries: retries) { tx in
            guard let product = try await lockProduct(tx, ofWatch: watchID, chatID: chatID) else { return false }
            guard try await tx.query("update watches set check_interval = \(seconds) where id = \(watchID)").affectedRows == 1 else { return false }
            try await replan(tx, where: "p.id = \(product)")
            return true
        }
        return isChanged ? try await watch(watchID, ofChat: chatID) : nil
    }

    /// A watch of the chat.
    public func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch? {
        try await PostgresPriceReader(client: client).watch(id, ofChat: chatID)
    }
}

/// The columns of a user `u` under the names that `UserPreferences(row:)` reads.
let preferenceColumns: PostgresQuery = "u.check_interval as user_interval, u.time_zone, u.digest, u.digest_hour, u.quiet_from, u.quiet_until"

extension UserPreferences {
    init(row: PostgresRow) throws {
        let from: Int? = try row["quiet_from"]
        let until: Int? = try row["quiet_until"]
        try self.init(
            checkInterval: row["user_interval"], timeZone: row["time_zone"], digest: row.decode(DigestPeriod.self, at: "digest"),
            digestHour: row["digest_hour"], quietHours: from.flatMap { from in until.flatMap { QuietHours(from: from, until: $0) } })
    }
}

extension DigestPeriod: PostgresEncodable, PostgresDecodable {}
