import Foundation
import Logging
import PostgresClient
import Testing

/// The server the tests may use, from `APIUM_TEST_POSTGRES_URL`.
enum Server {
    static let url = ProcessInfo.processInfo.environment["APIUM_TEST_POSTGRES_URL"]

    /// Runs the body with a client that is shut down afterwards.
    static func withClient<Value: Sendable>(
        _ change: (inout PostgresClientConfiguration) -> Void = { _ in }, _ body: (PostgresClient) async throws -> Value
    ) async throws -> Value {
        var configuration = try PostgresClientConfiguration(try #require(url))
        change(&configuration)
        let client = try PostgresClient(configuration: configuration, logger: Logger(label: "test"))
        do {
            let value = try await body(client)
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Runs the body with a client and the name of a new table with columns id and name, dropped afterwards.
    static func withTable(
        _ change: (inout PostgresClientConfiguration) -> Void = { _ in }, _ body: (PostgresClient, String) async throws -> Void
    ) async throws {
        try await withClient(change) { client in
            let table = "test_\(UInt64.random(in: 0...UInt64.max))"
            try await client.query("create table \(identifier: table) (id bigint primary key, name text not null)")
            do { try await body(client, table) } catch {
                _ = try? await client.query("drop table \(identifier: table)")
                throw error
            }
            try await client.query("drop table \(identifier: table)")
        }
    }
}

/// Runs the body and fails, by name, when it takes longer than it may.
@discardableResult
func within<Value: Sendable>(_ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw TimedOut(what: what, limit: limit)
        }
        return value
    }
}

struct TimedOut: Error { let what: String, limit: Duration }

/// The error that the body throws, when it is a `PostgresError`.
func postgresError(_ body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PostgresError
    }
}
