import ApiumCore
import ApiumTesting
import ApiumWorker
import DynamicJSON
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import PriceWatchJobs
import PriceWatchModel
import Synchronization
import Testing

@testable import PriceWatchAPI

/// The API in memory: fakes for the ports, the in-memory broker, and a worker if a test wants one.
struct Bench: Sendable {
    static let serviceToken = "service-token-of-the-tests-0123456789"

    let world = World()
    let broker: InMemoryBroker
    let api: PriceWatchAPI
    let client: ApiumClient

    init(
        rateLimit: RateLimit = RateLimit(perSecond: 1000, burst: 1000), chatDeadline: Duration = .seconds(20), queueLimits: [String: Int] = [:],
        router: ApiumCore.Router = ApiumCore.Router()
    ) {
        broker = InMemoryBroker(queueLimits: queueLimits)
        client = ApiumClient(broker: broker, results: broker.results, router: router)
        let services = APIServices(
            reader: FakeReader(world: world), tokens: FakeTokens(world: world), apium: client, inspector: Self.inspector(broker),
            parser: FakeParser(world: world),
            readiness: [ReadinessCheck("part") { [world] in guard world.read({ $0.isReady }) else { throw ParseFailure.unreachable } }],
            metrics: { "up 1\n" })
        api = PriceWatchAPI(
            services: services,
            configuration: APIConfiguration(serviceToken: Self.serviceToken, rateLimit: rateLimit, serviceRateLimit: rateLimit, chatDeadline: chatDeadline))
    }

    /// Adds a token and answers its text.
    func token(_ scopes: Set<APIScope>, chat: Int64? = nil, jobs: [String] = [], queues: [String] = []) -> String {
        let (text, hash) = TokenText.make()
        world.change {
            let allowance = JobAllowance(jobs: Set(jobs.compactMap(JobNamePattern.init)), queues: Set(queues.compactMap(QueueName.init)))
            $0.tokens[hash] = APIToken(id: Int64($0.tokens.count + 1), name: "t\($0.tokens.count)", scopes: scopes, chatID: chat, allowance: allowance)
        }
        return text
    }

    /// Sends a request as the server would hand it on, and checks the answer against the OpenAPI document.
    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ target: String, token: String? = Bench.serviceToken, json: JSONValue? = nil, body: [UInt8]? = nil,
        headers: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Reply {
        var fields = HTTPFields()
        if let token { fields[.authorization] = "Bearer \(token)" }
        let bytes = json?.encoded() ?? body
        if json != nil { fields[.contentType] = "application/json" }
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        let head = HTTPRequest(method: method, scheme: "http", authority: "test", path: target, headerFields: fields)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: bytes ?? [])))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let context = APIContext(source: ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: logger))
        let response = try await api.responder.respond(to: request, context: context)
        let collected = Collected()
        try await response.body.write(Collector(collected: collected))
        let reply = Reply(status: response.status.code, headers: response.headers, bytes: collected.bytes)
        if method != .head { Description(api.openAPI).check(reply, method, target, sourceLocation) }
        return reply
    }

    /// Runs a worker of the real jobs on fake ports beside the body.
    func withWorker(_ body: () async throws -> Void) async throws {
        var registry = JobRegistry()
        registry.registerPriceWatchJobs(using: PriceWatchServices(store: FakeStore(world: world), parser: FakeParser(world: world)))
        let worker = try Worker(
            client: client, registry: registry, configuration: WorkerConfiguration(name: "w@test", queues: Queues.served, gracePeriod: .seconds(1)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await worker.run() }
        do {
            try await body()
        } catch {
            running.cancel()
            _ = await running.result
            throw error
        }
        running.cancel()
        _ = await running.result
    }
}

/// An answer.
struct Reply: Sendable {
    var status: Int
    var headers: HTTPFields
    var bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
    var code: String? { json["error"]?["code"]?.stringValue }
    var message: String? { json["error"]?["message"]?.stringValue }
    var field: String? { json["error"]?["field"]?.stringValue }
    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
}

final class Collected: Sendable {
    private let buffer = Mutex<[UInt8]>([])
    var bytes: [UInt8] { buffer.withLock { $0 } }
    func add(_ part: ByteBuffer) { buffer.withLock { $0 += Array(part.readableBytesView) } }
}

struct Collector: ResponseBodyWriter {
    let collected: Collected
    mutating func write(_ buffer: ByteBuffer) async throws { collected.add(buffer) }
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// What the fakes hold.
final class World: Sendable {
    struct State {
        var products: [Product] = []
        var watches: [(chat: Int64, watch: Watch)] = []
        var points: [Int64: [PricePoint]] = [:]
        var users: [Int64: User] = [:]
        var preferences: [Int64: UserPreferences] = [:]
        var tokens: [[UInt8]: APIToken] = [:]
        var tokenLookups = 0
        var pages: [String: Result<ProductPage, ParseFailure>] = [:]
        var isReady = true
        var isBroken = false
    }

    private let state = Mutex(State())

    func read<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
    @discardableResult
    func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    /// Adds a product with two prices, followed by these chats; answers the watches' ids.
    @discardableResult
    func addProduct(_ id: Int64, name: String, followedBy chats: [Int64] = []) -> [Int64] {
        change { state in
            let price = Money(minorUnits: 129_900, currency: .rub)
            let product = Product(id: id, canonicalURL: "https://shop.example/\(id)", name: name, price: price, availability: .inStock, imageURL: nil)
            state.products.append(product)
            state.points[id] = [
                PricePoint(price: price, availability: .inStock, seenAt: 2_000_000), PricePoint(price: price, availability: .unknown, seenAt: 1_000_000),
            ]
            return chats.map { chat in
                let watch = Watch(id: Int64(state.watches.count + 1), userID: chat.magnitude > 0 ? 1 : 2, product: product)
                state.watches.append((chat, watch))
                return watch.id
            }
        }
    }
}

struct Broken: Error {}

struct FakeReader: PriceReader {
    let world: World

    private func guarded() throws { if world.read({ $0.isBroken }) { throw Broken() } }

    private func visible(_ id: Int64, _ chat: Int64?) -> Bool {
        guard let chat else { return true }
        return world.read { state in state.watches.contains { $0.chat == chat && $0.watch.product.id == id } }
    }

    func products(_ query: ProductQuery) async throws -> [Product] {
        try guarded()
        return Array(
            world.read { $0.products }.filter { product in
                product.id > query.after ?? 0 && visible(product.id, query.followedBy)
                    && (query.search.map { product.name.lowercased().contains($0.lowercased()) } ?? true)
            }.prefix(query.limit))
    }

    func product(_ id: Int64, followedBy chatID: Int64?) async throws -> Product? {
        try guarded()
        return world.read { $0.products }.first { $0.id == id && visible(id, chatID) }
    }

    func history(ofProduct id: Int64, followedBy chatID: Int64?, limit: Int) async throws -> [PricePoint]? {
        guard visible(id, chatID) else { return nil }
        return world.read { $0.points[id] }.map { Array($0.prefix(limit)) }
    }

    func watches(ofChat chatID: Int64, after: Int64?, limit: Int) async throws -> [Watch] {
        Array(world.read { state in state.watches.filter { $0.chat == chatID && $0.watch.id > after ?? 0 }.map(\.watch) }.prefix(limit))
    }

    func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch? {
        world.read { state in state.watches.first { $0.chat == chatID && $0.watch.id == id }?.watch }
    }

    func user(ofChat chatID: Int64) async throws -> User? { world.read { $0.users[chatID] } }

    func preferences(ofChat chatID: Int64) async throws -> UserPreferences { world.read { $0.preferences[chatID] ?? UserPreferences() } }
}

struct FakeTokens: APITokenStore {
    let world: World

    func token(sha256: [UInt8]) async throws -> APIToken? {
        world.change {
            $0.tokenLookups += 1
            return $0.tokens[sha256]
        }
    }

    func addToken(_ token: APIToken, sha256: [UInt8]) async throws -> APIToken { token }
    func revokeToken(named name: String) async throws -> Bool { false }
    func tokens() async throws -> [APIToken] { [] }
}

struct FakeParser: ProductParser {
    let world: World

    func parse(_ link: String, within deadline: Duration) async throws(PageTrouble) -> ProductPage {
        switch world.read({ $0.pages[link] }) {
        case .success(let page)?: return page
        case .failure(let failure)?: throw PageTrouble(failure)
        case nil: throw PageTrouble(.notFound)
        }
    }
}

/// The store under the jobs, as far as these tests need it.
struct FakeStore: JobStore {
    let world: World

    func addWatch(chatID: Int64, userName: String, language: Language?, page: ProductPage, limit: Int) async throws -> AddedWatch {
        if let known = world.read({ state in state.watches.first { $0.chat == chatID && $0.watch.product.canonicalURL == page.canonicalURL }?.watch }) {
            return AddedWatch(watch: known, isNew: false)
        }
        if world.read({ state in state.watches.count { $0.chat == chatID } }) >= 2 { throw StoreRefusal.tooManyWatches(limit: 2) }
        return world.change { state in
            let id = Int64(state.products.count + 1)
            let product = Product(id: id, canonicalURL: page.canonicalURL, name: page.name, price: page.price, availability: page.availability, imageURL: nil)
            state.products.append(product)
            let watch = Watch(id: Int64(state.watches.count + 1), userID: 1, product: product)
            state.watches.append((chatID, watch))
            return AddedWatch(watch: watch, isNew: true)
        }
    }

    func removeWatch(chatID: Int64, watchID: Int64) async throws -> Bool {
        world.change { state in
            let count = state.watches.count
            state.watches.removeAll { $0.chat == chatID && $0.watch.id == watchID }
            return state.watches.count < count
        }
    }

    func setLanguage(chatID: Int64, userName: String, language: Language) async throws {
        world.change { $0.users[chatID] = User(id: 1, chatID: chatID, name: userName, language: language) }
    }

    func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws { world.change { $0.users[chatID]?.isBlocked = isBlocked } }
    func moveChat(from old: Int64, to new: Int64) async throws {
        world.change { state in
            for index in state.watches.indices where state.watches[index].chat == old { state.watches[index].chat = new }
        }
    }
    func takeDueChecks(limit: Int) async throws -> DueChecks { DueChecks(checks: [], taken: 0) }
    func target(ofProduct id: Int64, claim: Int64?) async throws -> CheckTarget { .gone }
    func record(_ page: ProductPage, forProduct id: Int64, asker: Int64?) async throws -> CheckResult { .unchanged }
    func recordFailure(_ trouble: PageTrouble, forProduct id: Int64, claim: Int64?) async throws -> Int { 0 }
    func writeDigests(limit: Int) async throws -> Int { 0 }
    func rollUpHistory(keepingDays days: Int, limit: Int) async throws -> Int { 0 }
    func prune(keepingDays days: Int, limit: Int) async throws -> Int { 0 }
    func forgetUnknownZones() async throws -> Int { 0 }

    func changePreferences(chatID: Int64, userName: String, language: Language?, _ change: PreferencesChange) async throws -> UserPreferences {
        if change.timeZone == .set("Moon/Crater") { throw StoreRefusal.unknownTimeZone("Moon/Crater") }
        return world.change { state in
            let new = change.applied(to: state.preferences[chatID] ?? UserPreferences())
            state.preferences[chatID] = new
            return new
        }
    }

    func setInterval(chatID: Int64, watchID: Int64, seconds: Int?) async throws -> Watch? {
        world.change { state in
            guard let index = state.watches.firstIndex(where: { $0.chat == chatID && $0.watch.id == watchID }) else { return nil }
            state.watches[index].watch.checkInterval = seconds
            return state.watches[index].watch
        }
    }

    func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch? { try await FakeReader(world: world).watch(id, ofChat: chatID) }

    func queueNotifications(limit: Int) async throws -> Int { 0 }
    func restNotification(outboxID: Int64, job: String) async throws {}
    func markDelivered(outboxID: Int64, messageID: Int64?, redelivered: Bool) async throws {}
}

extension ProductPage {
    static func sample(_ name: String) -> ProductPage {
        ProductPage(canonicalURL: "https://shop.example/\(name)", name: name, price: Money(minorUnits: 5000, currency: .eur), source: "json-ld")
    }
}
