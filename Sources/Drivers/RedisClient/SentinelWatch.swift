import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Keeps the connections that one process has to a group of servers on one server: its master.
///
/// A server that others have made a replica is told so late: about ten seconds after a planned failover, and in a partition not at all. It takes
/// writes until then, so a connection that was made before leads to another server than one that is made now, and both seem fine. So while
/// there are connections the sentinels are asked from time to time, and when they name another master all connections to the old one end.
final class SentinelWatch: Sendable {
    private struct State {
        /// The newest answer.
        var known: SentinelAnswer?
        /// The sentinel that last led to the master.
        var guide: RedisSentinels.Host?
        var connections: [ObjectIdentifier: RedisConnection] = [:]
        var isWatching = false
        /// Connections to the sentinels while it watches.
        var clients: [RedisClient] = []
    }

    /// The time between two looks.
    static let period = Duration.seconds(1)
    /// How long one sentinel may take: several that are down must not use up the patience of whoever waits.
    static let patience = Duration.seconds(2)

    private static let all = Mutex<[RedisSentinels: SentinelWatch]>([:])

    private let sentinels: RedisSentinels
    private let logger: Logger
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let state = Mutex(State())

    init(_ sentinels: RedisSentinels, logger: Logger) {
        self.sentinels = sentinels
        self.logger = logger
    }

    /// The one watch of this process for these sentinels.
    static func of(_ sentinels: RedisSentinels, logger: Logger) -> SentinelWatch {
        all.withLock { all in
            if let watch = all[sentinels] { return watch }
            let watch = SentinelWatch(sentinels, logger: logger)
            all[sentinels] = watch
            return watch
        }
    }

    /// The sentinels in the order in which they are to be asked: first the one that answered last time, for one that is silent costs seconds.
    var order: [RedisSentinels.Host] {
        guard let guide = state.withLock(\.guide) else { return sentinels.hosts }
        return [guide] + sentinels.hosts.filter { $0 != guide }
    }

    /// Takes note of answers, and ends the connections that lead elsewhere than the newest one.
    /// - Returns: The master that is to be believed in; nil when the answers may all be of the past.
    @discardableResult
    func follow(_ answers: [SentinelAnswer]) -> RedisSentinels.Host? {
        let numbered = answers.filter { $0.epoch != nil }
        guard !numbered.isEmpty else { return answers.first?.host }
        let (present, past) = state.withLock { state -> (RedisSentinels.Host?, RedisSentinels.Host?) in
            let past = state.known?.host
            guard let newest = SentinelAnswer.newest(numbered, after: state.known, of: sentinels.hosts.count) else { return (nil, nil) }
            state.known = newest
            guard let past, past != newest.host else { return (newest.host, nil) }
            let address = RedisConfiguration.Address.tcp(host: newest.host.name, port: newest.host.port)
            // Under the lock: a connection stands here until its event loop has run `forget`, so that loop is not over.
            for connection in state.connections.values where connection.configuration.address != address {
                connection.end(RedisClientError(.connectionClosed, "the master is another server by now: \(newest.host)"))
            }
            return (newest.host, past)
        }
        if let present, let past { logger.notice("The sentinels name another master", metadata: ["master": "\(present)", "before": "\(past)"]) }
        return present
    }

    /// Watches over a connection to the master that `answer` of the sentinel `guide` has named.
    /// - Returns: Whether that is the master still.
    func keep(_ connection: RedisConnection, to answer: SentinelAnswer, by guide: RedisSentinels.Host) -> Bool {
        let id = ObjectIdentifier(connection)
        let isKept = state.withLock { state in
            if let known = state.known, answer.epoch != nil, known.host != answer.host { return false }
            state.guide = guide
            state.connections[id] = connection
            if !state.isWatching { startWatching(&state) }
            return true
        }
        if isKept { connection.onClose { _ in self.forget(id) } }
        return isKept
    }

    private func forget(_ id: ObjectIdentifier) { state.withLock { $0.connections[id] = nil } }

    // MARK: Looking

    private func startWatching(_ state: inout State) {
        state.isWatching = true
        // A sentinel that is away is nothing to tell every time: whoever connects says what it met.
        var quiet = logger
        quiet.logLevel = .critical
        state.clients = sentinels.hosts.map {
            RedisClient(sentinels.configuration(of: $0, patience: Self.patience), eventLoop: eventLoop, logger: quiet)
        }
        lookLater()
    }

    private func lookLater() {
        eventLoop.scheduleTask(in: TimeAmount(Self.period)) { self.look() }
    }

    /// Asks all sentinels; the watch ends when there is nothing left to watch over. There is one chain of looks: the next one is arranged when the last
    /// one is over.
    private func look() {
        let clients = state.withLock { state in
            if state.connections.isEmpty { state.isWatching = false }
            defer { if !state.isWatching { state.clients = [] } }
            return (all: state.clients, areOver: !state.isWatching)
        }
        if clients.areOver {
            Task { for client in clients.all { await client.shutdown() } }
            return
        }
        let answers = clients.all.map { client in
            client.submit(SentinelAnswer.question(sentinels.masterName), timeout: Self.patience).map { replies -> SentinelAnswer? in
                let answer = try? SentinelAnswer(replies)
                // At once: another one may take its time.
                if let answer { self.follow([answer]) }
                return answer
            }.recover { _ in nil }
        }
        EventLoopFuture.whenAllSucceed(answers, on: eventLoop).whenComplete { result in
            if case .success(let answers) = result { self.follow(answers.compactMap { $0 }) }
            self.lookLater()
        }
    }
}

extension RedisConnection {
    /// Closes the connection for this reason; what waits fails with it.
    fileprivate func end(_ reason: RedisClientError) { transport.onHandler { $0.close(reason) } }
}
