import Foundation
import PostgresClient
import PriceWatchModel

/// The columns of an outbox row `o` with its user `u` and its product `p`, under the names that `Notification(row:)` reads.
let notificationColumns: PostgresQuery = """
    o.id, o.kind, o.failure, o.digest, o.watch_id, o.old_minor, o.old_currency, o.new_minor, o.new_currency, u.chat_id, u.language,
        p.id as product_id, p.name, p.canonical_url, p.price_minor, p.currency
    """

extension PriceWatchModel.Notification {
    /// Reads what `notificationColumns` selects.
    init(row: PostgresRow) throws {
        try self.init(outboxID: row["id"], chatID: row["chat_id"], language: row["language"], content: Content(row: row))
    }
}

extension PriceWatchModel.Notification.Content {
    fileprivate init(row: PostgresRow) throws {
        switch try row["kind", as: NotificationKind.self] {
        case .priceChange:
            let change = PriceChange(
                productID: try row["product_id"], name: try row["name"], link: try row["canonical_url"], old: try row.money("old_minor", "old_currency"),
                new: try row.money("new_minor", "new_currency"))
            self = .priceChange(watchID: try row["watch_id"], change)
        case .linkFailed: self = .linkFailed(try LinkState(row: row), try row["failure"])
        case .linkPaused: self = .linkPaused(try LinkState(row: row), try row["failure"])
        case .linkRecovered: self = .linkRecovered(try LinkState(row: row))
        case .digest:
            let text = try row["digest", as: PostgresJSON.self].text
            guard let digest = try? JSONDecoder().decode(Digest.self, from: Data(text.utf8)) else {
                throw StoreError(.damagedValue, "the digest of outbox row \(try row["id", as: Int64.self]) cannot be read")
            }
            self = .digest(digest)
        }
    }
}

extension LinkState {
    fileprivate init(row: PostgresRow) throws {
        try self.init(
            watchID: row["watch_id"], productID: row["product_id"], name: row["name"], link: row["canonical_url"], price: row.money("price_minor", "currency"))
    }
}
