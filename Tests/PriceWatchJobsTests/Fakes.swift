import ApiumCore
import ApiumTesting
import ApiumWorker
import PriceWatchJobs
import PriceWatchModel
import Synchronization

/// The store as far as the jobs of the schedule need it: what was called, and answers that a test sets.
final class ScriptedStore: JobStore {
    struct State {
        var due: [DueChecks.Check] = []
        var targets: [Int64: CheckTarget] = [:]
        var result: CheckResult = .unchanged
        var recorded: [Int64] = []
        var failures: [(product: Int64, trouble: PageTrouble, claim: Int64?)] = []
        var watches: [Int64: (chat: Int64, watch: Watch)] = [:]
        var preferences = UserPreferences()
        /// What is left to roll up, to prune, and of digests to write.
        var oldPoints = 0
        var oldRows = 0
        var digests = 0
        /// Notifications that rest, and those that were put to rest.
        var resting = 0
        var rested: [(row: Int64, job: String)] = []
        var unknownZones = 0
        var batches = 0
    }

    let state = Mutex(State())

    func takeDueChecks(limit: Int) async throws -> DueChecks {
        state.withLock { state in
            let taken = Array(state.due.prefix(limit))
            state.due.removeFirst(taken.count)
            return DueChecks(checks: taken, taken: taken.count)
        }
    }

    func target(ofProduct id: Int64, claim: Int64?) async throws -> CheckTarget { state.withLock { $0.targets[id] ?? .gone } }

    func record(_ page: ProductPage, forProduct id: Int64, asker: Int64?) async throws -> CheckResult {
        state.withLock { state in
            state.recorded.append(id)
            return state.result
        }
    }

    func recordFailure(_ trouble: PageTrouble, forProduct id: Int64, claim: Int64?) async throws -> Int {
        state.withLock { state in
            state.failures.append((id, trouble, claim))
            return 0
        }
    }

    func queueNotifications(limit: Int) async throws -> Int { take(limit, \.resting) }
    func restNotification(outboxID: Int64, job: String) async throws { state.withLock { $0.rested.append((outboxID, job)) } }

    func forgetUnknownZones() async throws -> Int {
        state.withLock { state in
            defer { state.unknownZones = 0 }
            return state.unknownZones
        }
    }

    func changePreferences(chatID: Int64, userName: String, language: Language?, _ change: PreferencesChange) async throws -> UserPreferences {
        if change.timeZone == .set("Moon/Crater") { throw StoreRefusal.unknownTimeZone("Moon/Crater") }
        return state.withLock { state in
            state.preferences = change.applied(to: state.preferences)
            return state.preferences
        }
    }

    func setInterval(chatID: Int64, watchID: Int64, seconds: Int?) async throws -> Watch? {
        state.withLock { state in
            guard state.watches[watchID]?.chat == chatID else { return nil }
            state.watches[watchID]?.watch.checkInterval = seconds
            return state.watches[watchID]?.watch
        }
    }

    func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch? {
        state.withLock { state in state.watches[id].flatMap { $0.chat == chatID ? $0.watch : nil } }
    }

    func writeDigests(limit: Int) async throws -> Int { take(limit, \.digests) }
    func rollUpHistory(keepingDays days: Int, limit: Int) async throws -> Int { take(limit, \.oldPoints) }
    func prune(keepingDays days: Int, limit: Int) async throws -> Int { take(limit, \.oldRows) }

    private func take(_ limit: Int, _ count: any WritableKeyPath<State, Int> & Sendable) -> Int {
        state.withLock { state in
            state.batches += 1
            let taken = min(limit, state[keyPath: count])
            state[keyPath: count] -= taken
            return taken
        }
    }

    func addWatch(chatID: Int64, userName: String, language: Language?, page: ProductPage, limit: Int) async throws -> AddedWatch {
        throw StoreRefusal.tooManyWatches(limit: 0)
    }
    func removeWatch(chatID: Int64, watchID: Int64) async throws -> Bool { false }
    func setLanguage(chatID: Int64, userName: String, language: Language) async throws {}
    func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws {}
    func moveChat(from old: Int64, to new: Int64) async throws {}
    func markDelivered(outboxID: Int64, messageID: Int64?, redelivered: Bool) async throws {}
}

/// Pages by link.
final class ScriptedParser: ProductParser {
    let pages: Mutex<[String: Result<ProductPage, PageTrouble>]>
    let fetches = Mutex<[String]>([])

    init(_ pages: [String: Result<ProductPage, PageTrouble>] = [:]) { self.pages = Mutex(pages) }

    func parse(_ link: String, within deadline: Duration) async throws(PageTrouble) -> ProductPage {
        fetches.withLock { $0.append(link) }
        guard let page = pages.withLock({ $0[link] }) else { throw PageTrouble(.notFound) }
        return try page.get()
    }
}

/// The jobs of the worker on the broker in memory.
struct JobBench {
    let store = ScriptedStore()
    let parser: ScriptedParser
    var rules = PriceWatchServices.Rules()

    init(_ pages: [String: Result<ProductPage, PageTrouble>] = [:]) { parser = ScriptedParser(pages) }

    static let configuration = WorkerConfiguration(name: "test@localhost", queues: Queues.served, concurrency: 4)

    func run<Outcome: Sendable>(_ body: (ApiumClient) async throws -> Outcome) async throws -> Outcome {
        var registry = JobRegistry()
        registry.registerPriceWatchJobs(using: PriceWatchServices(store: store, parser: parser, rules: rules))
        return try await TestWorker.run(registry, configuration: Self.configuration, body)
    }
}

extension ProductPage {
    static let kettle = ProductPage(
        canonicalURL: "https://shop.example/1", name: "Kettle", price: Money(minorUnits: 199_000, currency: .rub), source: "json-ld")
}

extension Watch {
    static let kettle = Watch(
        id: 4, userID: 1,
        product: Product(
            id: 1, canonicalURL: "https://shop.example/1", name: "Kettle", price: ProductPage.kettle.price, availability: .inStock, imageURL: nil))
}
