import PostgresClient
import PriceWatchModel
import Testing

@testable import PriceWatchStore

@Suite(.enabled(if: Schema.url != nil)) struct HistoryStoreTests {
    /// Three years of prices of three products: some days none, some many, in two currencies.
    private func addHistory(_ database: PriceWatchDatabase) async throws {
        for number in 1...3 { _ = try await database.prices.follow(77, .sample(url: "https://shop.example/p/\(number)")) }
        try await database.client.query("delete from price_points")
        try await database.client.query("select setseed(0.5)")
        try await database.client.query(
            """
            insert into price_points (product_id, price_minor, currency, availability, seen_at)
            select p.id, 1000 + (i * 7919 + p.id * 31) % 500, case when i % 50 = 0 then 'USD' else 'RUB' end,
                case when i % 3 = 0 then 'out_of_stock' else 'in_stock' end,
                timestamptz '2026-06-01 00:00:00+00' - (i * interval '4 hours 37 minutes') from products p, generate_series(1, 400) i
            """)
    }

    /// What rolling up should come to, by another road.
    private static let expected: PostgresQuery = """
        select string_agg(product_id || ' ' || day || ' ' || currency || ' ' || low || ' ' || high || ' ' || last || ' ' || n, E'\\n'
            order by product_id, day, currency) as text
        from (select product_id, (seen_at at time zone 'UTC')::date as day, currency, min(price_minor) as low, max(price_minor) as high,
            (array_agg(price_minor order by seen_at desc))[1] as last, count(*) as n
            from price_points where seen_at < timestamptz '2026-05-02 00:00:00+00' group by 1, 2, 3) x
        """
    private static let found: PostgresQuery = """
        select string_agg(product_id || ' ' || day || ' ' || currency || ' ' || low_minor || ' ' || high_minor || ' ' || last_minor || ' ' || points, E'\\n'
            order by product_id, day, currency) as text from price_days
        """

    @Test("old prices become one row per day, whatever the size of the batches, and younger ones stay", arguments: [7, 100, 10_000])
    func rollUp(batch: Int) async throws {
        try await Schema.withDatabase { database in
            try await addHistory(database)
            let expected = try await database.client.query(Self.expected).first?["text", as: String.self]
            let young = try await database.number("select count(*) as n from price_points where seen_at >= timestamptz '2026-05-02 00:00:00+00'")
            let store = database.prices.at("2026-06-01 12:00:00+00")
            var taken = 0
            while true {
                let count = try await store.rollUpHistory(keepingDays: 30, limit: batch)
                taken += count
                if count < batch { break }
            }
            #expect(try await database.client.query(Self.found).first?["text", as: String.self] == expected)
            #expect(try await database.number("select count(*) as n from price_points") == young)
            #expect(taken == 1_200 - young && young > 100)
            #expect(try await store.rollUpHistory(keepingDays: 30, limit: batch) == 0)
        }
    }

    @Test("runs at once, and runs that are broken off, come to the same")
    func interrupted() async throws {
        try await Schema.withDatabase { database in
            try await addHistory(database)
            let expected = try await database.client.query(Self.expected).first?["text", as: String.self]
            let store = database.prices.at("2026-06-01 12:00:00+00")
            // A run that dies in the middle: the statement is broken off by the server, and nothing of it stays.
            try await database.client.query(
                "create function fall() returns trigger language plpgsql as $$ begin if new.product_id > 1 then raise exception 'broken off'; end if; return new; end $$"
            )
            try await database.client.query("create trigger fall before insert on price_days for each row execute function fall()")
            await #expect(throws: PostgresError.self) { while try await store.rollUpHistory(keepingDays: 30, limit: 40) > 0 {} }
            try await database.client.query("drop trigger fall on price_days")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { while try await store.rollUpHistory(keepingDays: 30, limit: 40) > 0 {} }
                }
                try await group.waitForAll()
            }
            while try await store.rollUpHistory(keepingDays: 30, limit: 40) > 0 {}
            #expect(try await database.client.query(Self.found).first?["text", as: String.self] == expected)
        }
    }

    @Test("the history reads on from kept prices into rolled-up days, newest first, for any limit")
    func reading() async throws {
        try await Schema.withDatabase { database in
            try await addHistory(database)
            let id = try #require(try await database.client.query("select min(id) as id from products").first?["id", as: Int64.self])
            let before = try #require(try await database.reader.history(ofProduct: id, followedBy: nil, limit: 1_000))
            let store = database.prices.at("2026-06-01 12:00:00+00")
            while try await store.rollUpHistory(keepingDays: 30, limit: 500) == 500 {}
            let after = try #require(try await database.reader.history(ofProduct: id, followedBy: 77, limit: 1_000))
            let kept = after.filter { $0.range == nil }
            let days = after.filter { $0.range != nil }
            #expect(kept == Array(before.prefix(kept.count)) && !kept.isEmpty && !days.isEmpty)
            #expect(after.map(\.seenAt) == after.map(\.seenAt).sorted(by: >))
            #expect(after.prefix(kept.count).allSatisfy { $0.range == nil })
            let lows = days.compactMap(\.range?.low), highs = days.compactMap(\.range?.high)
            #expect(zip(days, zip(lows, highs)).allSatisfy { ($1.0...$1.1).contains($0.price.minorUnits) })
            #expect(lows.min() == before.dropFirst(kept.count).map(\.price.minorUnits).min())
            #expect(highs.max() == before.dropFirst(kept.count).map(\.price.minorUnits).max())
            for limit in [0, 1, kept.count, kept.count + 1, after.count] {
                #expect(try await database.reader.history(ofProduct: id, followedBy: nil, limit: limit) == Array(after.prefix(limit)))
            }
        }
    }

    @Test("pruning drops what was sent long ago and sessions and tokens that have ended, in batches, and keeps the rest")
    func prune() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            for price in 1...20 { _ = try await database.prices.record(.sample(Int64(price)), forProduct: product, asker: nil) }
            try await database.client.query("update outbox set created_at = now() - interval '31 days' where id % 2 = 0")
            let account = try #require(try await database.adminAccounts.createAccount(name: "root", password: "long enough", role: .editor))
            for byte in [UInt8(1), 2] { try await database.adminSessions.openSession(tokenHash: Array(repeating: byte, count: 32), account: account.id) }
            try await database.client.query(
                "update admin_sessions set used_at = now() - interval '31 days' where token_hash = \(Array(repeating: UInt8(1), count: 32))")
            for (index, name) in ["kept", "ended", "revoked"].enumerated() {
                _ = try await database.tokens.addToken(APIToken(id: 0, name: name, scopes: [.read]), sha256: Array(repeating: UInt8(index), count: 32))
            }
            try await database.client.query("update api_tokens set expires_at = now() - interval '31 days' where name = 'ended'")
            try await database.client.query("update api_tokens set revoked_at = now() - interval '31 days' where name = 'revoked'")
            var counts: [Int] = []
            repeat { counts.append(try await database.prices.prune(keepingDays: 30, limit: 4)) } while counts.last ?? 0 >= 4
            let total = counts.reduce(0, +)
            #expect(total == 13, "ten notifications, a session, two tokens")
            #expect(try await database.number("select count(*) as n from outbox") == 10)
            #expect(try await database.number("select count(*) as n from admin_sessions") == 1)
            #expect(try await database.tokens.tokens().map(\.name) == ["kept"])
            #expect(try await database.prices.prune(keepingDays: 30, limit: 4) == 0)
        }
    }

    @Test("taking the roll-up back leaves the last price of each day")
    func down() async throws {
        try await Schema.withDatabase { database in
            try await addHistory(database)
            _ = try await database.prices.at("2026-06-01 12:00:00+00").rollUpHistory(keepingDays: 30, limit: 10_000)
            let points = try await database.number("select count(*) as n from price_points")
            let days = try await database.number("select count(*) as n from price_days")
            // Down to before history_days.
            let migrator = try Migrator(client: database.client)
            let newer = try Migration.embedded().filter { $0.id >= "0004" }.count
            _ = try await migrator.down(newer)
            #expect(try await database.number("select count(*) as n from price_points") == points + days)
            #expect(try await migrator.up().count == newer)
        }
    }
}
