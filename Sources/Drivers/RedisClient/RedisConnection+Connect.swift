import Logging
import NIOCore
import NIOPosix

extension RedisConnection {
    /// Connects, authenticates and selects the database.
    /// - Parameters:
    ///   - eventLoop: The event loop for the socket. Default: one that is shared by the process.
    ///   - logger: Told at debug level what the server would not do.
    /// - Throws: `RedisClientError` with code `connectFailed`, `authenticationFailed`, `tlsFailed`, `notSupported` or `timedOut`;
    ///   `RedisServerError` if the server refused the database.
    public static func connect(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(), logger: Logger
    ) async throws -> RedisConnection {
        try await open(configuration, on: eventLoop, logger: logger).get()
    }

    /// The same for code that can't await: the future completes on `eventLoop`.
    public static func open(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) -> EventLoopFuture<RedisConnection> {
        guard case .sentinel(let sentinels) = configuration.address else {
            return open(configuration, on: eventLoop, logger: logger, endsWhenReadOnly: false)
        }
        let search = SentinelSearch(configuration: configuration, sentinels: sentinels, eventLoop: eventLoop, logger: logger)
        // On the event loop itself: a pool whose threads user jobs hold up must not keep a lease from being renewed (invariant 2).
        let promise = eventLoop.makePromise(of: RedisConnection.self)
        Task(executorPreference: EventLoopTaskExecutor(eventLoop)) {
            do {
                promise.succeed(try await search.connect())
            } catch {
                promise.fail(error)
            }
        }
        return promise.futureResult
    }

    /// Connects to one server.
    /// - Parameter endsWhenReadOnly: Whether the connection closes once the server says that it is a replica.
    static func open(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger, endsWhenReadOnly: Bool
    ) -> EventLoopFuture<RedisConnection> {
        let deadline = NIODeadline.now() + TimeAmount(configuration.connectTimeout)
        return prepareTLS(configuration, on: eventLoop).flatMap { encrypt in
            openTransport(configuration, on: eventLoop, encrypt: encrypt, endsWhenReadOnly: endsWhenReadOnly)
        }.flatMap { transport in
            greet(transport, configuration, deadline: deadline, logger: logger)
        }.flatMapErrorThrowing { error in
            throw explained(error, configuration)
        }
    }

    // MARK: TLS

    /// Reads certificates and keys, on a thread that may block: they are read for each connection, so that renewed ones are noticed.
    private static func prepareTLS(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop
    ) -> EventLoopFuture<RedisTLSProvider.Installer?> {
        guard let options = configuration.tls else { return eventLoop.makeSucceededFuture(nil) }
        guard let provider = RedisTLSSupport.installed else { return eventLoop.makeFailedFuture(RedisTLSSupport.missing) }
        guard case .tcp(let host, _) = configuration.address else {
            return eventLoop.makeFailedFuture(RedisClientError(.notSupported, "TLS is for TCP; \(configuration.address) is a socket of this machine"))
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { try provider.prepare(options, host: host) }
            .map { Optional($0) }
            .flatMapErrorThrowing { throw RedisClientError(.tlsFailed, "TLS to \(configuration.address) can't be set up: \($0)") }
    }

    /// A failed handshake reaches us as an error of the channel: say what it means.
    private static func explained(_ error: any Error, _ configuration: RedisConfiguration) -> any Error {
        guard configuration.tls != nil, let failure = error as? RedisClientError else { return error }
        if failure.code == .timedOut {
            // A plain Redis waits for the end of a line, which the client's hello rarely holds.
            let message = "\(configuration.address) did not answer in time; it may be busy, or it does not speak TLS on this port"
            return RedisClientError(.timedOut, message, underlying: failure.underlying)
        }
        guard let cause = failure.underlying, let explanation = RedisTLSSupport.installed?.explanation(of: cause)
        else { return error }
        return RedisClientError(.tlsFailed, "TLS to \(configuration.address) failed: \(explanation)", underlying: cause)
    }

    /// Opens the socket.
    private static func openTransport(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, encrypt: RedisTLSProvider.Installer?, endsWhenReadOnly: Bool
    ) -> EventLoopFuture<RedisTransport> {
        let queue = RequestQueue()
        let silenceLimit = TimeAmount(configuration.commandTimeout)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            // A batch of a hundred messages is about 95 kB: read it in a few system calls.
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16 * 1024, maximum: 256 * 1024))
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try encrypt?(channel)
                    try channel.pipeline.syncOperations.addHandler(
                        RedisChannelHandler(queue: queue, silenceLimit: silenceLimit, endsWhenReadOnly: endsWhenReadOnly))
                }
            }
        return connect(bootstrap, configuration, eventLoop).flatMapThrowing { channel in
            let handler = try channel.pipeline.syncOperations.handler(type: RedisChannelHandler.self)
            return RedisTransport(channel: channel, queue: queue, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
        }
    }

    private static func connect(
        _ bootstrap: ClientBootstrap, _ configuration: RedisConfiguration, _ eventLoop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let address = configuration.address
        let channel: EventLoopFuture<any Channel>
        switch address {
        case .tcp(let host, let port):
            // An address needs no resolver, whose answer might come after the event loop has ended.
            if let address = try? SocketAddress(ipAddress: host, port: port) {
                channel = bootstrap.connect(to: address)
            } else {
                channel = bootstrap.connect(host: host, port: port)
            }
        case .unix(let path): channel = bootstrap.connect(unixDomainSocketPath: path)
        case .sentinel: return eventLoop.makeFailedFuture(RedisClientError(.notSupported, "sentinels are asked for the master, they hold no data"))
        }
        return channel.flatMapErrorThrowing { error in
            throw RedisClientError(.connectFailed, "can't connect to \(address)", underlying: error)
        }
    }

    /// Says who we are. CLIENT SETNAME and CLIENT ID may be forbidden by an ACL: the connection is good without them.
    private static func greet(
        _ transport: RedisTransport, _ configuration: RedisConfiguration, deadline: NIODeadline, logger: Logger
    ) -> EventLoopFuture<RedisConnection> {
        let steps = greeting(configuration)
        let timeout = max(deadline - .now(), .milliseconds(1))
        return transport.submit(steps.map(\.command), timeout: .nanoseconds(timeout.nanoseconds)).flatMapThrowing { replies in
            var clientID: Int?
            for (step, reply) in zip(steps, replies) {
                if case .identify = step { clientID = reply.int }
                guard let error = reply.error else { continue }
                if let fatal = step.failure(error) { throw fatal }
                logger.debug("Redis refused \(step) after connecting", metadata: ["error": "\(error)"])
            }
            return RedisConnection(transport: transport, clientID: clientID, configuration: configuration)
        }.flatMapErrorThrowing { error in
            transport.close()
            throw error
        }
    }

    private static func greeting(_ configuration: RedisConfiguration) -> [GreetingStep] {
        var steps: [GreetingStep] = []
        if let password = configuration.password, !password.isEmpty {
            steps.append(.authenticate(user: configuration.username, password: password))
        }
        if configuration.database != 0 { steps.append(.select(configuration.database)) }
        if let name = configuration.clientName { steps.append(.name(name)) }
        return steps + [.identify]
    }
}

/// One command of the greeting, and what its refusal means.
private enum GreetingStep: Sendable, CustomStringConvertible {
    case authenticate(user: String?, password: String)
    case select(Int)
    case name(String)
    case identify

    var command: RedisCommand {
        switch self {
        case .authenticate(let user?, let password): RedisCommand("AUTH", user, password)
        case .authenticate(nil, let password): RedisCommand("AUTH", password)
        case .select(let database): RedisCommand("SELECT", database)
        case .name(let name): RedisCommand("CLIENT", "SETNAME", name)
        case .identify: RedisCommand("CLIENT", "ID")
        }
    }

    /// The error that ends the connection, or nil if it is good without this step.
    func failure(_ error: RedisServerError) -> (any Error)? {
        // A server that is still loading its data would tell us neither who we are nor anything else.
        if error.code == "LOADING" { return error }
        return switch self {
        case .authenticate: RedisClientError(.authenticationFailed, "the server refused the user or the password", underlying: error)
        case .select: error
        // Without a password the first command is where a protected server says so; one that takes no more clients, or none from outside, answers it, too.
        case .name, .identify:
            switch error.code {
            case "NOAUTH": RedisClientError(.authenticationFailed, "the server wants a password", underlying: error)
            case "DENIED": RedisClientError(.connectFailed, "the server refused the connection", underlying: error)
            case "ERR" where error.message.contains("max number of clients"):
                RedisClientError(.connectFailed, "the server refused the connection", underlying: error)
            default: nil
            }
        }
    }

    /// The command's name; its arguments may be secret.
    var description: String {
        switch self {
        case .authenticate: "AUTH"
        case .select: "SELECT"
        case .name: "CLIENT SETNAME"
        case .identify: "CLIENT ID"
        }
    }
}
