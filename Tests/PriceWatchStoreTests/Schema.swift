import Foundation
import Logging
import PostgresClient
import PriceWatchModel
import PriceWatchStore
import Synchronization
import Testing

/// A schema of its own for each test, on the server of `APIUM_TEST_POSTGRES_URL`.
enum Schema {
    static let url = ProcessInfo.processInfo.environment["APIUM_TEST_POSTGRES_URL"]

    /// So many schemas at a time, since a server has 100 connections.
    private static let gate = Gate(places: 4)

    /// Runs the body with a client whose only schema is new and empty; it is dropped afterwards.
    static func withClient<Value: Sendable>(_ body: (PostgresClient) async throws -> Value) async throws -> Value {
        let url = try #require(url)
        await gate.enter()
        defer { gate.leave() }
        let name = "test_\(UInt64.random(in: 0...UInt64.max))"
        var configuration = try PostgresClientConfiguration(url)
        configuration.sharedConnections = 1
        let owner = try PostgresClient(configuration: configuration, logger: Logger(label: "test"))
        try await owner.query("create schema \(identifier: name)")
        let separator = url.contains("?") ? "&" : "?"
        let client = try PostgresClient(
            configuration: .init(url + separator + "options=-csearch_path%3D\(name)"), logger: Logger(label: "test"))
        let result: Result<Value, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.shutdown()
        try await owner.query("drop schema \(identifier: name) cascade")
        await owner.shutdown()
        return try result.get()
    }

    /// The same, migrated.
    static func withDatabase<Value: Sendable>(_ body: (PriceWatchDatabase) async throws -> Value) async throws -> Value {
        try await withClient { client in
            _ = try await Migrator(client: client).up()
            return try await body(PriceWatchDatabase(client: client))
        }
    }
}

/// Lets so many in at a time, in the order of their coming.
private final class Gate: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(places: Int) { state = Mutex(State(free: places)) }

    func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func leave() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}

extension ProductPage {
    /// A page of the made-up shop.
    static func sample(_ minorUnits: Int64 = 129_900, url: String = "https://shop.example/p/1", currency: Currency = .rub, name: String = "Kettle")
        -> ProductPage
    {
        ProductPage(
            canonicalURL: url, name: name, price: Money(minorUnits: minorUnits, currency: currency), availability: .inStock,
            imageURL: "https://shop.example/1.png", source: "json-ld")
    }
}

extension PostgresPriceStore {
    /// Adds a watch with the tests' usual limit.
    func follow(_ chatID: Int64, _ page: ProductPage = .sample(), limit: Int = 100) async throws -> AddedWatch {
        try await addWatch(chatID: chatID, userName: "Ann", language: .russian, page: page, limit: limit)
    }
}
