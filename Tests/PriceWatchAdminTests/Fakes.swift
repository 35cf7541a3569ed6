import ApiumCore
import ApiumInspect
import ApiumTesting
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PriceWatchModel
import Synchronization

@testable import PriceWatchAdmin

/// The ports in memory, and what was asked of them.
final class FakeStore: AdminTables, AdminAccounts, AdminSessions {
    struct State {
        var rows: [AdminTable: [AdminRow]] = [:]
        var changes: [(table: AdminTable, id: Int64, changes: [String: AdminValue], actor: AdminActor)] = []
        var records: [(action: String, target: String)] = []
        var sessions: [[UInt8]: Int64] = [:]
        var authentications = 0
        var refusal: AdminRefusal?
        var lastQuery: AdminQuery?
    }

    let state = Mutex(State())
    let accounts = [
        "ann": AdminAccount(id: 1, name: "ann", role: .editor), "vic": AdminAccount(id: 2, name: "vic", role: .viewer),
    ]

    func list(_ table: AdminTable, _ query: AdminQuery) async throws -> AdminPage {
        state.withLock { state in
            state.lastQuery = query
            let rows = state.rows[table] ?? []
            return AdminPage(rows: Array(rows.dropFirst(query.offset).prefix(query.limit)), total: rows.count)
        }
    }

    func row(_ table: AdminTable, id: Int64) async throws -> AdminRow? { state.withLock { $0.rows[table]?.first { $0.id == id } } }

    func update(_ table: AdminTable, id: Int64, version: String, changes: [String: AdminValue], by actor: AdminActor) async throws {
        try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            state.changes.append((table, id, changes, actor))
        }
    }

    func create(_ table: AdminTable, values: [String: AdminValue], by actor: AdminActor) async throws -> Int64 {
        try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            state.changes.append((table, 99, values, actor))
            return 99
        }
    }

    func delete(_ table: AdminTable, id: Int64, version: String, by actor: AdminActor) async throws {
        state.withLock { $0.changes.append((table, id, [:], actor)) }
    }

    func record(action: String, target: String, detail: String?, by actor: AdminActor) async throws { state.withLock { $0.records.append((action, target)) } }

    func authenticate(name: String, password: String) async throws -> AdminAccount? {
        state.withLock { $0.authentications += 1 }
        return password == "right horse" ? accounts[name.lowercased()] : nil
    }

    func createAccount(name: String, password: String, role: AdminRole) async throws -> AdminAccount? { nil }
    func createFirstAccount(name: String, password: String) async throws -> AdminAccount? { nil }
    func setPassword(name: String, password: String) async throws -> Bool { false }

    func openSession(tokenHash: [UInt8], account: Int64) async throws { state.withLock { $0.sessions[tokenHash] = account } }

    func session(tokenHash: [UInt8], idle: Duration, age: Duration) async throws -> AdminAccount? {
        let id = state.withLock { $0.sessions[tokenHash] }
        return accounts.values.first { $0.id == id }
    }

    func isOpen(tokenHash: [UInt8], idle: Duration, age: Duration) async throws -> Bool { state.withLock { $0.sessions[tokenHash] != nil } }

    func closeSession(tokenHash: [UInt8]) async throws { state.withLock { $0.sessions[tokenHash] = nil } }
}

/// A page as a test sees it.
struct Page {
    var status: Int
    var text: String
    var headers: HTTPFields
    var location: String? { headers[.location] }
    var cookies: [String] { headers[values: .setCookie] }

    /// The form token of the page.
    var csrf: String {
        guard let range = text.range(of: "name=\"csrf\" value=\"") else { return "" }
        return String(text[range.upperBound...].prefix { $0 != "\"" })
    }
}

/// A browser with its cookies, before a panel on fakes.
final class Browser: Sendable {
    let store = FakeStore()
    let broker = InMemoryBroker()
    let panel: AdminPanel
    private let cookies = Mutex<[String: String]>([:])

    init(publicURL: String = "http://shop.test") throws {
        let checked = CheckedProducts()
        self.products = checked
        var panel = try AdminPanel(
            services: AdminServices(
                tables: store, accounts: store, sessions: store, apium: ApiumClient(broker: broker, results: broker.results),
                inspector: Inspector(broker: broker, results: broker.results), queues: ["checks"]
            ) { checked.add($0) }, publicURL: publicURL)
        panel.streamInterval = .milliseconds(20)
        self.panel = panel
    }

    let products: CheckedProducts

    func get(_ path: String) async throws -> Page { try await send(.get, path, body: nil, type: nil) }

    func post(_ path: String, _ form: [String: String], type: String = "application/x-www-form-urlencoded") async throws -> Page {
        try await send(.post, path, body: form.map { FormText.encode($0.key) + "=" + FormText.encode($0.value) }.joined(separator: "&"), type: type)
    }

    /// Signs in and answers the session's form token.
    @discardableResult
    func signIn(_ name: String = "ann") async throws -> String {
        let login = try await get("/admin/login")
        _ = try await post("/admin/login", ["csrf": login.csrf, "name": name, "password": "right horse"])
        return try await get("/admin").csrf
    }

    func cookie(_ name: String) -> String? { cookies.withLock { $0[name] } }
    func setCookie(_ name: String, _ value: String) { cookies.withLock { $0[name] = value } }

    private func send(_ method: HTTPRequest.Method, _ path: String, body: String?, type: String?) async throws -> Page {
        let response = await respond(method, path, body: body, type: type)
        let collector = BodyCollector()
        try await response.body.write(CollectingWriter(collector: collector))
        return Page(status: response.status.code, text: collector.text, headers: response.headers)
    }

    /// Reads a stream of events beside a body, which is given what has come so far.
    func follow(_ path: String, _ body: (BodyCollector) async throws -> Void) async throws -> Page {
        let response = await respond(.get, path, body: nil, type: nil)
        let collector = BodyCollector()
        let reading = Task { try await response.body.write(CollectingWriter(collector: collector)) }
        do {
            try await body(collector)
        } catch {
            reading.cancel()
            throw error
        }
        try await reading.value
        return Page(status: response.status.code, text: collector.text, headers: response.headers)
    }

    private func respond(_ method: HTTPRequest.Method, _ path: String, body: String?, type: String?) async -> Response {
        var head = HTTPRequest(method: method, scheme: nil, authority: "shop.test", path: path)
        head.headerFields[.cookie] = cookies.withLock { $0.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") }
        if let type { head.headerFields[.contentType] = type }
        let request = Request(head: head, body: .init(buffer: ByteBuffer(string: body ?? "")))
        let response = await panel.respond(to: request, address: "192.0.2.7", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        for cookie in response.headers[values: .setCookie] {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            cookies.withLock { $0[String(pair[0])] = pair.count == 2 && !pair[1].isEmpty ? String(pair[1]) : nil }
        }
        return response
    }
}

/// The products whose check was asked for.
final class CheckedProducts: Sendable {
    private let ids = Mutex<[Int64]>([])
    func add(_ id: Int64) { ids.withLock { $0.append(id) } }
    var all: [Int64] { ids.withLock { $0 } }
}

/// What has come of a body.
final class BodyCollector: Sendable {
    private let buffer = Mutex(ByteBuffer())
    func add(_ part: ByteBuffer) { buffer.withLock { _ = $0.writeImmutableBuffer(part) } }
    var text: String { buffer.withLock { String(buffer: $0) } }
}

private struct CollectingWriter: ResponseBodyWriter {
    let collector: BodyCollector
    mutating func write(_ buffer: ByteBuffer) async throws { collector.add(buffer) }
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
