import PostgresClient
import PriceWatchModel

/// What follows from a change of the admin's, in its transaction: the same as from the users' own. Rows are locked in the order of
/// ``PostgresPriceStore``.
extension PostgresAdminTables {
    /// What of a user's row has consequences.
    struct UserState {
        let isBlocked: Bool
        let preferences: UserPreferences
    }

    func userState(_ tx: PostgresTransaction, _ id: Int64) async throws -> UserState? {
        try await tx.query("select u.is_blocked, \(preferenceColumns) from users u where u.id = \(id)").first.map { row in
            UserState(isBlocked: try row["is_blocked"], preferences: try UserPreferences(row: row))
        }
    }

    /// Begins digests anew, has notifications rest, and plans checks, as the change of a user's row wants it.
    func carryOut(_ tx: PostgresTransaction, user: Int64, since old: UserState) async throws {
        guard let new = try await userState(tx, user) else { return }
        let (before, now) = (old.preferences, new.preferences)
        if now.digest != .off, now.digest != before.digest || now.digestHour != before.digestHour {
            try await prices.beginDigests(tx, user: user, isNew: before.digest == .off)
        }
        if new.isBlocked != old.isBlocked {
            try await prices.carryOut(tx, blocked: new.isBlocked, user: user)
        } else if now.checkInterval != before.checkInterval {
            try await prices.replan(tx, where: "p.id in (select product_id from watches where user_id = \(user))")
        }
    }

    /// Locks the products that a change of a watch is about: its own, and the one that it is to have; answers them.
    func lockProducts(_ tx: PostgresTransaction, ofWatch watch: Int64?, and other: AdminValue? = nil) async throws -> [Int64] {
        var ids: [Int64] = []
        if case .integer(let id)? = other { ids.append(id) }
        let rows = try await tx.query(
            """
            select p.id from products p where p.id = any(\(ids)) or p.id in (select product_id from watches where id = \(watch))
            order by p.id for update
            """)
        return try rows.map { try $0["id"] }
    }

    /// Locks what a user follows; answers it.
    func lockProducts(_ tx: PostgresTransaction, ofUser user: Int64) async throws -> [Int64] {
        let rows = try await tx.query(
            "select p.id from products p where p.id in (select product_id from watches where user_id = \(user)) order by p.id for update")
        return try rows.map { try $0["id"] }
    }

    /// Takes back the jobs of what is to be deleted.
    func withdraw(_ tx: PostgresTransaction, _ table: AdminTable, id: Int64) async throws {
        switch table {
        case .users: _ = try await prices.withdraw(tx, "user_id = \(id)")
        case .products: _ = try await prices.withdraw(tx, "product_id = \(id)")
        case .watches: try await prices.dropNotifications(tx, ofWatch: id)
        default: break
        }
    }
}
