import NIOCore
import NIOPosix
import RedisClient
import Testing

@Suite("What takes long to transfer")
struct SlowTransferTests {
    @Test("a command that takes longer to send than the server may take to answer is sent once, and answered")
    func upload() async throws {
        let server = try await SlowServer.start()
        let connection = try await RedisConnection.connect(server.configuration(commandTimeout: .seconds(2)), logger: TestServer.logger)
        let reply = try await connection.send(RedisCommand("SET", "key", [UInt8](repeating: 120, count: SlowServer.taken)))
        #expect(try reply.asString() == "taken")
        await connection.close()
        try await server.stop()
    }

    @Test("an answer that takes longer to receive than the server may take to answer arrives")
    func download() async throws {
        let server = try await SlowServer.start()
        let connection = try await RedisConnection.connect(server.configuration(commandTimeout: .milliseconds(400)), logger: TestServer.logger)
        #expect(try await connection.send(RedisCommand("GET", "long")).asBytes().count == SlowServer.length)
        await connection.close()
        try await server.stop()
    }

    @Test("a server that takes nothing of a long command is dead after the time in which it must answer")
    func deaf() async throws {
        let server = try await SlowServer.start(isDeaf: true)
        let connection = try await RedisConnection.connect(server.configuration(commandTimeout: .milliseconds(200)), logger: TestServer.logger)
        await #expect { try await connection.send(RedisCommand("SET", "key", [UInt8](repeating: 120, count: 32 << 20))) } throws: { error in
            (error as? RedisClientError)?.code == .timedOut
        }
        await connection.close()
        try await server.stop()
    }
}

/// Says that it has been greeted, takes what follows slowly, and answers when it has all of it; "GET" is answered by a long text, slowly.
private final class SlowServer: Sendable {
    static let length = 2 << 20
    static let taken = 24 << 20
    private let channel: any Channel

    private init(_ channel: any Channel) { self.channel = channel }

    static func start(isDeaf: Bool = false) async throws -> SlowServer {
        SlowServer(
            try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.socketOption(.so_rcvbuf), value: 64 << 10)
                .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Script(isDeaf: isDeaf)) }
                }
                .bind(host: "127.0.0.1", port: 0).get())
    }

    func configuration(commandTimeout: Duration) -> RedisConfiguration {
        var configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: channel.localAddress?.port ?? 0))
        configuration.commandTimeout = commandTimeout
        return configuration
    }

    func stop() async throws { try await channel.close() }

    /// Confined to the event loop.
    private final class Script: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let isDeaf: Bool
        private var received = 0
        private var isGreeted = false

        init(isDeaf: Bool) { self.isDeaf = isDeaf }

        func channelActive(context: ChannelHandlerContext) { context.read() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            guard isGreeted else {
                isGreeted = true
                write(":1\r\n", context)
                if !isDeaf { context.read() }
                return
            }
            received += bytes.readableBytes
            if bytes.getString(at: bytes.readerIndex, length: min(bytes.readableBytes, 64))?.contains("GET") == true {
                write("$\(SlowServer.length)\r\n", context)
                send(SlowServer.length, context)
            } else if received > SlowServer.taken {
                write("+taken\r\n", context)
            }
            // All of it in five seconds, of which what the kernels hold takes the last one.
            later(.milliseconds(13), context) { $0.read() }
        }

        /// 2 MiB in a second and a half.
        private func send(_ left: Int, _ context: ChannelHandlerContext) {
            guard left > 0 else { return write("\r\n", context) }
            let part = min(left, 64 << 10)
            write(String(repeating: "x", count: part), context)
            later(.milliseconds(50), context) { self.send(left - part, $0) }
        }

        private func write(_ text: String, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }

        private func later(_ time: TimeAmount, _ context: ChannelHandlerContext, _ body: @escaping (ChannelHandlerContext) -> Void) {
            context.eventLoop.assumeIsolated().scheduleTask(in: time) { body(context) }
        }
    }
}
