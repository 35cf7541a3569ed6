import ApiumCore
import Logging
import NIOCore
import NIOPosix
import RedisClient

/// Celery's result documents on a Redis server: `celery-task-meta-<id>`, stored with a time to live and published under the same name.
public final class RedisResults: ResultBackend {
    /// How results are kept.
    public let options: RedisResultOptions
    let client: RedisClient
    let keys: ResultKeys
    private let subscriber: RedisSubscriber

    /// Makes a backend; it connects when it is first used.
    public init(_ configuration: RedisConfiguration, options: RedisResultOptions, logger: Logger) {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        client = RedisClient(configuration, eventLoop: eventLoop, backoff: BackoffDelay.reconnecting, logger: logger)
        subscriber = RedisSubscriber(configuration, eventLoop: eventLoop, backoff: BackoffDelay.reconnecting, logger: logger)
        keys = options.keys
        self.options = options
    }

    /// Makes a backend; it connects when it is first used.
    /// - Parameters:
    ///   - keyPrefix: Celery's `global_keyprefix` of the result backend. Default: empty.
    ///   - expires: Celery's `result_expires`; zero keeps results for ever. Default: one day.
    public convenience init(_ configuration: RedisConfiguration, keyPrefix: String = "", expires: Duration = .seconds(86_400), logger: Logger) {
        self.init(configuration, options: RedisResultOptions(keyPrefix: keyPrefix, expires: expires), logger: logger)
    }

    /// Makes a backend of a URL as Celery writes it.
    /// - Throws: ``ApiumError`` `invalidConfiguration`.
    public convenience init(url: String, keyPrefix: String = "", expires: Duration = .seconds(86_400), logger: Logger) throws {
        let configuration: RedisConfiguration
        do { configuration = try RedisConfiguration(url: url) } catch { throw RedisFailure.apiumError(error) }
        self.init(configuration, keyPrefix: keyPrefix, expires: expires, logger: logger)
    }

    /// Closes the connections; what waits fails.
    public func shutdown() async {
        await subscriber.shutdown()
        await client.shutdown()
    }

    public func store(_ document: ResultDocument) async throws {
        if options.compression != nil {
            // The script does not read compressed documents. As in Celery nothing holds a SUCCESS off that is stored right now.
            guard !options.isHiddenSuccess(try await client.reply(RedisCommand("GET", keys.task(document.id))).bytes) else { return }
        }
        try await client.reply(
            .eval(RedisScripts.store, keys: [keys.task(document.id)], options.seconds(of: document.state), options.bytes(of: document)))
    }

    public func document(for id: String) async throws -> ResultDocument? {
        try await client.reply(RedisCommand("GET", keys.task(id))).bytes.map(options.document)
    }

    public func forget(_ id: String) async throws {
        try await client.reply(RedisCommand("DEL", keys.task(id)))
    }

    /// Subscribes first and reads then, so that a result that is stored in between is not missed. After a gap it reads again.
    public func wait(for id: String, within timeout: Duration) async throws -> ResultDocument? {
        if let document = try await document(for: id), document.state.isReady { return document }
        guard timeout > .zero else { return nil }
        let events: AsyncStream<RedisSubscriptionEvent>
        do {
            events = try await subscriber.events(channels: [keys.task(id)], bufferLimit: 16)
        } catch {
            throw RedisFailure.apiumError(error)
        }
        if let document = try await document(for: id), document.state.isReady { return document }
        return try await withThrowingTaskGroup(of: ResultDocument?.self) { group in
            group.addTask { try await self.firstReady(id, of: events) }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func firstReady(_ id: String, of events: AsyncStream<RedisSubscriptionEvent>) async throws -> ResultDocument? {
        for await event in events {
            let document: ResultDocument?
            switch event {
            case .message(let message): document = try options.document(message.payload)
            case .gap: document = try await self.document(for: id)
            }
            if let document, document.state.isReady { return document }
        }
        try Task.checkCancellation()
        throw ApiumError(.unavailable, "the result backend was shut down")
    }
}
