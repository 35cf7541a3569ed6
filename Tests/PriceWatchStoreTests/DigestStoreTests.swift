import PostgresClient
import PriceWatchModel
import Testing

@testable import PriceWatchStore

@Suite(.enabled(if: Schema.url != nil)) struct DigestStoreTests {
    /// A user with a digest who has followed a product for long; nothing is written yet.
    private func follower(
        _ database: PriceWatchDatabase, zone: String, _ period: DigestPeriod = .daily, hour: Int = 9, since: String = "2026-01-01 00:00:00+00"
    ) async throws -> Watch {
        let watch = try await database.prices.follow(77).watch
        _ = try await database.prices.at(since).changePreferences(
            chatID: 77, userName: "", language: nil, PreferencesChange(timeZone: .set(zone), digest: .set(period), digestHour: .set(hour)))
        try await database.client.query("update watches set created_at = \(since)::text::timestamptz")
        try await database.client.query("update price_points set seen_at = \(since)::text::timestamptz")
        return watch
    }

    /// How many digests are written at each of these instants, in turn.
    private func counts(_ database: PriceWatchDatabase, _ instants: [String]) async throws -> [Int] {
        var counts: [Int] = []
        for instant in instants { counts.append(try await database.prices.at(instant).writeDigests(limit: 100)) }
        return counts
    }

    @Test("a digest comes at the user's hour, in their zone, once a day", arguments: ["Europe/Moscow", "+03:00", "utc+3", "EET"])
    func daily(zone: String) async throws {
        try await Schema.withDatabase { database in
            _ = try await follower(database, zone: zone, since: "2026-06-01 20:00:00+00")
            let instants = ["2026-06-02 05:59:59+00", "2026-06-02 06:00:00+00", "2026-06-02 06:05:00+00", "2026-06-02 23:00:00+00", "2026-06-03 06:00:00+00"]
            #expect(try await counts(database, instants) == [0, 1, 0, 0, 1])
        }
    }

    @Test("an hour that comes twice brings one digest, an hour that is skipped brings it late")
    func clockChanges() async throws {
        try await Schema.withDatabase { database in
            // Berlin goes back from 3:00 to 2:00 on 25 October 2026 at 01:00 UTC, and forward from 2:00 to 3:00 on 29 March at 01:00 UTC.
            _ = try await follower(database, zone: "Europe/Berlin", hour: 2, since: "2026-03-28 12:00:00+00")
            #expect(try await counts(database, ["2026-03-29 00:59:59+00", "2026-03-29 01:00:00+00", "2026-03-29 02:00:00+00"]) == [0, 1, 0])
            let autumn = ["2026-10-24 23:59:59+00", "2026-10-25 00:00:00+00", "2026-10-25 00:30:00+00", "2026-10-25 01:00:00+00", "2026-10-25 01:30:00+00"]
            #expect(try await counts(database, ["2026-10-24 12:00:00+00"] + autumn) == [1, 0, 1, 0, 0, 0])
        }
    }

    @Test("runs at once write one digest")
    func together() async throws {
        try await Schema.withDatabase { database in
            _ = try await follower(database, zone: "UTC")
            let store = database.prices.at("2026-06-02 09:00:00+00")
            let written = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 { group.addTask { try await store.writeDigests(limit: 10) } }
                return try await group.reduce(0, +)
            }
            #expect(written == 1)
            #expect(try await database.number("select count(*) as n from outbox where kind = 'digest'") == 1)
        }
    }

    @Test("a weekly digest comes on Mondays, and later in the week when Monday was missed")
    func weekly() async throws {
        try await Schema.withDatabase { database in
            _ = try await follower(database, zone: "UTC", .weekly, since: "2026-06-03 00:00:00+00")
            // 1 June 2026 is a Monday.
            let instants = ["2026-06-07 23:00:00+00", "2026-06-08 08:59:00+00", "2026-06-08 09:00:00+00", "2026-06-09 09:00:00+00", "2026-06-18 03:00:00+00"]
            #expect(try await counts(database, instants) == [0, 0, 1, 0, 1])
        }
    }

    @Test("switching it on after its hour does not send one at once; off sends none; a blocked chat rests")
    func switching() async throws {
        try await Schema.withDatabase { database in
            _ = try await follower(database, zone: "UTC", since: "2026-06-01 15:00:00+00")
            #expect(try await counts(database, ["2026-06-01 15:00:01+00", "2026-06-02 08:00:00+00"]) == [0, 0])
            try await database.prices.setBlocked(chatID: 77, true)
            #expect(try await counts(database, ["2026-06-02 09:00:00+00"]) == [0])
            try await database.prices.setBlocked(chatID: 77, false)
            #expect(try await counts(database, ["2026-06-02 10:00:00+00"]) == [1])
            _ = try await database.prices.at("2026-06-02 11:00:00+00").changePreferences(
                chatID: 77, userName: "", language: nil, PreferencesChange(digest: .set(.off)))
            #expect(try await counts(database, ["2026-06-03 10:00:00+00"]) == [0])
        }
    }

    @Test("a zone chosen before the digest is, and an hour put off, bring it the same day; a day that had one gets no second")
    func sameDay() async throws {
        try await Schema.withDatabase { database in
            _ = try await database.prices.follow(77)
            func choose(_ instant: String, _ change: PreferencesChange) async throws {
                _ = try await database.prices.at(instant).changePreferences(chatID: 77, userName: "", language: nil, change)
            }
            try await choose("2026-06-01 15:00:00+00", PreferencesChange(timeZone: .set("+00:30")))
            try await choose("2026-06-01 15:01:00+00", PreferencesChange(digest: .set(.daily), digestHour: .set(9)))
            try await choose("2026-06-01 15:02:00+00", PreferencesChange(digestHour: .set(16)))
            #expect(try await counts(database, ["2026-06-01 15:29:59+00", "2026-06-01 15:30:00+00"]) == [0, 1])
            try await database.client.query("update outbox set created_at = timestamptz '2026-06-01 15:30:00+00'")
            try await choose("2026-06-01 16:00:00+00", PreferencesChange(digestHour: .set(20)))
            #expect(try await counts(database, ["2026-06-01 20:00:00+00", "2026-06-02 19:29:00+00", "2026-06-02 19:30:00+00"]) == [0, 0, 1])
        }
    }

    @Test("a digest tells what changed since the one before, also from a rolled-up price, and which links do not work")
    func content() async throws {
        try await Schema.withDatabase { database in
            let kettle = try await follower(database, zone: "UTC", .daily, since: "2026-01-01 00:00:00+00").product.id
            let lamp = try await database.prices.follow(77, .sample(500, url: "https://shop.example/p/2", name: "Lamp")).watch.product.id
            _ = try await database.prices.follow(77, .sample(700, url: "https://shop.example/p/3", name: "Mug"))
            try await database.client.query("update watches set created_at = timestamptz '2026-01-01 00:00:00+00'")
            try await database.client.query("update price_points set seen_at = timestamptz '2026-01-01 00:00:00+00'")
            #expect(try await database.prices.at("2026-06-01 12:00:00+00").rollUpHistory(keepingDays: 30, limit: 100) == 3)
            #expect(try await counts(database, ["2026-06-01 12:00:00+00"]) == [1])
            for price in [Int64(99_900), 89_900] { _ = try await database.prices.record(.sample(price), forProduct: kettle, asker: nil) }
            try await database.client.query("update price_points set seen_at = timestamptz '2026-06-01 20:00:00+00'")
            for _ in 0..<3 { _ = try await database.prices.recordFailure(PageTrouble(.blocked), forProduct: lamp, claim: nil) }
            #expect(try await counts(database, ["2026-06-02 09:00:00+00"]) == [1])
            let digests = try await database.notifications().compactMap { notification -> Digest? in
                guard case .digest(let digest) = notification.content else { return nil }
                return digest
            }
            #expect(digests.count == 2)
            #expect(digests[0] == Digest(following: 3, changed: 0, failing: 0, lines: []))
            let price = { (minor: Int64) in Money(minorUnits: minor, currency: .rub) }
            #expect(
                digests[1]
                    == Digest(
                        following: 3, changed: 1, failing: 1,
                        lines: [
                            .init(name: "Kettle", link: "https://shop.example/p/1", old: price(129_900), new: price(89_900)),
                            .init(name: "Lamp", link: "https://shop.example/p/2", old: price(500), new: price(500), failure: .blocked),
                        ]))
        }
    }

    @Test("a price that was seen as the product was added is no change since")
    func seenAtAdding() async throws {
        try await Schema.withDatabase { database in
            _ = try await database.prices.changePreferences(
                chatID: 78, userName: "", language: nil, PreferencesChange(digest: .set(.daily), digestHour: .set(0)))
            _ = try await database.prices.follow(77)
            _ = try await database.prices.follow(78, .sample(99_900))
            #expect(try await database.prices.later(172_800).writeDigests(limit: 10) == 1)
            let digests = try await database.notifications().compactMap { notification -> Digest? in
                guard case .digest(let digest) = notification.content else { return nil }
                return digest
            }
            #expect(digests == [Digest(following: 1, changed: 0, failing: 0, lines: [])])
        }
    }

    @Test("who follows nothing gets no digest, and a hundred products make twenty lines")
    func bounds() async throws {
        try await Schema.withDatabase { database in
            let watch = try await follower(database, zone: "UTC")
            _ = try await database.prices.removeWatch(chatID: 77, watchID: watch.id)
            #expect(try await counts(database, ["2026-06-01 09:00:00+00"]) == [1])
            #expect(try await database.notifications().isEmpty)
            for number in 1...100 { _ = try await database.prices.follow(77, .sample(100, url: "https://shop.example/q/\(number)", name: "P\(number)")) }
            try await database.client.query("update watches set created_at = timestamptz '2026-01-01 00:00:00+00'")
            try await database.client.query("update price_points set seen_at = timestamptz '2026-01-01 00:00:00+00'")
            try await database.client.query("update products set price_minor = 200 where name like 'P%'")
            #expect(try await counts(database, ["2026-06-02 09:00:00+00"]) == [1])
            guard case .digest(let digest)? = try await database.notifications().first?.content else { throw Unexpected("no digest") }
            #expect(digest.following == 100 && digest.changed == 100 && digest.lines.count == 20)
        }
    }

    @Test("in quiet hours nothing is sent, by the user's clock, past midnight too", arguments: [("Europe/Moscow", 3), ("+03:00", 3), ("-05:00", -5)])
    func quiet(zone: String, offset: Int) async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            let hours = try #require(QuietHours(from: 22, until: 7))
            _ = try await database.prices.changePreferences(
                chatID: 77, userName: "", language: nil, PreferencesChange(timeZone: .set(zone), quietHours: .set(hours)))
            var sent: [Bool] = []
            for hour in [21, 22, 23, 0, 6, 7, 12] {
                let utc = ((hour - offset) % 24 + 24) % 24
                let store = database.prices.at("2026-06-02 \(utc < 10 ? "0" : "")\(utc):30:00+00")
                _ = try await store.record(.sample(Int64(hour + 1)), forProduct: product, asker: nil)
                sent.append(try await !database.notifications(store).isEmpty)
                // At noon what rested is sent.
                let rested = try await database.notifications(database.prices.at("2026-06-02 \((12 - offset) % 24):00:00+00"))
                #expect(rested.count == (sent.last == true ? 0 : 1))
            }
            #expect(sent == [true, false, false, false, false, true, true])
        }
    }

    @Test("a zone that the server does not know is refused, one that it knows gets its usual spelling, and nothing else is stored")
    func zones() async throws {
        try await Schema.withDatabase { database in
            func set(_ zone: String) async throws -> String? {
                try await database.prices.changePreferences(chatID: 77, userName: "Ann", language: .russian, PreferencesChange(timeZone: .set(zone))).timeZone
            }
            let spelled = try await set("europe/moscow")
            #expect(spelled == "Europe/Moscow")
            for (zone, meant) in [("CET", "Europe/Brussels"), ("met", "Europe/Brussels"), ("Eet", "Europe/Athens"), ("WET", "Europe/Lisbon")] {
                #expect(try await set(zone) == meant)
            }
            #expect(try await set("-9:30") == "-09:30")
            for wrong in ["Moon/Crater", "posix/UTC", "EST5EDTX", "x' or true --", "localtime", "posixrules", "Factory"] {
                await #expect(throws: StoreRefusal.unknownTimeZone(wrong)) { try await set(wrong) }
            }
            #expect(try await database.reader.preferences(ofChat: 77) == UserPreferences(timeZone: "-09:30"))
            #expect(try await database.reader.preferences(ofChat: 99) == UserPreferences())
        }
    }
}
