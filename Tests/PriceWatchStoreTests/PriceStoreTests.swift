import ApiumCore
import ApiumOutbox
import ApiumTesting
import DynamicJSON
import Foundation
import Logging
import PostgresClient
import PriceWatchJobs
import PriceWatchModel
import Testing

@testable import PriceWatchStore

private struct Unwanted: Error {}

@Suite(.enabled(if: Schema.url != nil)) struct PriceStoreTests {
    @Test("the first follower makes user, product and history; the second shares the product")
    func adding() async throws {
        try await Schema.withDatabase { database in
            let first = try await database.prices.follow(77)
            #expect(first.isNew)
            #expect(first.watch.product.price == Money(minorUnits: 129_900, currency: .rub))
            let again = try await database.prices.follow(77)
            #expect(!again.isNew)
            // The page was read again: only when it is read next may differ.
            var same = again.watch
            same.product.nextCheckAt = first.watch.product.nextCheckAt
            #expect(same == first.watch)
            let other = try await database.prices.follow(78)
            #expect(other.watch.product.id == first.watch.product.id)
            let history = try await database.reader.history(ofProduct: first.watch.product.id, followedBy: nil, limit: 10)
            #expect(history?.map(\.price.minorUnits) == [129_900])
            #expect(try await database.reader.user(ofChat: 77)?.language == .russian)
        }
    }

    @Test("many users who add the same link at once share one product and one history")
    func addingTogether() async throws {
        try await Schema.withDatabase { database in
            let products = try await withThrowingTaskGroup(of: Int64.self) { group in
                for chat in 0..<24 { group.addTask { try await database.prices.follow(Int64(chat % 12)).watch.product.id } }
                return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
            }
            #expect(products.count == 1)
            let id = try #require(products.first)
            #expect(try await database.reader.history(ofProduct: id, followedBy: nil, limit: 99)?.count == 1)
            #expect(try await database.client.query("select count(*) as n from watches").first?["n", as: Int.self] == 12)
        }
    }

    @Test("the limit of watches holds, also for links that come at once, and a refused link leaves nothing behind")
    func limit() async throws {
        try await Schema.withDatabase { database in
            let refused = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        do {
                            _ = try await database.prices.follow(77, .sample(url: "https://shop.example/p/\(number)"), limit: 3)
                            return false
                        } catch { return error as? StoreRefusal == .tooManyWatches(limit: 3) }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(refused == 3)
            let kept = try await database.reader.products(ProductQuery(limit: 99))
            #expect(kept.count == 3)
        }
    }

    @Test("a changed price is stored, enters the history and tells every follower once, in one step")
    func change() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product
            _ = try await database.prices.follow(78)
            #expect(try await database.prices.record(.sample(), forProduct: product.id, asker: nil) == .unchanged)
            let result = try await database.prices.record(.sample(99_900), forProduct: product.id, asker: nil)
            guard case .changed(let change, let notifications) = result else { throw Unwanted() }
            #expect(change.old.minorUnits == 129_900)
            #expect(change.new.minorUnits == 99_900)
            #expect(notifications == 2)
            #expect(try await database.prices.record(.sample(99_900), forProduct: product.id, asker: nil) == .unchanged)
            #expect(try await database.reader.history(ofProduct: product.id, followedBy: nil, limit: 9)?.map(\.price.minorUnits) == [99_900, 129_900])
            let batch = try await Outboxed.notifications(in: database)
            #expect(batch.map(\.chatID) == [77, 78])
            #expect(batch.allSatisfy { $0.language == .russian })
            #expect(
                batch.allSatisfy { notification in
                    guard case .priceChange(_, change) = notification.content else { return false }
                    return true
                })
            #expect(try await database.prices.queueNotifications(limit: 10) == 0)
        }
    }

    @Test("of many checks at once that see the same new price, one tells")
    func changeTogether() async throws {
        try await Schema.withDatabase { database in
            let id = try await database.prices.follow(77).watch.product.id
            let changes = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 {
                    group.addTask { if case .changed = try await database.prices.record(.sample(500), forProduct: id, asker: nil) { 1 } else { 0 } }
                }
                return try await group.reduce(0, +)
            }
            #expect(changes == 1)
            #expect(try await database.client.query("select count(*) as n from outbox").first?["n", as: Int.self] == 1)
        }
    }

    @Test("another currency is a change")
    func currency() async throws {
        try await Schema.withDatabase { database in
            let id = try await database.prices.follow(77).watch.product.id
            guard case .changed(let change, _) = try await database.prices.record(.sample(129_900, currency: .usd), forProduct: id, asker: nil) else {
                throw Unwanted()
            }
            #expect(change.new.currency == .usd)
        }
    }

    @Test("a failed check, zero and nonsense never change the stored price", arguments: [0, -5, Int64.min])
    func failures(amount: Int64) async throws {
        try await Schema.withDatabase { database in
            let id = try await database.prices.follow(77).watch.product.id
            await #expect(throws: PageTrouble(.noPrice)) { try await database.prices.record(.sample(amount), forProduct: id, asker: nil) }
            #expect(try await database.prices.recordFailure(PageTrouble(.timedOut), forProduct: id, claim: nil) == 0)
            #expect(try await database.prices.recordFailure(PageTrouble(.blocked), forProduct: id, claim: nil) == 0)
            let product = try #require(try await database.reader.product(id, followedBy: nil))
            #expect(product.price.minorUnits == 129_900)
            #expect(product.failures == 2)
            #expect(product.lastFailure == .blocked)
            #expect(try await database.reader.history(ofProduct: id, followedBy: nil, limit: 9)?.count == 1)
            _ = try await database.prices.record(.sample(), forProduct: id, asker: nil)
            #expect(try await database.reader.product(id, followedBy: nil)?.failures == 0)
        }
    }

    @Test("what nobody follows, or only a blocked chat, is not due and not told")
    func resting() async throws {
        try await Schema.withDatabase { database in
            let added = try await database.prices.follow(77)
            try await database.prices.setBlocked(chatID: 77, true)
            try await database.client.query("update products set next_check_at = now()")
            #expect(try await database.prices.takeDueChecks(limit: 10).checks.isEmpty)
            guard case .changed(_, let notifications) = try await database.prices.record(.sample(1), forProduct: added.watch.product.id, asker: nil) else {
                throw Unwanted()
            }
            #expect(notifications == 0)
            try await database.prices.setBlocked(chatID: 77, false)
            #expect(try await database.prices.removeWatch(chatID: 77, watchID: added.watch.id))
            #expect(try await database.prices.takeDueChecks(limit: 10).checks.isEmpty)
            #expect(try await database.prices.target(ofProduct: added.watch.product.id, claim: nil) == .link("https://shop.example/p/1"))
        }
    }

    @Test("another chat's watch cannot be removed or read")
    func foreign() async throws {
        try await Schema.withDatabase { database in
            let added = try await database.prices.follow(77)
            #expect(try await !database.prices.removeWatch(chatID: 78, watchID: added.watch.id))
            #expect(try await database.reader.watch(added.watch.id, ofChat: 78) == nil)
            #expect(try await database.reader.product(added.watch.product.id, followedBy: 78) == nil)
            #expect(try await database.reader.history(ofProduct: added.watch.product.id, followedBy: 78, limit: 9) == nil)
            #expect(try await database.reader.watches(ofChat: 78, after: nil, limit: 9).isEmpty)
            #expect(try await database.reader.watches(ofChat: 77, after: nil, limit: 9) == [added.watch])
        }
    }

    @Test("a change and the jobs that tell of it are one transaction, and a relay hands each over once")
    func outbox() async throws {
        try await Schema.withDatabase { database in
            let added = try await database.prices.follow(77)
            _ = try await database.prices.follow(78)
            await #expect(throws: Unwanted.self) {
                try await database.client.transaction { tx in
                    _ = try await database.prices.compare(tx, .sample(1), product: added.watch.product.id, asker: nil)
                    throw Unwanted()
                }
            }
            #expect(try await Outboxed.notifications(in: database).isEmpty)
            _ = try await database.prices.record(.sample(1), forProduct: added.watch.product.id, asker: nil)
            let ids = try await database.client.query("select id, job_key from outbox order by id").map { try PostgresPriceStore.jobID($0) }
            #expect(try await Outboxed.jobIDs(in: database) == ids && Set(ids).count == 2)
            let broker = InMemoryBroker()
            let relay = OutboxRelay(from: database.client, to: broker, logger: Logger(label: "test"))
            let relaying = Task { try await relay.run() }
            while try await broker.queueLength(Queues.notifications) < 2 { try await Task.sleep(for: .milliseconds(5)) }
            relaying.cancel()
            try await relaying.value
            let session = broker.open(WorkerIdentity(name: "bot@test", pid: 1, queues: [Queues.notifications]))
            let jobs = try await session.claim(limit: 9).deliveries.map { try Message(decoding: $0.payload) }
            #expect(jobs.map(\.id) == ids && jobs.allSatisfy { $0.task == Notify.name })
        }
    }

    @Test("a watch that is removed is not told of what no relay has handed over")
    func removedWatch() async throws {
        try await Schema.withDatabase { database in
            let added = try await database.prices.follow(77)
            _ = try await database.prices.follow(78)
            _ = try await database.prices.record(.sample(1), forProduct: added.watch.product.id, asker: nil)
            _ = try await database.prices.removeWatch(chatID: 77, watchID: added.watch.id)
            #expect(try await Outboxed.notifications(in: database).map(\.chatID) == [78])
            #expect(try await database.client.query("select count(*) as n from outbox").first?["n", as: Int.self] == 1)
        }
    }

    @Test("notifications of a blocked chat rest until it writes again, and go then under the same ids")
    func blockedChat() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77).watch.product.id
            _ = try await database.prices.record(.sample(1), forProduct: product, asker: nil)
            let before = try await Outboxed.jobIDs(in: database)
            try await database.prices.setBlocked(chatID: 77, true)
            #expect(try await Outboxed.jobIDs(in: database).isEmpty)
            #expect(try await database.prices.queueNotifications(limit: 10) == 0)
            try await database.prices.setBlocked(chatID: 77, false)
            #expect(try await database.prices.queueNotifications(limit: 10) == 1)
            #expect(try await Outboxed.jobIDs(in: database) == before && before.count == 1)
        }
    }

    @Test("the migration makes the table of the outbox as the framework says it, and gives back what was not handed over")
    func migration() async throws {
        let migration = try #require(try Migration.embedded().first { $0.name == "apium_outbox" })
        #expect(migration.up.contains(Outbox.schema))
        try await Schema.withDatabase { database in
            // As rows were when this migration was the last.
            try await database.client.query("alter table outbox alter column job_key drop default")
            let product = try await database.prices.follow(77).watch.product.id
            _ = try await database.prices.record(.sample(1), forProduct: product, asker: nil)
            #expect(try await Outboxed.jobIDs(in: database) == ["notify-1"])
            try await database.client.transaction { tx in _ = try await tx.script(migration.down) }
            #expect(try await database.client.query("select count(*) as n from outbox where published_at is null").first?["n", as: Int.self] == 1)
        }
    }

    @Test("a row that has the number of an earlier one, as after restoring a backup, has a job of another id")
    func keys() async throws {
        try await Schema.withDatabase { database in
            let store = database.prices
            let product = try await store.follow(77).watch.product.id
            var ids: [String] = []
            for price in 1...2 as ClosedRange<Int64> {
                _ = try await store.record(.sample(price), forProduct: product, asker: nil)
                ids += try await Outboxed.jobIDs(in: database)
                try await database.client.query("delete from apium_outbox")
                try await database.client.query("delete from outbox")
                try await database.client.query("alter table outbox alter column id restart with 1")
            }
            #expect(Set(ids).count == 2 && ids.allSatisfy { $0.hasPrefix("notify-1-") })
            _ = try await store.record(.sample(3), forProduct: product, asker: nil)
            let last = try #require(try Migration.embedded().first { $0.name == "notification_keys" })
            try await database.client.transaction { tx in _ = try await tx.script(last.down) }
            #expect(try await Outboxed.jobIDs(in: database).isEmpty)
            #expect(try await database.client.query("select count(*) as n from outbox where published_at is null").first?["n", as: Int.self] == 1)
        }
    }

    @Test("a delivery noted again is one; another message or a redelivery is noted as a possible double")
    func delivery() async throws {
        try await Schema.withDatabase { database in
            let id = try await database.prices.follow(77).watch.product.id
            _ = try await database.prices.record(.sample(1), forProduct: id, asker: nil)
            let outbox = try #require(try await database.client.query("select id from outbox").first?["id", as: Int64.self])
            func isMaybeTwice() async throws -> Bool? { try await database.client.query("select is_maybe_twice from outbox").first?["is_maybe_twice"] }
            try await database.prices.markDelivered(outboxID: outbox, messageID: 5, redelivered: false)
            try await database.prices.markDelivered(outboxID: outbox, messageID: 5, redelivered: false)
            #expect(try await isMaybeTwice() == false)
            try await database.prices.markDelivered(outboxID: outbox, messageID: 6, redelivered: false)
            #expect(try await isMaybeTwice() == true)
        }
    }

    @Test(
        "names with quotes, wildcards and NUL are stored and found as they are", arguments: ["100% _off_ 'x'; --", "a\0b", String(repeating: "ж", count: 5000)])
    func hostile(name: String) async throws {
        try await Schema.withDatabase { database in
            _ = try await database.prices.follow(1, .sample(url: "https://shop.example/plain", name: "Other"))
            let product = try await database.prices.follow(77, .sample(name: name)).watch.product
            #expect(!product.name.isEmpty && product.name.count <= 500)
            let found = try await database.reader.products(ProductQuery(search: name.contains("%") ? "% _OFF" : product.name, limit: 9))
            #expect(found.map(\.id) == [product.id])
        }
    }

    @Test("pages of products and watches follow each other without gaps")
    func paging() async throws {
        try await Schema.withDatabase { database in
            for number in 0..<5 { _ = try await database.prices.follow(77, .sample(url: "https://shop.example/\(number)")) }
            let first = try await database.reader.products(ProductQuery(followedBy: 77, limit: 3))
            let second = try await database.reader.products(ProductQuery(followedBy: 77, after: first.last?.id, limit: 3))
            #expect((first + second).map(\.canonicalURL) == (0..<5).map { "https://shop.example/\($0)" })
            let watches = try await database.reader.watches(ofChat: 77, after: nil, limit: 2)
            #expect(try await database.reader.watches(ofChat: 77, after: watches.last?.id, limit: 9).count == 3)
        }
    }
}

/// What stands in the table of the outbox.
private enum Outboxed {
    static func jobIDs(in database: PriceWatchDatabase) async throws -> [String] {
        try await database.client.query("select job_id from apium_outbox order by id").map { try $0["job_id"] }
    }

    static func notifications(in database: PriceWatchDatabase) async throws -> [PriceWatchModel.Notification] {
        try await database.client.query("select message from apium_outbox order by id").map { row in
            let message = try Message(decoding: Array(try row["message", as: String.self].utf8))
            return try JSONValueDecoder().decode(Notify.self, from: .object(message.arguments().kwargs)).notification
        }
    }
}
