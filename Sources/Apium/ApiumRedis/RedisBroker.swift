import ApiumCore
import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// Celery's queues on a Redis server, with in-flight records and leases of our own beside them.
///
/// What is where stands in ``RedisKeys``; each step is one script of `Lua/`. Needs Redis 6.2 or later, or Valkey; not a cluster.
public final class RedisBroker: Broker {
    /// The server.
    public let configuration: RedisConfiguration
    /// How it is used.
    public let options: RedisBrokerOptions
    /// The names of everything on it.
    public let keys: RedisKeys
    /// Where the results of lost jobs go when another server keeps them.
    let otherResults: (any ResultBackend)?
    let logger: Logger
    /// Commands of all callers.
    let client: RedisClient
    /// Enqueues: a connection on which nothing else is under way answers a single one soonest.
    let producing: RedisClient
    /// Connections for enqueues that wait for a confirmation.
    let confirming: ConfirmingLanes
    /// What goes along with the next renewal of a lease.
    let passing = PassingCommand()
    /// The control channel.
    let subscriber: RedisSubscriber
    /// A thread of the broker's own: nothing a job does on the shared event loops can hold up a lease.
    let group: MultiThreadedEventLoopGroup
    let executor: EventLoopTaskExecutor
    /// What exchanges were bound to lately.
    let bindings = BindingCache()
    /// The queues of the declared bindings that have an `x-expires`.
    let expiringQueues: [String: Duration]
    private let checked = Mutex(false)

    /// Makes a broker; it connects when it is first used.
    /// - Parameter results: Where results are kept, when that is another server or database: those of jobs whose worker was lost are
    ///   stored there, and completions bring none. Default: `nil`, this server, under ``RedisBrokerOptions/results``.
    public init(
        _ configuration: RedisConfiguration, options: RedisBrokerOptions = RedisBrokerOptions(), results: (any ResultBackend)? = nil, logger: Logger
    ) {
        self.configuration = configuration
        self.options = options
        otherResults = results
        self.logger = logger
        keys = RedisKeys(prefix: options.globalKeyPrefix, prioritySteps: options.prioritySteps, separator: options.separator)
        expiringQueues = Dictionary(options.declaredBindings.compactMap { binding in binding.expires.map { (binding.queue, $0) } }) { $1 }
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        executor = EventLoopTaskExecutor(group.next())
        client = RedisClient(configuration, eventLoop: group.next(), backoff: BackoffDelay.reconnecting, logger: logger)
        producing = RedisClient(configuration, eventLoop: group.next(), backoff: BackoffDelay.reconnecting, logger: logger)
        subscriber = RedisSubscriber(configuration, eventLoop: group.next(), backoff: BackoffDelay.reconnecting, logger: logger) {
            TickGrid.delay(.seconds(15), tick: .seconds(1), at: .now())
        }
        confirming = ConfirmingLanes(limit: options.confirmingConnections) { [group] in
            RedisClient(configuration, eventLoop: group.next(), backoff: BackoffDelay.reconnecting, logger: logger)
        }
    }

    /// Makes a broker of a URL as Celery writes it; see `RedisConfiguration.init(url:)`.
    /// - Throws: ``ApiumError`` `invalidConfiguration`.
    public convenience init(url: String, options: RedisBrokerOptions = RedisBrokerOptions(), logger: Logger) throws {
        let configuration: RedisConfiguration
        do { configuration = try RedisConfiguration(url: url) } catch { throw RedisFailure.apiumError(error) }
        self.init(configuration, options: options, logger: logger)
    }

    /// Closes all connections. Sessions must be closed before.
    public func shutdown() async {
        await subscriber.shutdown()
        await confirming.shutdown()
        await producing.shutdown()
        await client.shutdown()
        try? await group.shutdownGracefully()
    }

    // MARK: Clock and queues

    public func serverTime() async throws -> Timestamp {
        let parts = try await client.reply(RedisCommand("TIME")).asArray()
        guard parts.count == 2 else { throw ApiumError(.notAvailable, "TIME answered \(parts.count) parts, not seconds and microseconds") }
        return Timestamp(microseconds: Int64(try parts[0].asInt()) * 1_000_000 + Int64(try parts[1].asInt()))
    }

    public func queueLength(_ queue: String) async throws -> Int {
        try await client.replies(keys.ready(queue).map { RedisCommand("LLEN", $0) }).reduce(0) { $0 + ($1.int ?? 0) }
    }

    // MARK: Sessions

    public var controlTransport: (any ControlTransport)? { RedisControl(broker: self) }

    public var eventTransport: (any EventTransport)? { RedisEvents(broker: self) }

    public func openSession(_ identity: WorkerIdentity) async throws -> any BrokerSession {
        try await open(identity)
    }

    /// Opens a session, as its own type.
    func open(_ identity: WorkerIdentity) async throws -> RedisSession {
        try await checkServer()
        let session = RedisSession(broker: self, identity: identity)
        try await session.register()
        return session
    }

    /// Refuses a server that can't do what the engine needs, before anything is written to it.
    private func checkServer() async throws {
        if checked.withLock({ $0 }) { return }
        do {
            let replies = try await client.pipeline([RedisCommand("INFO", "server"), RedisCommand("INFO", "cluster")])
            if let refusal = replies.first(where: { $0.error != nil })?.error { throw refusal }
            try ServerInformation(replies.compactMap(\.string).joined(separator: "\n")).check()
        } catch let error as RedisServerError where error.code == "NOPERM" {
            logger.warning("Redis doesn't let us read INFO, so its version is not checked", metadata: ["error": "\(error)"])
        } catch {
            throw RedisFailure.apiumError(error)
        }
        checked.withLock { $0 = true }
    }
}

extension Duration {
    /// The duration in whole milliseconds, at least 0.
    var wholeMilliseconds: Int64 { max(0, wholeMicroseconds / 1000) }
}
