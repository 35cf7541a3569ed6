import ApiumCore
import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization

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

    /// All of it happens within the timeout, whatever the server does. What passes is tried again until then, but for a server that
    /// is not there at the beginning: its caller learns that at once.
    public func wait(for id: String, within timeout: Duration) async throws -> ResultDocument? {
        guard timeout > .zero else { return try await ready(id) }
        let outage = Outage()
        let document = try await Deadline.run(.now + timeout) { try await self.ready(id, outage) }
        if document == nil, let error = outage.error { throw error }
        return document
    }

    /// The result if it is ready now.
    private func ready(_ id: String) async throws -> ResultDocument? {
        guard let document = try await document(for: id), document.state.isReady else { return nil }
        return document
    }

    /// Waits until the result is ready. Subscribes first and reads then, so that a result that is stored in between is not missed.
    private func ready(_ id: String, _ outage: Outage) async throws -> ResultDocument {
        do {
            if let document = try await ready(id) { return document }
        } catch {
            // A read that was cut off has found a server.
            guard RedisFailure.mayHaveBeenSent(error) else { throw error }
            outage.began(error)
        }
        var failures = 0
        while true {
            do {
                let events = try await subscriber.events(channels: [keys.task(id)], bufferLimit: 16)
                if let document = try await ready(id) { return document }
                outage.ended()
                failures = 0
                return try await firstReady(id, of: events)
            } catch {
                guard RedisFailure.isPassing(error) else { throw RedisFailure.apiumError(error) }
                outage.began(RedisFailure.apiumError(error))
                failures += 1
                try await Task.sleep(for: BackoffDelay.after(failures))
            }
        }
    }

    /// After a gap it reads again.
    private func firstReady(_ id: String, of events: AsyncStream<RedisSubscriptionEvent>) async throws -> ResultDocument {
        for await event in events {
            switch event {
            case .message(let message):
                let document = try options.document(message.payload)
                if document.state.isReady { return document }
            case .gap: if let document = try await ready(id) { return document }
            }
        }
        try Task.checkCancellation()
        throw ApiumError(.unavailable, "the result backend was shut down")
    }

    /// Why the server could not be asked the last time, if it could not.
    private final class Outage: Sendable {
        private let last = Mutex<(any Error)?>(nil)

        var error: (any Error)? { last.withLock { $0 } }
        func began(_ error: any Error) { last.withLock { $0 = error } }
        func ended() { last.withLock { $0 = nil } }
    }
}
