import CCurl
import Logging
import Synchronization

/// Fetches over HTTP within bounds, on one thread of its own that runs libcurl's multi interface.
///
/// One fetcher has one address policy and one pool of connections; whoever needs two policies makes two fetchers. Redirects are
/// followed by the fetcher, not by libcurl, so that every hop's address passes the same reader and the same policy. Cookies are
/// neither kept nor sent on. The environment's proxy settings are not used.
public final class HTTPFetcher: Sendable {
    /// What a fetcher is set up with.
    public struct Configuration: Sendable {
        /// Where it may connect to; the public internet by default.
        public var addressPolicy: AddressPolicy
        /// Ports that may be fetched from, unless the policy excepts the host; 80 and 443 by default.
        public var ports: Set<UInt16>
        /// Bounds of requests that bring none.
        public var limits: FetchLimits
        /// The `User-Agent` of requests that set none; `Apium-HTTPFetch/1` by default.
        public var userAgent: String
        /// Open connections in all; more transfers wait, within their time. 128 by default.
        public var connections: Int
        /// Open connections per host, so that one slow host can't take all; 16 by default.
        public var connectionsPerHost: Int
        /// A file of trusted roots (PEM); nil, the default, takes the system's.
        public var trustedRootsFile: String?

        /// Makes a configuration from the defaults and what differs from them.
        public init(
            addressPolicy: AddressPolicy = .publicInternet, ports: Set<UInt16> = [80, 443], limits: FetchLimits = FetchLimits(),
            userAgent: String = "Apium-HTTPFetch/1", connections: Int = 128, connectionsPerHost: Int = 16, trustedRootsFile: String? = nil
        ) {
            self.addressPolicy = addressPolicy
            self.ports = ports
            self.limits = limits
            self.userAgent = userAgent
            self.connections = connections
            self.connectionsPerHost = connectionsPerHost
            self.trustedRootsFile = trustedRootsFile
        }
    }

    private let configuration: Configuration
    private let logger: Logger
    private let loop: TransferLoop
    private let nextID = Atomic<UInt64>(1)

    /// Starts a fetcher; its thread ends with ``shutdown()`` or when the fetcher is released.
    public init(configuration: Configuration = Configuration(), logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        loop = TransferLoop(connections: configuration.connections, connectionsPerHost: configuration.connectionsPerHost)
    }

    deinit {
        loop.stop()
    }

    /// Makes the exchange and gives the last hop's response, whatever its status.
    ///
    /// Cancelling the task takes the transfer off the wire.
    /// - Throws: ``FetchError``.
    public func fetch(_ request: FetchRequest) async throws -> FetchResponse {
        let plan = try TransferPlan(request, configuration: configuration)
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        defer { loop.forget(id) }
        do {
            let response = try await FetchSpan.around(request, host: plan.first.url.host) {
                try await withTaskCancellationHandler {
                    try await withCheckedThrowingContinuation { loop.start(id, plan: plan, continuation: $0) }
                } onCancel: {
                    loop.cancel(id)
                }
            }
            logger.debug("fetched", metadata: ["host": "\(plan.first.url.host)", "status": "\(response.status)", "bytes": "\(response.body.count)"])
            return response
        } catch let error as FetchError {
            logger.debug("fetch failed", metadata: ["host": "\(plan.first.url.host)", "code": "\(error.code)"])
            throw error
        }
    }

    /// Fails what is under way with code `closed` and returns when the thread has ended. May be called twice.
    public func shutdown() async {
        await loop.shutdown()
    }
}
