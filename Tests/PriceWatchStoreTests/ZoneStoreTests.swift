import PostgresClient
import PriceWatchModel
import Testing

@testable import PriceWatchStore

/// Time zones that a server does not know, or takes for others, and the quiet hours that stand in them.
@Suite(.enabled(if: Schema.url != nil)) struct ZoneStoreTests {
    private let quiet = QuietHours(from: 22, until: 7).map { FieldChange.set($0) } ?? .keep

    private func choose(_ database: PriceWatchDatabase, _ chat: Int64, _ change: PreferencesChange, at instant: String = "2026-06-01 20:00:00+00") async throws
    {
        _ = try await database.prices.at(instant).changePreferences(chatID: chat, userName: "", language: nil, change)
    }

    private func zones(_ database: PriceWatchDatabase) async throws -> [String?] {
        try await database.client.query("select time_zone from users order by chat_id").map { try $0["time_zone"] }
    }

    @Test("a zone that the server does not know any more is UTC, and holds up nobody's price, notification or digest")
    func unknownZone() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            _ = try await database.prices.follow(78)
            for chat in [77, 78] as [Int64] {
                try await choose(database, chat, PreferencesChange(timeZone: .set("Europe/Moscow"), digest: .set(.daily), quietHours: quiet))
            }
            try await database.client.query("update users set time_zone = 'Moon/Crater' where chat_id = 77")
            let noon = database.prices.at("2026-06-02 12:00:00+00")
            _ = try await noon.record(.sample(1), forProduct: product, asker: nil)
            #expect(try await noon.writeDigests(limit: 10) == 2)
            #expect(try await database.notifications(noon).map(\.chatID).sorted() == [77, 77, 78, 78])
            // A quiet hour of UTC, none of Moscow.
            let early = database.prices.at("2026-06-03 05:30:00+00")
            _ = try await early.record(.sample(2), forProduct: product, asker: nil)
            #expect(try await database.notifications(early).map(\.chatID) == [78])
            #expect(try await database.notifications(database.prices.at("2026-06-03 07:00:00+00")).map(\.chatID) == [77])
        }
    }

    @Test("zones that the server does not know are forgotten, others stay")
    func forgetting() async throws {
        try await Schema.withDatabase { database in
            for chat in 77...80 as ClosedRange<Int64> { try await choose(database, chat, PreferencesChange(timeZone: .set("Europe/Moscow"))) }
            try await database.client.query(
                """
                update users set time_zone = case chat_id when 77 then 'Moon/Crater' when 78 then '+03:00' when 79 then 'UTC' else time_zone end
                """)
            #expect(try await database.prices.forgetUnknownZones() == 1)
            #expect(try await zones(database) == [nil, "+03:00", "UTC", "Europe/Moscow"])
            #expect(try await database.prices.forgetUnknownZones() == 0)
        }
    }

    @Test("zones that were stored as abbreviations become the zones that were meant, and what means another zone elsewhere is forgotten")
    func storedAbbreviations() async throws {
        let migration = try #require(try Migration.embedded().first { $0.name == "local_time" })
        try await Schema.withDatabase { database in
            let old = ["CET", "EET", "MET", "WET", "localtime", "Europe/Moscow"]
            for (number, zone) in old.enumerated() {
                try await choose(database, Int64(number), PreferencesChange(timeZone: .set("UTC")))
                try await database.client.query("update users set time_zone = \(zone) where chat_id = \(Int64(number))")
            }
            try await database.client.transaction { tx in
                _ = try await tx.script(migration.down)
                _ = try await tx.script(migration.up)
            }
            #expect(try await zones(database) == ["Europe/Brussels", "Europe/Athens", "Europe/Brussels", "Europe/Lisbon", nil, "Europe/Moscow"])
        }
    }

    @Test(
        "a notification knows when its user's next quiet hours begin",
        arguments: [
            ("UTC", "2026-06-02 12:00:00+00", "2026-06-02 22:00:00+00"), ("+03:00", "2026-06-02 18:59:59+00", "2026-06-02 19:00:00+00"),
            ("Europe/Berlin", "2026-03-28 20:59:59+00", "2026-03-28 21:00:00+00"), ("Europe/Berlin", "2026-03-29 05:00:00+00", "2026-03-29 20:00:00+00"),
            ("-05:00", "2026-06-02 23:00:00+00", "2026-06-03 03:00:00+00"),
        ])
    func notAfter(zone: String, now: String, end: String) async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            _ = try await database.prices.follow(78)
            try await choose(database, 77, PreferencesChange(timeZone: .set(zone), quietHours: quiet))
            let store = database.prices.at(now)
            _ = try await store.record(.sample(1), forProduct: product, asker: nil)
            let seconds = try await database.number("select extract(epoch from \(end)::text::timestamptz)::bigint as n")
            #expect(try await database.notifications(store).map(\.notAfter) == [Int64(seconds), nil])
        }
    }

    @Test("what the bot came to in quiet hours rests, and goes as another job; a job that was known to rest, or was delivered, changes nothing")
    func resting() async throws {
        try await Schema.withDatabase { database in
            let store = database.prices
            _ = try await store.record(.sample(1), forProduct: store.follow(77).watch.product.id, asker: nil)
            func row() async throws -> (id: Int64, job: String) {
                let row = try #require(try await database.client.query("select id, job_key from outbox").first)
                return (try row["id"], try PostgresPriceStore.jobID(row))
            }
            func pending() async throws -> Int { try await database.number("select count(*) as n from outbox where published_at is null") }
            let first = try await row()
            try await store.restNotification(outboxID: first.id, job: "notify-\(first.id)-other")
            #expect(try await pending() == 0)
            try await store.restNotification(outboxID: first.id, job: first.job)
            #expect(try await pending() == 1)
            #expect(try await store.queueNotifications(limit: 10) == 1)
            let second = try await row()
            #expect(second.id == first.id && second.job != first.job)
            #expect(try await database.client.query("select 1 from apium_outbox where job_id = \(second.job)").count == 1)
            try await store.restNotification(outboxID: first.id, job: first.job)
            #expect(try await pending() == 0)
            try await store.markDelivered(outboxID: first.id, messageID: 5, redelivered: false)
            try await store.restNotification(outboxID: first.id, job: second.job)
            #expect(try await pending() == 0)
        }
    }
}
