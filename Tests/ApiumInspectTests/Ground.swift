import ApiumCore
import ApiumRedis
import ApiumTesting
import ApiumWorker
import DynamicJSON
import Foundation
import Logging
import RedisClient
import Synchronization
import Testing

@testable import ApiumInspect

/// Which broker a test runs on. Those on Redis need `APIUM_TEST_REDIS_URL`.
enum Kind: String, CaseIterable {
    case memory, redis

    static let url = ProcessInfo.processInfo.environment["APIUM_TEST_REDIS_URL"]
    /// The kinds that can be had.
    static var available: [Kind] { url == nil ? [.memory] : allCases }
}

/// A broker with a client, an inspector and jobs that end when a test says so.
struct Ground: Sendable {
    let client: ApiumClient
    var inspector: Inspector
    let registry: JobRegistry
    let gate: Gate
    /// The server, and what stands in front of every key; of a ground in memory there is none.
    private(set) var server: (redis: RedisClient, prefix: String)?
    private let end: @Sendable () async throws -> Void

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a body on a fresh ground.
    static func with(_ kind: Kind, _ body: (Ground) async throws -> Void) async throws {
        let ground = try kind == .memory ? inMemory() : onRedis()
        do {
            try await body(ground)
        } catch {
            try? await ground.end()
            throw error
        }
        try await ground.end()
    }

    private static func inMemory() -> Ground {
        let broker = InMemoryBroker()
        return Ground(ApiumClient(broker: broker, results: broker.results), Inspector(broker: broker, results: broker.results)) {}
    }

    private static func onRedis() throws -> Ground {
        let configuration = try RedisConfiguration(url: try #require(Kind.url))
        var options = RedisBrokerOptions(globalKeyPrefix: "test:\(JobID.make()):")
        options.resultKeyPrefix = options.globalKeyPrefix
        let broker = RedisBroker(configuration, options: options, logger: logger)
        let results = RedisResults(configuration, options: options.results, logger: logger)
        let redis = RedisClient(configuration, logger: logger)
        let prefix = options.globalKeyPrefix
        var ground = Ground(ApiumClient(broker: broker, results: results), Inspector(broker: broker, results: results)) {
            var cursor = 0
            repeat {
                let page = try await redis.send(RedisCommand("SCAN", cursor, "MATCH", prefix + "*", "COUNT", 1000)).asArray()
                cursor = try page[0].asInt()
                for key in try page[1].asArray() { try await redis.send(RedisCommand("DEL", try key.asString())) }
            } while cursor != 0
            await results.shutdown()
            await broker.shutdown()
            await redis.shutdown()
        }
        ground.server = (redis, prefix)
        return ground
    }

    /// Sends a command to the server; `key:` in front of an argument is filled in with the prefix.
    @discardableResult
    func redis(_ command: String, _ arguments: String...) async throws -> RESPValue {
        let server = try #require(server)
        let words = arguments.map { $0.hasPrefix("key:") ? server.prefix + $0.dropFirst(4) : $0 }
        return try await server.redis.send(RedisCommand(command, arguments: words)).checked()
    }

    private init(_ client: ApiumClient, _ inspector: Inspector, end: @escaping @Sendable () async throws -> Void) {
        self.client = client
        self.inspector = inspector
        self.inspector.patience = .seconds(10)
        self.end = end
        let gate = Gate()
        self.gate = gate
        var registry = JobRegistry()
        registry.register("shop.add") { arguments, _ in .int(arguments.args.compactMap(\.intValue).reduce(0, +)) }
        registry.register("shop.total") { _, _ in "total" }
        registry.register("shop.hold") { arguments, context in
            await gate.hold(context.id)
            return "held"
        }
        registry.register("shop.fail") { _, _ in throw JobFailure(type: "ValueError", arguments: ["no"]) }
        registry.register("shop.later") { _, _ in
            throw Retry(after: .hours(1), reason: JobFailure(type: "OSError", arguments: ["not yet"]))
        }
        self.registry = registry
    }

    /// Runs a body beside a worker, whose jobs are let go at the end.
    func working(concurrency: Int = 4, queues: [String] = ["celery"], _ body: () async throws -> Void) async throws {
        let configuration = WorkerConfiguration(name: "shop@test", queues: queues, concurrency: concurrency, gracePeriod: .seconds(5))
        try await TestWorker.run(registry, client: client, configuration: configuration) { _ in
            do { try await body() } catch {
                gate.open()
                throw error
            }
            gate.open()
        }
    }

    /// Waits until a job's standing is of a kind.
    func standing(_ id: String, _ kind: String) async throws -> Explanation {
        let end = ContinuousClock.now + .seconds(15)
        while true {
            let explanation = try await inspector.explain(id)
            if explanation.standing.kind == kind { return explanation }
            try #require(ContinuousClock.now < end, "waited in vain for \(kind): \(explanation.text(in: .english))")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// Jobs wait here until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var held: Set<String> = []
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func hold(_ id: String) async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.held.insert(id)
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits until the job of this id is held.
    func reached(_ id: String) async throws {
        let end = ContinuousClock.now + .seconds(15)
        while !state.withLock({ $0.held.contains(id) }) {
            try #require(ContinuousClock.now < end, "job \(id) never began")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// A standing of another kind than a test needs.
struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ explanation: Explanation) { description = explanation.text(in: .english) }
}
