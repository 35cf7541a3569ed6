import PostgresClient
import PriceWatchModel
import Testing

@testable import PriceWatchStore

/// Two changes that meet at one product, and what else they lock.
@Suite(.enabled(if: Schema.url != nil), .timeLimit(.minutes(2))) struct LockOrderTests {
    private enum Step: CaseIterable {
        case check, failure, removal, interval, block, settings, adding, move
    }

    private func run(_ step: Step, _ store: PostgresPriceStore, _ watch: Watch, price: Int64) async throws {
        let product = watch.product.id
        switch step {
        case .check: _ = try await store.record(.sample(price), forProduct: product, asker: nil)
        case .failure: _ = try await store.recordFailure(PageTrouble(.noPrice), forProduct: product, claim: nil)
        case .removal: _ = try await store.removeWatch(chatID: 77, watchID: watch.id)
        case .interval: _ = try await store.setInterval(chatID: 77, watchID: watch.id, seconds: 900)
        case .block: try await store.setBlocked(chatID: 77, true)
        case .settings:
            _ = try await store.changePreferences(chatID: 77, userName: "", language: nil, PreferencesChange(checkInterval: .set(Int(price % 1_000) + 600)))
        case .move: try await store.moveChat(from: 77, to: price)
        case .adding: _ = try await store.follow(77, .sample(price))
        }
    }

    /// Waits until so many sessions wait, one behind the other, for the one with this id.
    private func waiters(_ count: Int, behind holder: Int64, _ client: PostgresClient) async throws {
        let chain: PostgresQuery = """
            with recursive chain (pid) as (
                select \(holder)::integer union select a.pid from pg_stat_activity a join chain on chain.pid = any(pg_blocking_pids(a.pid)))
            select count(*) - 1 as n from chain
            """
        while try await client.query(chain).first?["n", as: Int.self] != count { await Task.yield() }
    }

    @Test("no two changes of one product wait for each other")
    func pairs() async throws {
        try await Schema.withDatabase { database in
            var plain = database.prices
            plain.retries = 0
            let store = plain
            var price: Int64 = 100_000
            for first in Step.allCases {
                for second in Step.allCases {
                    let watch = try await store.follow(77).watch
                    // A notification that no relay has handed over: removing and blocking take it back.
                    price += 1
                    _ = try await store.record(.sample(price), forProduct: watch.product.id, asker: nil)
                    let prices = (price + 1, price + 2)
                    price += 2
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        try await database.client.transaction { tx in
                            try await tx.query("select 1 from products where id = \(watch.product.id) for update")
                            let holder = try await tx.query("select pg_backend_pid()::bigint as pid").first?["pid", as: Int64.self] ?? 0
                            group.addTask { try await run(first, store, watch, price: prices.0) }
                            try await waiters(1, behind: holder, database.client)
                            group.addTask { try await run(second, store, watch, price: prices.1) }
                            try await waiters(2, behind: holder, database.client)
                        }
                        do { try await group.waitForAll() } catch { Issue.record("\(first) and \(second): \(error)") }
                    }
                }
            }
        }
    }
}
