import Apium
import ApiumConfiguration
import ApiumTesting
import ApiumWorker
import Foundation
import Logging
import RedisClient
import Testing

/// Where an example runs: in memory always, and on Redis where `APIUM_TEST_REDIS_URL` names a server.
enum Place: String, Sendable, CustomTestStringConvertible {
    case memory, redis

    static let url = ProcessInfo.processInfo.environment["APIUM_TEST_REDIS_URL"]
    static var all: [Place] { url == nil ? [.memory] : [.memory, .redis] }

    var testDescription: String { rawValue }

    /// Runs the body beside a worker with these jobs; on Redis everything is under a prefix of its own, and removed at the end.
    func run(_ registry: JobRegistry, queues: [String] = ["celery"], concurrency: Int = 4, _ body: (ApiumClient) async throws -> Void) async throws {
        let configuration = WorkerConfiguration(name: "example@localhost", queues: queues, concurrency: concurrency)
        switch self {
        case .memory: try await TestWorker.run(registry, configuration: configuration, body)
        case .redis:
            let bench = try RedisBench(url: try #require(Self.url))
            do {
                try await TestWorker.run(registry, client: bench.connection.client, configuration: configuration, body)
            } catch {
                try? await bench.end()
                throw error
            }
            try await bench.end()
        }
    }
}

/// Keys of an example's own on the tests' Redis.
private struct RedisBench {
    let connection: ApiumConnection
    private let settings: ApiumSettings
    private static let logger = Logger(label: "example") { _ in SwiftLogNoOpLogHandler() }

    init(url: String) throws {
        var settings = ApiumSettings()
        settings.brokerURL = url
        settings.brokerOptions.globalKeyPrefix = "example:\(JobID.make()):"
        settings.resultOptions.globalKeyPrefix = settings.brokerOptions.globalKeyPrefix
        self.settings = settings
        connection = try settings.connect(logger: Self.logger)
    }

    func end() async throws {
        await connection.shutdown()
        let redis = RedisClient(try settings.brokerConfiguration(), logger: Self.logger)
        var cursor = 0
        repeat {
            let answer = try await redis.send(RedisCommand("SCAN", cursor, "MATCH", settings.brokerOptions.globalKeyPrefix + "*", "COUNT", 1000)).asArray()
            cursor = try answer[0].asInt()
            let keys = try answer[1].asArray().map { try $0.asString() }
            if !keys.isEmpty { try await redis.send(RedisCommand("DEL", arguments: keys)) }
        } while cursor != 0
        await redis.shutdown()
    }
}
