import PostgresClient
import PriceWatchModel
import Testing

@testable import PriceWatchStore

/// What an admin changes is carried out, as the same change of a user's would be.
@Suite(.enabled(if: Schema.url != nil)) struct AdminEffectTests {
    private let actor = AdminActor(name: "root", address: "192.0.2.1")

    private func change(_ database: PriceWatchDatabase, _ table: AdminTable, _ id: Int64, _ changes: [String: AdminValue]) async throws {
        let row = try #require(try await database.adminTables.row(table, id: id))
        try await database.adminTables.update(table, id: id, version: row.version, changes: changes, by: actor)
    }

    private func delete(_ database: PriceWatchDatabase, _ table: AdminTable, _ id: Int64) async throws {
        let row = try #require(try await database.adminTables.row(table, id: id))
        try await database.adminTables.delete(table, id: id, version: row.version, by: actor)
    }

    /// Puts every check off by a day, as for products that nobody follows.
    private func rest(_ database: PriceWatchDatabase) async throws {
        try await database.client.query("update products set next_check_at = now() + interval '1 day'")
    }

    /// Seconds until the next check of each product, by their ids.
    private func waits(_ database: PriceWatchDatabase) async throws -> [Int] {
        try await database.client.query("select extract(epoch from next_check_at - now())::bigint as n from products order by id").map { try $0["n"] }
    }

    private func jobs(_ database: PriceWatchDatabase) async throws -> Int { try await database.number("select count(*) as n from apium_outbox") }

    @Test("a shorter interval of a user or of a watch brings the next check nearer at once")
    func intervals() async throws {
        try await Schema.withDatabase { database in
            let watch = try await database.prices.follow(77).watch
            try await rest(database)
            try await change(database, .users, watch.userID, ["check_interval": .integer(7_200)])
            #expect(try await waits(database).allSatisfy { (400...9_400).contains($0) })
            try await change(database, .watches, watch.id, ["check_interval": .integer(300)])
            #expect(try await waits(database).allSatisfy { $0 < 400 })
        }
    }

    @Test("a watch that is added or given to another product has that product checked again soon")
    func watches() async throws {
        try await Schema.withDatabase { database in
            let products = try await [
                database.prices.follow(77).watch, database.prices.follow(77, .sample(url: "https://shop.example/2")).watch,
                database.prices.follow(77, .sample(url: "https://shop.example/3")).watch,
            ].map(\.product.id)
            let user = try #require(try await database.client.query("select id from users").first?["id", as: Int64.self])
            try await database.client.query("delete from watches")
            try await rest(database)
            let id = try await database.adminTables.create(
                .watches, values: ["user_id": .integer(user), "product_id": .integer(products[0])], by: actor)
            #expect(try await waits(database).map { $0 < 7_200 } == [true, false, false])
            try await change(database, .watches, id, ["product_id": .integer(products[2])])
            #expect(try await waits(database).map { $0 < 7_200 } == [true, false, true])
        }
    }

    @Test("a user who is blocked gets nothing more, and one who is not any more has what they follow checked soon")
    func blocking() async throws {
        try await Schema.withDatabase { database in
            let watch = try await database.prices.follow(77).watch
            _ = try await database.prices.record(.sample(1), forProduct: watch.product.id, asker: nil)
            try await change(database, .users, watch.userID, ["is_blocked": .boolean(true)])
            #expect(try await jobs(database) == 0)
            #expect(try await database.number("select count(*) as n from outbox where published_at is null") == 1)
            try await rest(database)
            try await change(database, .users, watch.userID, ["is_blocked": .boolean(false)])
            #expect(try await waits(database).allSatisfy { $0 < 7_200 })
        }
    }

    @Test("a digest that is switched on comes at its hour, not at once with all since the user began")
    func digests() async throws {
        try await Schema.withDatabase { database in
            let user = try await database.prices.follow(77).watch.userID
            let tables = PostgresAdminTables(prices: database.prices.at("2026-06-01 15:00:00+00"))
            let row = try #require(try await tables.row(.users, id: user))
            try await tables.update(.users, id: user, version: row.version, changes: ["digest": .text("daily")], by: actor)
            #expect(try await database.prices.at("2026-06-01 15:00:01+00").writeDigests(limit: 10) == 0)
            #expect(try await database.prices.at("2026-06-02 09:00:00+00").writeDigests(limit: 10) == 1)
        }
    }

    @Test("what is deleted is not told of any more, unless a relay has handed it over", arguments: [AdminTable.users, .watches, .products])
    func deletions(table: AdminTable) async throws {
        try await Schema.withDatabase { database in
            let watch = try await database.prices.follow(77).watch
            let other = try await database.prices.follow(78, .sample(url: "https://shop.example/2")).watch
            for product in [watch.product.id, other.product.id] { _ = try await database.prices.record(.sample(1), forProduct: product, asker: nil) }
            #expect(try await jobs(database) == 2)
            let id = table == .users ? watch.userID : table == .watches ? watch.id : watch.product.id
            try await delete(database, table, id)
            #expect(try await database.notifications().map(\.chatID) == [78])
            #expect(try await database.number("select count(*) as n from outbox") == 1)
        }
    }

    @Test("a blocked user who writes again has all that they follow checked soon, whatever they write")
    func writingAgain() async throws {
        try await Schema.withDatabase { database in
            let user = try await database.prices.follow(77).watch.userID
            for step in 0..<2 {
                try await database.prices.setBlocked(chatID: 77, true)
                try await rest(database)
                if step == 0 {
                    _ = try await database.prices.follow(77, .sample(url: "https://shop.example/2"))
                } else {
                    _ = try await database.prices.changePreferences(chatID: 77, userName: "", language: nil, PreferencesChange(digestHour: .set(8)))
                }
                #expect(try await waits(database).allSatisfy { $0 < 7_200 }, "\(step)")
            }
            #expect(try await database.number("select count(*) as n from users where id = \(user) and not is_blocked") == 1)
        }
    }
}
