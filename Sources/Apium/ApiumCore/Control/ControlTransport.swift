/// How remote control commands come to a worker and its answers get back; on Redis kombu's pidbox (celery-wire 13).
public protocol ControlTransport: Sendable {
    /// Listens for requests: everything that is broadcast after the call returned, also over connections made again, until the
    /// iteration ends. What cannot be read comes as a failure, and the stream goes on.
    func requests(exchange: String) async throws -> AsyncStream<Result<ControlRequest, ApiumError>>

    /// Sends a reply to whoever asked; dropped when nobody waits for it any more.
    func reply(_ reply: ControlReply, to address: ControlRequest.ReplyAddress) async throws

    /// Broadcasts a request; replies go to the request's own address, see ``replies(to:within:limit:)``.
    func broadcast(_ request: ControlRequest, exchange: String) async throws

    /// Broadcasts a request with an address and a ticket of its own and collects the replies: for `timeout`, or until `limit` nodes
    /// have answered.
    func ask(_ request: ControlRequest, exchange: String, within timeout: Duration, limit: Int?) async throws -> [ControlReply]

    /// Where the broker is, without secrets: what `inspect stats` shows.
    var server: BrokerAddress { get }
}

/// Where a broker is.
public struct BrokerAddress: Sendable, Hashable {
    /// The transport's name, for example `redis`.
    public var transport: String
    /// The host, or the path of a socket.
    public var host: String
    /// The port, if there is one.
    public var port: Int?
    /// The user, if one was named.
    public var user: String?
    /// The database, kombu's virtual host.
    public var virtualHost: String
    /// Whether the connection is encrypted.
    public var isEncrypted: Bool
    /// The URL with the password masked.
    public var url: String

    /// Makes an address.
    public init(transport: String, host: String, port: Int?, user: String? = nil, virtualHost: String = "0", isEncrypted: Bool = false, url: String) {
        self.transport = transport
        self.host = host
        self.port = port
        self.user = user
        self.virtualHost = virtualHost
        self.isEncrypted = isEncrypted
        self.url = url
    }
}

/// How events get to whoever watches; on Redis kombu's `celeryev` exchange (celery-wire 14). Lost when nobody listens.
public protocol EventTransport: Sendable {
    /// Publishes events of one group in one step: a single one under its own routing key, several as a list.
    func publish(_ events: [WorkerEvent], exchange: String) async throws

    /// Publishes an event that is in no haste, such as a heartbeat: it may wait for something else that is sent, and so cost hardly anything. It stays
    /// before what is published after it, and takes the place of one that waits still.
    /// - Parameter limit: How long it may wait.
    func publishInPassing(_ event: WorkerEvent, exchange: String, within limit: Duration) async throws

    /// Follows the events of all workers and clients until the iteration ends.
    func events(exchange: String) async throws -> AsyncStream<WorkerEvent>
}

extension EventTransport {
    /// At once, where nothing is won by waiting.
    public func publishInPassing(_ event: WorkerEvent, exchange: String, within limit: Duration) async throws {
        try await publish([event], exchange: exchange)
    }
}
