import ApiumCore
import DynamicJSON
import PostgresClient
import PriceWatchJobs
import PriceWatchModel
import Testing

@testable import PriceWatchStore

extension PostgresPriceStore {
    /// The same store at another time: so many seconds from now.
    func later(_ seconds: Int) -> PostgresPriceStore {
        var other = self
        other.clock = "now() + make_interval(secs => \(seconds))"
        return other
    }

    /// The same store at an instant, as Postgres reads it.
    func at(_ instant: String) -> PostgresPriceStore {
        var other = self
        other.clock = "\(instant)::text::timestamptz"
        return other
    }
}

extension PriceWatchDatabase {
    func number(_ statement: PostgresQuery) async throws -> Int {
        try await client.query(statement).first?["n", as: Int.self] ?? -1
    }

    /// The notifications that wait for a relay, after those that rested were taken up; they are taken away.
    func notifications(_ store: PostgresPriceStore? = nil) async throws -> [PriceWatchModel.Notification] {
        _ = try await (store ?? prices).queueNotifications(limit: 1_000)
        let rows = try await client.query("with taken as (delete from apium_outbox returning id, message) select message from taken order by id")
        return try rows.map { row in
            let message = try Message(decoding: Array(try row["message", as: String.self].utf8))
            return try JSONValueDecoder().decode(Notify.self, from: .object(message.arguments().kwargs)).notification
        }
    }
}

@Suite(.enabled(if: Schema.url != nil)) struct CheckStoreTests {
    /// Products that chat 77 follows, made in one statement.
    private func addProducts(_ count: Int, _ database: PriceWatchDatabase) async throws {
        _ = try await database.prices.follow(77)
        try await database.client.query("delete from products")
        try await database.client.query(
            """
            insert into products (canonical_url, name, price_minor, currency, availability, check_interval, next_check_at)
            select 'https://shop.example/' || i, 'P' || i, 100, 'RUB', 'in_stock', interval '1 hour', now() from generate_series(1, \(count)) i
            """)
        try await database.client.query("insert into watches (user_id, product_id) select u.id, p.id from users u, products p")
    }

    @Test("a due product is claimed once, however many ask at once")
    func claiming() async throws {
        try await Schema.withDatabase { database in
            try await addProducts(200, database)
            let taken = try await withThrowingTaskGroup(of: [DueChecks.Check].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var mine: [DueChecks.Check] = []
                        for _ in 0..<10 { mine += try await database.prices.takeDueChecks(limit: 30).checks }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.count == 200)
            #expect(Set(taken.map(\.productID)).count == 200)
            #expect(taken.allSatisfy { $0.claim == 1 })
        }
    }

    @Test("a check that is lost makes the product due again when its claim has run out; the late one is then superseded")
    func lostCheck() async throws {
        try await Schema.withDatabase { database in
            try await addProducts(1, database)
            let first = try #require(try await database.prices.takeDueChecks(limit: 10).checks.first)
            // The claim lasts half an hour for an interval of an hour.
            #expect(try await database.prices.later(1_790).takeDueChecks(limit: 10).taken == 0)
            let second = try #require(try await database.prices.later(1_810).takeDueChecks(limit: 10).checks.first)
            #expect(second.claim == first.claim + 1)
            let target = try await database.prices.target(ofProduct: first.productID, claim: first.claim)
            #expect(target == .link("https://shop.example/1"), "whichever comes first does the work")
            _ = try await database.prices.record(.sample(url: "https://shop.example/1"), forProduct: first.productID, asker: nil)
            for claim in [first.claim, second.claim] {
                #expect(try await database.prices.target(ofProduct: first.productID, claim: claim) == .superseded)
            }
            #expect(try await database.prices.target(ofProduct: first.productID, claim: nil) == .link("https://shop.example/1"))
            #expect(try await database.prices.recordFailure(PageTrouble(.timedOut), forProduct: first.productID, claim: second.claim) == 0)
            #expect(try await database.number("select failures::bigint as n from products") == 0)
        }
    }

    @Test("after a check the next one is a slot of the product's own, a quarter to five quarters of the interval away")
    func nextSlot() async throws {
        try await Schema.withDatabase { database in
            try await addProducts(50, database)
            for check in try await database.prices.takeDueChecks(limit: 50).checks {
                _ = try await database.prices.record(.sample(100, url: "https://shop.example/\(check.productID)"), forProduct: check.productID, asker: nil)
            }
            let rows = try await database.client.query(
                "select id, extract(epoch from next_check_at - now())::double precision as wait, (extract(epoch from next_check_at) * 1000000)::bigint as at from products"
            )
            for row in rows {
                #expect((860...4_540).contains(try row["wait", as: Double.self]))
                let phase = CheckPlan.phase(of: try row["id"], in: 3_600_000_000)
                let off = ((try row["at", as: Int64.self] - phase) % 3_600_000_000 + 5_400_000_000) % 3_600_000_000 - 1_800_000_000
                #expect(abs(off) <= 30_000_000, "within the jitter")
            }
        }
    }

    @Test("what became due while nothing ran is spread over half an hour: no burst, nothing forgotten")
    func backlog() async throws {
        try await Schema.withDatabase { database in
            try await addProducts(1_000, database)
            let store = database.prices.later(7_200)
            var taken = 0
            for _ in 0..<4 {
                let due = try await store.takeDueChecks(limit: 300)
                #expect(due.checks.isEmpty)
                taken += due.taken
            }
            #expect(taken == 1_000)
            var checks: [Int] = []
            for minute in 1...30 { checks.append(try await database.prices.later(7_200 + minute * 60).takeDueChecks(limit: 500).checks.count) }
            #expect(checks.reduce(0, +) == 1_000)
            #expect(checks.allSatisfy { (30...37).contains($0) }, "the share of a minute is 33: \(checks)")
        }
    }

    @Test("a product is checked at the shortest interval that a follower wants: for it, for all of theirs, or the standard one")
    func intervals() async throws {
        try await Schema.withDatabase { database in
            let store = database.prices
            let ann = try await store.follow(77).watch
            func interval() async throws -> Int? { try await database.reader.product(ann.product.id, followedBy: nil)?.checkInterval }
            #expect(try await interval() == 3_600)
            _ = try await store.changePreferences(chatID: 77, userName: "", language: nil, PreferencesChange(checkInterval: .set(7_200)))
            #expect(try await interval() == 7_200)
            let boris = try await store.follow(78).watch
            #expect(try await interval() == 3_600)
            #expect(try await store.setInterval(chatID: 77, watchID: ann.id, seconds: 900)?.checkInterval == 900)
            #expect(try await interval() == 900)
            #expect(try await store.setInterval(chatID: 77, watchID: boris.id, seconds: 300) == nil, "another chat's watch")
            #expect(try await interval() == 900)
            #expect(try await store.setInterval(chatID: 77, watchID: ann.id, seconds: nil)?.checkInterval == nil)
            try await store.setBlocked(chatID: 78, true)
            #expect(try await interval() == 7_200)
            try await store.setBlocked(chatID: 78, false)
            #expect(try await interval() == 3_600)
            _ = try await store.removeWatch(chatID: 78, watchID: boris.id)
            #expect(try await interval() == 7_200)
            // Whatever stands in the tables, the bounds hold.
            try await database.client.query("update users set check_interval = 1")
            try await database.client.query("update products set next_check_at = now()")
            _ = try await store.takeDueChecks(limit: 10)
            #expect(try await interval() == 300)
        }
    }

    @Test("a shorter interval brings the next check nearer, a longer one never puts it off, however often it is set")
    func replanning() async throws {
        try await Schema.withDatabase { database in
            let store = database.prices
            let watch = try await store.follow(77).watch
            func wait() async throws -> Double {
                try await database.client.query("select extract(epoch from next_check_at - now())::double precision as s from products").first?["s"] ?? 0
            }
            #expect((860...4_540).contains(try await wait()))
            _ = try await store.setInterval(chatID: 77, watchID: watch.id, seconds: 300)
            let short = try await wait()
            #expect((50...400).contains(short))
            for seconds in [86_400, 604_800, 300, 604_800] { _ = try await store.setInterval(chatID: 77, watchID: watch.id, seconds: seconds) }
            #expect(try await wait() <= short)
        }
    }

    @Test("what nobody follows rests a day, and a new follower ends that")
    func resting() async throws {
        try await Schema.withDatabase { database in
            let watch = try await database.prices.follow(77).watch
            _ = try await database.prices.removeWatch(chatID: 77, watchID: watch.id)
            try await database.client.query("update products set next_check_at = now()")
            #expect(try await database.prices.takeDueChecks(limit: 10) == DueChecks(checks: [], taken: 1))
            #expect(try await database.prices.later(86_000).takeDueChecks(limit: 10).taken == 0)
            _ = try await database.prices.follow(78)
            #expect(try await database.number("select count(*) as n from products where next_check_at < now() + interval '76 minutes'") == 1)
        }
    }
}

@Suite(.enabled(if: Schema.url != nil)) struct FailingLinkTests {
    private func fail(_ database: PriceWatchDatabase, _ failure: ParseFailure, _ product: Int64, times: Int = 1) async throws -> [Int] {
        var told: [Int] = []
        for _ in 0..<times { told.append(try await database.prices.recordFailure(PageTrouble(failure), forProduct: product, claim: nil)) }
        return told
    }

    @Test("followers are told once that a link does not work, and once that it does again")
    func toldOnce() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            _ = try await database.prices.follow(78)
            #expect(try await fail(database, .timedOut, product, times: 10) == [0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
            let failed = try await database.notifications()
            #expect(failed.map(\.chatID) == [77, 78])
            guard case .linkFailed(let state, .timedOut) = failed[0].content else { throw Unexpected(failed[0]) }
            #expect(state.price.minorUnits == 129_900 && state.name == "Kettle")
            let result = try await database.prices.record(.sample(), forProduct: product, asker: nil)
            #expect(result == .recovered(notifications: 2))
            let recovered = try await database.notifications()
            #expect(recovered.map(\.content.kind) == [.linkRecovered, .linkRecovered])
            #expect(try await database.prices.record(.sample(), forProduct: product, asker: nil) == .unchanged)
            #expect(try await fail(database, .blocked, product, times: 3) == [0, 0, 2], "a new outage is told anew")
        }
    }

    @Test("a short outage is not told, neither its end")
    func short() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            #expect(try await fail(database, .unreachable, product, times: 2) == [0, 0])
            #expect(try await database.prices.record(.sample(), forProduct: product, asker: nil) == .unchanged)
            #expect(try await database.notifications().isEmpty)
        }
    }

    @Test("a page that is gone pauses the product at the sixth failure, with a message; a check that somebody asks for wakes it")
    func pausing() async throws {
        try await Schema.withDatabase { database in
            let watch = try await database.prices.follow(77).watch
            #expect(try await fail(database, .notFound, watch.product.id, times: 8) == [0, 0, 1, 0, 0, 1, 0, 0])
            #expect(try await database.notifications().map(\.content.kind) == [.linkFailed, .linkPaused])
            let paused = try #require(try await database.reader.watch(watch.id, ofChat: 77)).product
            #expect(paused.isPaused && paused.nextCheckAt == nil && paused.lastFailure == .notFound)
            #expect(try await database.prices.later(90 * 86_400).takeDueChecks(limit: 10).taken == 0)
            #expect(try await database.prices.target(ofProduct: paused.id, claim: 1) == .superseded)
            // The one who asked sees it; others are told.
            #expect(try await database.prices.record(.sample(), forProduct: paused.id, asker: 77) == .unchanged)
            let awake = try #require(try await database.reader.watch(watch.id, ofChat: 77)).product
            #expect(!awake.isPaused && awake.nextCheckAt != nil && awake.failures == 0)
            #expect(try await database.notifications().isEmpty)
        }
    }

    @Test("who begins to follow a link after its failure was told is not told that it works again")
    func newcomers() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            _ = try await fail(database, .noPrice, product, times: 3)
            try await database.client.query("insert into users (chat_id, name, language) values (78, 'Boris', 'en')")
            try await database.client.query("insert into watches (user_id, product_id) select id, \(product) from users where chat_id = 78")
            #expect(try await database.prices.record(.sample(), forProduct: product, asker: nil) == .recovered(notifications: 1))
            #expect(try await database.notifications().map(\.chatID) == [77, 77])
        }
    }

    @Test("sending the link of a failing product again makes it work, if its page does")
    func sentAgain() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            _ = try await fail(database, .notFound, product, times: 6)
            let again = try await database.prices.follow(77)
            #expect(!again.isNew && !again.watch.product.isPaused && again.watch.product.failures == 0)
        }
    }

    @Test("the pause grows, and what the shop asks for in Retry-After is kept")
    func pauses() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            func wait() async throws -> Double {
                try await database.client.query("select extract(epoch from next_check_at - now())::double precision as s from products").first?["s"] ?? 0
            }
            _ = try await fail(database, .timedOut, product)
            #expect((3_590...3_640).contains(try await wait()))
            _ = try await fail(database, .timedOut, product)
            #expect((7_190...7_240).contains(try await wait()))
            _ = try await database.prices.recordFailure(PageTrouble(.blocked, retryAfter: 100_000), forProduct: product, claim: nil)
            #expect((99_990...100_040).contains(try await wait()))
            _ = try await fail(database, .parserUnavailable, product)
            #expect((3_590...3_640).contains(try await wait()))
            let shown = try #require(try await database.reader.product(product, followedBy: nil))
            #expect(shown.failures == 3 && shown.lastFailure == .blocked)
        }
    }

    @Test("of one claim one failure counts, also when its job runs twice")
    func oncePerClaim() async throws {
        try await Schema.withDatabase { database in
            _ = try await database.prices.follow(77)
            try await database.client.query("update products set next_check_at = now()")
            let check = try #require(try await database.prices.takeDueChecks(limit: 10).checks.first)
            for _ in 0..<5 { _ = try await database.prices.recordFailure(PageTrouble(.timedOut), forProduct: check.productID, claim: check.claim) }
            #expect(try await database.number("select failures::bigint as n from products") == 1)
        }
    }
}

struct Unexpected: Error {
    let what: String
    init(_ what: some Any) { self.what = "\(what)" }
}
