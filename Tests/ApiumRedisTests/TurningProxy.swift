import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// Stands between a client and Redis as an address does that leads to another server after a failover: what is connected stays where it is, new
/// connections go elsewhere. And it can keep connections back until so many of them are there.
final class TurningProxy: Sendable {
    private struct State {
        var target: RedisConfiguration
        /// The text by which connections are known that are kept back, and how many must be there.
        var gathering: (text: String, count: Int)?
        var held: [@Sendable () -> Void] = []
        var channels: [any Channel] = []
    }

    private let state: Mutex<State>

    private init(_ target: RedisConfiguration) { state = Mutex(State(target: target)) }

    static func start(for target: RedisConfiguration) async throws -> TurningProxy {
        let proxy = TurningProxy(target)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { proxy.accept($0) }
            .bind(host: "127.0.0.1", port: 0).get()
        proxy.state.withLock { $0.channels = [listener] }
        return proxy
    }

    /// The configuration of a client that goes through the proxy.
    var configuration: RedisConfiguration {
        state.withLock { state in
            var configuration = state.target
            configuration.address = .tcp(host: "127.0.0.1", port: state.channels[0].localAddress?.port ?? 0)
            return configuration
        }
    }

    /// New connections lead there from now on.
    func turn(to target: RedisConfiguration) { state.withLock { $0.target = target } }

    /// Connections in whose first request this text stands are kept back until there are so many.
    func gather(_ text: String, _ count: Int) { state.withLock { $0.gathering = (text, count) } }

    /// Whether those have come together.
    var hasGathered: Bool { state.withLock { $0.gathering == nil } }

    func stop() async { for channel in state.withLock({ $0.channels }) { try? await channel.close() } }

    private func accept(_ client: any Channel) -> EventLoopFuture<Void> {
        guard case .tcp(let host, let port) = state.withLock({ $0.target.address }) else {
            return client.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        return ClientBootstrap(group: client.eventLoop)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture { try server.pipeline.syncOperations.addHandler(Pump(to: client) { _, go in go() }) }
            }
            .connect(host: host, port: port)
            .flatMap { server in
                self.state.withLock { $0.channels += [client, server] }
                return client.eventLoop.makeCompletedFuture { try client.pipeline.syncOperations.addHandler(Pump(to: server, first: self.admit)) }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
    }

    /// Calls `go` when the connection with this first request may go on.
    @Sendable
    private func admit(_ request: ByteBuffer, _ go: @escaping @Sendable () -> Void) {
        let free = state.withLock { state -> [@Sendable () -> Void] in
            guard let (text, count) = state.gathering, String(buffer: request).contains(text) else { return [go] }
            state.held.append(go)
            guard state.held.count == count else { return [] }
            defer { state.held = [] }
            state.gathering = nil
            return state.held
        }
        for go in free { go() }
    }

    /// Writes what it reads to the other channel, once it may.
    private final class Pump: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let first: @Sendable (ByteBuffer, @escaping @Sendable () -> Void) -> Void
        private let mayGo: EventLoopPromise<Void>
        private var hasBegun = false

        init(to other: any Channel, first: @escaping @Sendable (ByteBuffer, @escaping @Sendable () -> Void) -> Void) {
            self.other = other
            self.first = first
            mayGo = other.eventLoop.makePromise()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let (bytes, other, mayGo) = (unwrapInboundIn(data), self.other, self.mayGo)
            mayGo.futureResult.whenSuccess { other.writeAndFlush(bytes, promise: nil) }
            guard !hasBegun else { return }
            hasBegun = true
            first(bytes) { mayGo.succeed() }
        }

        func handlerRemoved(context: ChannelHandlerContext) { mayGo.fail(ChannelError.ioOnClosedChannel) }
    }
}
