import Foundation
import Logging
import RedisClient
import Testing

/// The Redis server of these tests, named by APIUM_TEST_REDIS_URL.
enum TestServer {
    static let url = ProcessInfo.processInfo.environment["APIUM_TEST_REDIS_URL"]
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func configuration() throws -> RedisConfiguration {
        try RedisConfiguration(url: try #require(url))
    }

    static func connect(_ change: (inout RedisConfiguration) -> Void = { _ in }) async throws -> RedisConnection {
        var configuration = try configuration()
        change(&configuration)
        return try await RedisConnection.connect(configuration, logger: logger)
    }

    /// A name that no other test uses.
    static func unique(_ name: String) -> String { "test:\(name):\(UUID().uuidString)" }

    /// Ends the connection with that number from the server's side.
    static func kill(_ clientID: Int) async throws {
        let connection = try await connect()
        try await connection.send(RedisCommand("CLIENT", "KILL", "ID", clientID))
        await connection.close()
    }

    /// Waits until `condition` holds; fails with `name` after ten seconds.
    static func eventually(_ name: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while try await !condition() {
            try #require(ContinuousClock.now < end, "waited in vain: \(name)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// The next element of a stream; fails after ten seconds.
func next<Element: Sendable>(_ name: String, of stream: AsyncStream<Element>) async throws -> Element {
    try await withThrowingTaskGroup(of: Element?.self) { group in
        group.addTask {
            for await element in stream { return element }
            return nil
        }
        group.addTask {
            try await Task.sleep(for: .seconds(10))
            return nil
        }
        defer { group.cancelAll() }
        let element = try await group.next() ?? nil
        return try #require(element, "waited in vain: \(name)")
    }
}
