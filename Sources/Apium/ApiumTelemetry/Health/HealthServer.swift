import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves `/live`, `/ready` and `/metrics` over HTTP, for supervisors and Prometheus.
///
/// A connection is for one request, which must be there within ten seconds, and its answer be taken within another ten; 64 connections are served at a
/// time. So clients that send or read nothing, or ever more, cost neither memory nor the descriptors that the process needs for its work.
public struct HealthServer: Service {
    private let host: String
    private let port: Int
    private let routes: HealthRoutes
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// Makes a server.
    ///
    /// - Parameters:
    ///   - port: 0 takes a free one; `onListening` is told which.
    ///   - parts: What must answer before the process is ready.
    ///   - metrics: What `/metrics` shows; `nil`: it is not there.
    ///   - collect: Called before metrics are shown: the place to bring gauges up to date.
    public init(
        host: String = "127.0.0.1", port: Int, parts: [HealthPart] = [], metrics: PrometheusRegistry?, logger: Logger,
        collect: @escaping @Sendable () async -> Void = {}, onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        routes = HealthRoutes(parts: parts, metrics: metrics, collect: collect)
        self.logger = logger
        self.onListening = onListening
    }

    public func run() async throws {
        let routes = routes
        let places = Places(64)
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                guard places.take() else { return channel.close() }
                channel.closeFuture.whenComplete { _ in places.giveBack() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(HealthHandler(routes: routes))
                }
            }
            .bind(host: host, port: port).get()
        let bound = channel.localAddress?.port ?? port
        logger.info("health server listens", metadata: ["host": "\(host)", "port": "\(bound)"])
        onListening(bound)
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await channel.closeFuture.get()
        } onCancelOrGracefulShutdown: {
            channel.close(promise: nil)
        }
    }
}

/// What the three paths answer.
struct HealthRoutes: Sendable {
    var parts: [HealthPart]
    var metrics: PrometheusRegistry?
    var collect: @Sendable () async -> Void = {}

    struct Answer: Sendable {
        var status: HTTPResponseStatus
        var contentType = "application/json"
        var body: String
    }

    func answer(_ method: HTTPMethod, _ uri: String) async -> Answer {
        guard method == .GET || method == .HEAD else { return Answer(status: .methodNotAllowed, body: "{\"error\":\"only GET and HEAD\"}\n") }
        switch uri.prefix(while: { $0 != "?" }) {
        case "/live": return Answer(status: .ok, body: "{\"live\":true}\n")
        case "/ready":
            let report = await HealthReport.collect(parts)
            return Answer(status: report.isReady ? .ok : .serviceUnavailable, body: report.json)
        case "/metrics":
            guard let metrics else { return Answer(status: .notFound, body: "{\"error\":\"this process has another backend for its metrics\"}\n") }
            await collect()
            return Answer(status: .ok, contentType: PrometheusText.contentType, body: metrics.exposition())
        default: return Answer(status: .notFound, body: "{\"error\":\"only /live, /ready and /metrics are here\"}\n")
        }
    }
}

/// How many connections there may be.
private final class Places: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    func take() -> Bool {
        if left.subtract(1, ordering: .relaxed).newValue >= 0 { return true }
        giveBack()
        return false
    }

    func giveBack() { left.add(1, ordering: .relaxed) }
}

/// One connection: answers its request when that has ended.
final class HealthHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let routes: HealthRoutes
    private var head: HTTPRequestHead?
    private var limit: Scheduled<Void>?

    /// How long a request, and then its answer, may take to transfer.
    private static let patience = TimeAmount.seconds(10)

    init(routes: HealthRoutes) { self.routes = routes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            limit?.cancel()
            // What else the client sends is not read.
            context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
            respond(to: head, context: context)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        limit = Self.limit(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        limit?.cancel()
        context.fireChannelInactive()
    }

    private static func limit(_ channel: any Channel) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }

    private func respond(to head: HTTPRequestHead, context: ChannelHandlerContext) {
        let routes = routes
        let channel = context.channel
        let answer = context.eventLoop.makePromise(of: HealthRoutes.Answer.self)
        answer.completeWithTask { await routes.answer(head.method, head.uri) }
        answer.futureResult.whenSuccess { answer in
            var body = channel.allocator.buffer(capacity: answer.body.utf8.count)
            body.writeString(answer.body)
            var response = HTTPResponseHead(version: head.version, status: answer.status)
            response.headers.add(name: "content-type", value: answer.contentType)
            response.headers.add(name: "content-length", value: String(body.readableBytes))
            response.headers.add(name: "cache-control", value: "no-store")
            response.headers.add(name: "connection", value: "close")
            channel.write(HTTPServerResponsePart.head(response), promise: nil)
            if head.method != .HEAD { channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil) }
            let limit = Self.limit(channel)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in
                limit.cancel()
                channel.close(promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
