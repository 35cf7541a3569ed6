import PostgresClient
import PriceWatchModel
import Testing

@testable import PriceWatchStore

/// Groups that become supergroups.
@Suite(.enabled(if: Schema.url != nil)) struct MoveStoreTests {
    private let group: Int64 = -5
    private let supergroup: Int64 = -1_005

    @Test("what a group follows is the supergroup's: its list, its Stop, its token and its notifications")
    func moving() async throws {
        try await Schema.withDatabase { database in
            let watch = try await database.prices.follow(group).watch
            try await database.prices.setBlocked(chatID: group, true)
            try await database.client.query(
                "insert into api_tokens (name, token_hash, scopes, chat_id) values ('t', decode(repeat('00', 32), 'hex'), '{}', \(group))")
            for _ in 0..<2 { try await database.prices.moveChat(from: group, to: supergroup) }
            #expect(try await database.reader.watches(ofChat: supergroup, after: nil, limit: 9).map(\.id) == [watch.id])
            #expect(try await database.reader.user(ofChat: group) == nil)
            #expect(try await database.reader.user(ofChat: supergroup)?.isBlocked == false)
            #expect(try await database.client.query("select chat_id from api_tokens").first?["chat_id", as: Int64.self] == supergroup)
            guard case .changed(_, 1) = try await database.prices.record(.sample(99_900), forProduct: watch.product.id, asker: nil) else {
                Issue.record("the supergroup is told of the change")
                return
            }
            #expect(try await !database.prices.removeWatch(chatID: group, watchID: watch.id))
            #expect(try await database.prices.removeWatch(chatID: supergroup, watchID: watch.id))
        }
    }

    @Test("a supergroup that follows something already keeps its watches and choices, and gets the rest")
    func merging() async throws {
        try await Schema.withDatabase { database in
            let store = database.prices
            let shared = try await store.follow(group).watch
            let other = try await store.follow(group, .sample(url: "https://shop.example/p/2")).watch
            _ = try await store.changePreferences(
                chatID: group, userName: "", language: nil,
                PreferencesChange(checkInterval: .set(900), timeZone: .set("Europe/Berlin"), digest: .set(.daily), digestHour: .set(7)))
            let own = try await store.follow(supergroup).watch
            _ = try await store.changePreferences(chatID: supergroup, userName: "", language: nil, PreferencesChange(checkInterval: .set(1_800)))
            _ = try await store.record(.sample(99_900), forProduct: shared.product.id, asker: nil)
            try await store.moveChat(from: group, to: supergroup)
            #expect(try await database.reader.watches(ofChat: supergroup, after: nil, limit: 9).map(\.id).sorted() == [other.id, own.id])
            let preferences = try await database.reader.preferences(ofChat: supergroup)
            #expect(preferences.checkInterval == 1_800 && preferences.timeZone == "Europe/Berlin")
            #expect(preferences.digest == .daily && preferences.digestHour == 7)
            let rows = try await database.client.query("select watch_id, user_id from outbox")
            #expect(try Set(rows.map { try $0["watch_id", as: Int64.self] }) == [own.id])
            #expect(try Set(rows.map { try $0["user_id", as: Int64.self] }) == [own.userID] && rows.count == 2)
            #expect(try await database.reader.user(ofChat: group) == nil)
        }
    }

    @Test("a chat that is not known is nothing to move")
    func unknown() async throws {
        try await Schema.withDatabase { database in
            try await database.prices.moveChat(from: group, to: supergroup)
            try await database.prices.moveChat(from: group, to: group)
            #expect(try await database.reader.user(ofChat: supergroup) == nil)
        }
    }
}
