import ApiumCore
import Foundation
import Logging
import RedisClient
import Testing

@testable import ApiumRedis

/// A broker on the tests' Redis server, under a key prefix of its own, with everything removed at the end.
struct Bench: Sendable {
    static let url = ProcessInfo.processInfo.environment["APIUM_TEST_REDIS_URL"]
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let configuration: RedisConfiguration
    let options: RedisBrokerOptions
    let broker: RedisBroker
    /// The results: the broker's own, or those of another prefix.
    let results: RedisResults
    /// A plain connection beside the broker.
    let redis: RedisClient
    let queue = "q"

    /// Runs `body` with a bench.
    static func with<Result: Sendable>(
        on configuration: RedisConfiguration? = nil, change: (inout RedisBrokerOptions) -> Void = { _ in },
        _ body: @Sendable (Bench) async throws -> Result
    ) async throws -> Result {
        let bench = try start(on: configuration, change: change)
        do {
            let result = try await body(bench)
            try await bench.end()
            return result
        } catch {
            try? await bench.end()
            throw error
        }
    }

    /// Makes a bench that the caller ends. By default on the tests' server, with the results on the broker.
    static func start(
        on configuration: RedisConfiguration? = nil, results other: RedisResultOptions? = nil, change: (inout RedisBrokerOptions) -> Void = { _ in }
    )
        throws -> Bench
    {
        var options = RedisBrokerOptions(globalKeyPrefix: "test:\(JobID.make()):")
        options.resultKeyPrefix = options.globalKeyPrefix
        change(&options)
        return try Bench(configuration ?? RedisConfiguration(url: try #require(url)), options, other)
    }

    private init(_ configuration: RedisConfiguration, _ options: RedisBrokerOptions, _ other: RedisResultOptions?) throws {
        self.configuration = configuration
        self.options = options
        results = RedisResults(configuration, options: other ?? options.results, logger: Self.logger)
        broker = RedisBroker(configuration, options: options, results: other == nil ? nil : results, logger: Self.logger)
        redis = RedisClient(configuration, logger: Self.logger)
    }

    /// Removes all keys and closes the connections.
    func end() async throws {
        var keys = try await allKeys()
        if results.options.keyPrefix != options.globalKeyPrefix { keys += try await allKeys(results.options.keyPrefix) }
        if !keys.isEmpty { try await redis.send(RedisCommand("DEL", arguments: keys)) }
        await results.shutdown()
        await broker.shutdown()
        await redis.shutdown()
    }

    /// All keys of this bench, without the prefix, sorted.
    func keyNames() async throws -> [String] {
        try await allKeys().map { String($0.dropFirst(options.globalKeyPrefix.count)) }.sorted()
    }

    func allKeys(_ prefix: String? = nil) async throws -> [String] {
        var cursor = 0
        var keys: [String] = []
        repeat {
            let pattern = (prefix ?? options.globalKeyPrefix) + "*"
            let answer = try await redis.send(RedisCommand("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)).asArray()
            cursor = try answer[0].asInt()
            keys += try answer[1].asArray().map { try $0.asString() }
        } while cursor != 0
        return keys
    }

    // MARK: Doing things

    static func message(_ id: String, priority: Int = 0) -> Message {
        var message = Message(headers: .init(task: "test.job", id: id), body: .init(bytes: Array("[[],{},{}]".utf8)))
        message.properties.priority = priority
        return message
    }

    func enqueue(_ ids: [String], priority: Int = 0, queue: String? = nil, after delay: Duration? = nil) async throws {
        try await broker.enqueue(ids.map { Outgoing(Self.message($0, priority: priority), to: queue ?? self.queue, after: delay) })
    }

    func session(_ name: String = "w", queues: [String]? = nil, lease: Duration = .seconds(5)) async throws -> RedisSession {
        try await broker.open(WorkerIdentity(name: "\(name)@host", pid: 1, queues: queues ?? [queue], jobs: ["test.job"], lease: lease))
    }

    /// Claims until `count` deliveries are there.
    func claim(_ count: Int, from session: RedisSession, limit: Int? = nil) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count {
            let most = min(limit ?? count, count - deliveries.count)
            deliveries += try await within("a claim of \(count)") { try await session.claim(limit: most) }.deliveries
        }
        return deliveries
    }

    /// The ids of what waits in a queue, the next to be claimed first.
    func waiting(_ queue: String? = nil, step: Int = 0) async throws -> [String] {
        let list = try await redis.send(RedisCommand("LRANGE", broker.keys.ready(queue ?? self.queue, step: step), 0, -1)).asArray()
        return try list.reversed().map { try Message(decoding: $0.asBytes()).id }
    }

    /// How often the server was given a command since its start, or the last `CONFIG RESETSTAT`: on a server of the test's own.
    func calls(_ command: String) async throws -> Int {
        let text = try await redis.send(RedisCommand("INFO", "commandstats")).asString()
        let line = text.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_\(command):calls=") }
        return line.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0 != "," }) } ?? 0
    }

    /// Waits until `condition` holds; fails with `name` after fifteen seconds.
    func eventually(_ name: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(15)
        while try await !condition() {
            try #require(ContinuousClock.now < end, "waited in vain: \(name)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

extension Delivery {
    var id: String { (try? Message(decoding: payload).id) ?? "?" }
    var message: Message { get throws { try Message(decoding: payload) } }
}

/// Runs `body`, which must end within fifteen seconds.
func within<Result: Sendable>(_ name: String, _ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(15))
            return nil
        }
        defer { group.cancelAll() }
        return try #require(try await group.next() ?? nil, "waited in vain: \(name)")
    }
}
