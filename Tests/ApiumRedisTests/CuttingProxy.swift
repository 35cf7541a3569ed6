import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// Stands between a client and Redis, and breaks connections as networks do: replies vanish, and the server's end may live on.
final class CuttingProxy: Sendable {
    private struct Pair {
        let client: any Channel
        let server: any Channel
        let isDeaf: Flag
        let isMute: Flag
    }

    /// The present connections, and whether new ones are mute from the start. Both change in one step: a client that connects anew while the
    /// old connections are being cut must get its replies.
    private struct State {
        var pairs: [Pair] = []
        var swallowing = false
        /// The next request with this in it is not handed on, and ends its connection.
        var fatal: [UInt8]?
    }

    /// Set once, read by a pump.
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    private let target: RedisConfiguration
    private let state = Mutex(State())
    private let listener = Mutex<(any Channel)?>(nil)

    private init(_ target: RedisConfiguration) { self.target = target }

    /// Starts a proxy on a free port of the loopback.
    static func start(for target: RedisConfiguration) async throws -> CuttingProxy {
        let proxy = CuttingProxy(target)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { proxy.accept($0) }
            .bind(host: "127.0.0.1", port: 0).get()
        proxy.listener.withLock { $0 = channel }
        return proxy
    }

    /// The configuration of a client that goes through the proxy.
    var configuration: RedisConfiguration {
        var configuration = target
        configuration.address = .tcp(host: "127.0.0.1", port: listener.withLock { $0?.localAddress?.port } ?? 0)
        return configuration
    }

    private func accept(_ client: any Channel) -> EventLoopFuture<Void> {
        guard case .tcp(let host, let port) = target.address else { return client.eventLoop.makeFailedFuture(ChannelError.operationUnsupported) }
        let isMute = Flag()
        return ClientBootstrap(group: client.eventLoop)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture { try server.pipeline.syncOperations.addHandler(Pump(to: client) { !isMute.isSet }) }
            }
            .connect(host: host, port: port)
            .flatMap { server in
                let isDeaf = Flag()
                self.state.withLock { state in
                    if state.swallowing { isMute.set() }
                    state.pairs.append(Pair(client: client, server: server, isDeaf: isDeaf, isMute: isMute))
                }
                return client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(Pump(to: server, breaksAt: self.takesFatal) { !isDeaf.isSet })
                }
                .flatMap { client.setOption(.autoRead, value: true) }
            }
    }

    /// From now on replies vanish.
    func swallowReplies() {
        state.withLock { state in
            state.swallowing = true
            for pair in state.pairs { pair.isMute.set() }
        }
    }

    /// From now on what is sent over the present connections vanishes; new ones work.
    func swallowRequests() { for pair in state.withLock({ $0.pairs }) { pair.isDeaf.set() } }

    /// The next request that holds this text ends its connection, and does not reach the server.
    func breakNextRequest(with text: String) { state.withLock { $0.fatal = Array(text.utf8) } }

    /// Whether ``breakNextRequest(with:)`` is still to come.
    var isBreakAhead: Bool { state.withLock { $0.fatal != nil } }

    @Sendable
    private func takesFatal(_ bytes: ByteBuffer) -> Bool {
        state.withLock { state in
            guard let fatal = state.fatal, Array(bytes.readableBytesView).contains(fatal) else { return false }
            state.fatal = nil
            return true
        }
    }

    /// Ends all connections on the client's side. The server's ends stay open, as after a router's restart.
    func cut() async {
        let all = state.withLock { state in
            defer { state = State(fatal: state.fatal) }
            return state.pairs
        }
        for pair in all { try? await pair.client.close() }
        abandoned.withLock { $0 += all.map(\.server) }
    }

    private let abandoned = Mutex<[any Channel]>([])

    func stop() async {
        await cut()
        for channel in abandoned.withLock({ $0 }) { try? await channel.close() }
        try? await listener.withLock { $0 }?.close()
    }

    /// Writes what it reads to the other channel, while it may.
    private final class Pump: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let breaksAt: @Sendable (ByteBuffer) -> Bool
        private let isOpen: @Sendable () -> Bool

        init(to other: any Channel, breaksAt: @escaping @Sendable (ByteBuffer) -> Bool = { _ in false }, while isOpen: @escaping @Sendable () -> Bool) {
            self.other = other
            self.breaksAt = breaksAt
            self.isOpen = isOpen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !breaksAt(unwrapInboundIn(data)) else { return context.close(promise: nil) }
            if isOpen() { other.writeAndFlush(unwrapInboundIn(data), promise: nil) }
        }
    }
}
