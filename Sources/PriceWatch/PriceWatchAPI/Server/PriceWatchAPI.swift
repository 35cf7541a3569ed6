import ApiumBeat
import ApiumCore
import ApiumInspect
import DynamicJSON
import Hummingbird
import HummingbirdCore
import Logging
import PriceWatchModel
import WebSocketUpgrade

/// What the API works with; the executable chooses the adapters.
public struct APIServices: Sendable {
    /// The database, to read.
    public var reader: any PriceReader
    /// The tokens.
    public var tokens: any APITokenStore
    /// The jobs.
    public var apium: ApiumClient
    /// Looks at the jobs.
    public var inspector: Inspector
    /// The parser, for previews.
    public var parser: any ProductParser
    /// The parts that `/health/ready` asks.
    public var readiness: [ReadinessCheck]
    /// The text of `/metrics`.
    public var metrics: @Sendable () -> String

    /// Makes the services.
    public init(
        reader: any PriceReader, tokens: any APITokenStore, apium: ApiumClient, inspector: Inspector, parser: any ProductParser,
        readiness: [ReadinessCheck] = [],
        metrics: @escaping @Sendable () -> String = { "" }
    ) {
        self.reader = reader
        self.tokens = tokens
        self.apium = apium
        self.inspector = inspector
        self.parser = parser
        self.readiness = readiness
        self.metrics = metrics
    }
}

/// The rules that a deployment sets.
public struct APIConfiguration: Sendable {
    /// The bot's token; at least 32 characters.
    public var serviceToken: String
    /// The jobs that may be enqueued by name.
    public var jobs: JobCatalog
    /// What one token may ask for. Default: 50 requests a second, 100 at once.
    public var rateLimit: RateLimit
    /// What the service token may ask for. Default: 500 a second, 1000 at once.
    public var serviceRateLimit: RateLimit
    /// What a client is told to wait by `Retry-After` when the queue of its job is full (`max_length` of `task_queues`). Default: 5 seconds.
    public var fullQueueWait: Duration
    /// How long a preview may take. Default: 20 seconds.
    public var parseDeadline: Duration
    /// How often products may be checked: the worker's own bounds. Default: those of ``CheckIntervals``.
    public var intervals: CheckIntervals
    /// How long the bot's questions that are jobs may take. Default: 60 seconds.
    public var chatDeadline: Duration
    /// The bounds of the bot's WebSocket. Default: requests of 64 KiB.
    public var webSocket: WebSocketConfiguration

    /// Makes a configuration; the defaults are given at the properties.
    public init(
        serviceToken: String, jobs: JobCatalog = .priceWatch, rateLimit: RateLimit = RateLimit(perSecond: 50, burst: 100),
        serviceRateLimit: RateLimit = RateLimit(perSecond: 500, burst: 1000), fullQueueWait: Duration = .seconds(5), parseDeadline: Duration = .seconds(20),
        intervals: CheckIntervals = CheckIntervals(), chatDeadline: Duration = .seconds(60),
        webSocket: WebSocketConfiguration = WebSocketConfiguration(maxMessageSize: 64 * 1024)
    ) {
        self.serviceToken = serviceToken
        self.jobs = jobs
        self.rateLimit = rateLimit
        self.serviceRateLimit = serviceRateLimit
        self.fullQueueWait = fullQueueWait
        self.parseDeadline = parseDeadline
        self.intervals = intervals
        self.chatDeadline = chatDeadline
        self.webSocket = webSocket
    }
}

/// The HTTP API, its documentation and the bot's WebSocket.
public struct PriceWatchAPI: Sendable {
    /// Answers HTTP requests.
    public let responder: APIResponder
    /// The OpenAPI 3.1 document.
    public let openAPI: JSONValue
    private let configuration: APIConfiguration
    private let authenticator: TokenAuthenticator
    private let chat: ChatDesk

    /// Makes the API; `mounts` are other routers on the same server.
    public init(services: APIServices, configuration: APIConfiguration, mounts: [Mount] = []) {
        let desk = JobDesk(client: services.apium, ownership: JobOwnership(secret: configuration.serviceToken), fullQueueWait: configuration.fullQueueWait)
        let authenticator = TokenAuthenticator(serviceToken: configuration.serviceToken, store: services.tokens)
        let reader = GuardedReader(base: services.reader, logger: Logger(label: "api.reader"))
        let gate = EnqueueGate(catalog: configuration.jobs)
        var operations = JobOperations(desk: desk, gate: gate).all
        operations += InspectionOperations(desk: desk, inspector: services.inspector).all
        operations += ProductOperations(reader: reader, parser: services.parser, parseDeadline: configuration.parseDeadline).all
        operations += WatchOperations(reader: reader, desk: desk).all
        operations += ScheduleOperations(desk: ScheduleDesk(of: services.apium), gate: gate).all
        operations += SettingsOperations(reader: reader, desk: desk, intervals: configuration.intervals).all
        let described = operations + SystemOperations(readiness: [], metrics: { "" }, document: { .null }).all
        let openAPI = OpenAPIDocument.make(described.map(\.description), title: "PriceWatch", version: "1", description: Self.about)
        operations += SystemOperations(readiness: services.readiness, metrics: services.metrics, document: { openAPI }).all
        self.openAPI = openAPI
        self.configuration = configuration
        self.authenticator = authenticator
        responder = APIResponder(
            table: OperationTable(operations: operations), authenticator: authenticator, buckets: TokenBuckets(), rateLimit: configuration.rateLimit,
            serviceRateLimit: configuration.serviceRateLimit, mounts: mounts)
        chat = ChatDesk(reader: reader, desk: desk, deadline: configuration.chatDeadline, intervals: configuration.intervals)
    }

    /// The server: HTTP and the WebSocket on one port; a `Service`.
    ///
    /// - Parameter onRunning: gets the port once it is bound, for a port 0.
    public func application(
        host: String, port: Int, logger: Logger, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> Application<APIResponder> {
        let (authenticator, chat) = (authenticator, chat)
        // An idle connection is kept for a minute, nginx keeps its own shorter.
        let server = HTTPServerBuilder.http1WithWebSocket(
            http: .init(
                idleTimeout: .seconds(75), httpDecoderConfiguration: .init(maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100)),
            configuration: configuration.webSocket,
            shouldUpgrade: { $0.path == APIResponder.webSocketPath && authenticator.isService($0[header: "authorization"]) },
            handler: { session, logger in try await ChatSocket(desk: chat, logger: logger).serve(session) })
        return Application(
            responder: responder, server: server, configuration: .init(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { await onRunning($0.localAddress?.port ?? port) }, logger: logger)
    }

    private static let about = """
        Follow products and their prices. Every change is a job: `202` answers carry its id and a link to ask for it, and \
        `Prefer: wait=N` waits for its outcome instead. Errors are `{"error":{"code","message","field"}}`. Amounts are whole minor \
        units of a currency, instants are microseconds since 1970.
        """
}
