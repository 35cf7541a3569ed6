import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import PriceWatchModel
import PriceWatchProto
import ServiceLifecycle

/// The port ``ProductParser`` over gRPC: one connection to the parser process, which reconnects by itself.
///
/// A call is repeated only when the parser went away under it and is back: a page that takes it away a second time is to blame
/// (``ParseFailure/unreachable``), where a parser that is away says nothing of the page.
public struct GRPCProductParser: ProductParser, Service {
    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    private let logger: Logger

    /// Makes a client; it connects when ``run()`` runs.
    /// - Parameters:
    ///   - host: A name or a numeric address.
    ///   - port: The parser's port.
    /// - Throws: `RuntimeError` when the address can't be used.
    public init(host: String, port: Int, logger: Logger) throws {
        let target: any ResolvableTarget =
            if host.allSatisfy({ $0.isNumber || $0 == "." }) {
                .ipv4(address: host, port: port)
            } else if host.contains(":") {
                .ipv6(address: host, port: port)
            } else {
                .dns(host: host, port: port)
            }
        let transport = try HTTP2ClientTransport.Posix(target: target, transportSecurity: .plaintext)
        client = GRPCClient(transport: transport, interceptors: [ClientSpans()])
        self.logger = logger
    }

    /// Keeps the connection until the graceful end.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await client.runConnections()
        } onGracefulShutdown: {
            client.beginGracefulShutdown()
        }
    }

    /// Fetches and reads the page behind a user's link.
    public func parse(_ link: String, within deadline: Duration) async throws(PageTrouble) -> ProductPage {
        var request = Pricewatch_Parser_V1_ParseRequest()
        request.link = link
        let response: Pricewatch_Parser_V1_ParseResponse
        do {
            response = try await Self.tellingDeadly(returns: isBack) { [request] in
                try await Pricewatch_Parser_V1_ParserService.Client(wrapping: client).parse(request, options: Self.options(deadline))
            }
        } catch {
            throw (error as? PageTrouble) ?? PageTrouble(failure(error))
        }
        return try Self.page(response)
    }

    /// Calls, and once more when the parser went away and is back; when it went away twice and is back each time, the page is what takes it away.
    static func tellingDeadly<Response>(returns isBack: () async -> Bool, _ call: () async throws -> Response) async throws -> Response {
        do {
            return try await call()
        } catch let error as RPCError where error.code == .unavailable {
            guard await isBack() else { throw error }
        }
        do {
            return try await call()
        } catch let error as RPCError where error.code == .unavailable {
            throw await isBack() ? PageTrouble(.unreachable) : error
        }
    }

    /// Whether the parser serves within some seconds: as long as a supervisor takes to start it anew.
    private func isBack() async -> Bool {
        let end = ContinuousClock.now + .seconds(5)
        while !Task.isCancelled, .now < end {
            if await isServing(within: .seconds(1)) { return true }
            try? await Task.sleep(for: .milliseconds(200))
        }
        return false
    }

    /// Whether the parser serves; for health checks.
    public func isServing(within deadline: Duration) async -> Bool {
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        let answer = try? await health.check(Grpc_Health_V1_HealthCheckRequest(), options: Self.options(deadline))
        return answer?.status == .serving
    }

    private static func options(_ deadline: Duration) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = deadline
        return options
    }

    /// What a call that failed as such means for the job.
    private func failure(_ error: any Error) -> ParseFailure {
        guard let error = error as? RPCError else { return .parserUnavailable }
        switch error.code {
        case .deadlineExceeded, .cancelled: return .timedOut
        case .invalidArgument: return .refusedAddress
        default:
            logger.info("the parser can't be asked", metadata: ["code": "\(error.code)", "why": "\(error.message)"])
            return .parserUnavailable
        }
    }

    private static func page(_ response: Pricewatch_Parser_V1_ParseResponse) throws(PageTrouble) -> ProductPage {
        switch response.outcome {
        case .page(let page):
            guard let page = ProductPage(page) else { throw PageTrouble(.unreachable) }
            return page
        case .failure(let failure):
            throw PageTrouble(ParseFailure(failure.reason), retryAfter: failure.retryAfterSeconds > 0 ? Int(failure.retryAfterSeconds) : nil)
        case nil:
            throw PageTrouble(.unreachable)
        }
    }
}
