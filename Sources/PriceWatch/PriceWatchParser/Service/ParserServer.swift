import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HTTPFetch
import Logging
import ServiceLifecycle

/// The parser as a service: the gRPC server with the parser and the health service, and the fetcher behind them.
///
/// A graceful end says NOT_SERVING, takes no further call, lets those under way finish, and only then ends the fetcher.
public struct ParserServer: Service {
    /// The largest request: a full batch of the longest links, with room to spare.
    static let largestRequest = 512 * 1024

    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let serving = ServingState()
    private let fetcher: HTTPFetcher
    private let logger: Logger

    /// Makes a server; it listens when ``run()`` runs.
    /// - Parameters:
    ///   - host: A numeric address, IPv4 or IPv6.
    ///   - port: 0 takes a free one, see ``port``.
    /// - Throws: `FetchError` when an allowed host is written wrongly.
    public init(host: String, port: Int, configuration: ParserConfiguration, logger: Logger) throws {
        let address: SocketAddress = host.contains(":") ? .ipv6(host: host, port: port) : .ipv4(host: host, port: port)
        let transport = HTTP2ServerTransport.Posix(
            address: address, transportSecurity: .plaintext,
            config: .defaults { $0.rpc.maxRequestPayloadSize = Self.largestRequest })
        fetcher = HTTPFetcher(configuration: try configuration.fetching(), logger: logger)
        let parser = PageParser(fetcher: fetcher, configuration: configuration)
        let service = ParserService(parser: parser, admission: Admission(most: configuration.mostAtOnce), logger: logger)
        server = GRPCServer(transport: transport, services: [service, HealthService(serving: serving)], interceptors: [ServerSpans()])
        self.logger = logger
    }

    /// The port that the server listens on; waits until it does.
    public var port: Int {
        get async throws {
            let address = try await server.listeningAddress
            return address?.ipv4?.port ?? address?.ipv6?.port ?? 0
        }
    }

    /// Whether the server listens and takes calls.
    public var isServing: Bool { serving.isListening && serving.status == .serving }

    /// Serves until the graceful end.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.serve() }
                group.addTask {
                    let port = try await self.port
                    serving.isListening = true
                    logger.info("parser listens", metadata: ["port": "\(port)"])
                }
                try await group.waitForAll()
            }
        } onGracefulShutdown: {
            serving.stop()
            server.beginGracefulShutdown()
        }
        await fetcher.shutdown()
    }
}
