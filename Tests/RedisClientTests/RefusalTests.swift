import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import Testing

@Suite("Servers that take nobody", .timeLimit(.minutes(1)))
struct RefusalTests {
    private static func listener(saying text: String) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                // Behind our greeting, so that nothing of it is on its way when the server closes: that would reset the connection.
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Refusal(text)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    private static func configuration(_ channel: any Channel) -> RedisConfiguration {
        RedisConfiguration(address: .tcp(host: "127.0.0.1", port: channel.localAddress?.port ?? 0))
    }

    @Test("the reason that a server gives before it closes is in the error", arguments: [nil, "someone"])
    func reason(clientName: String?) async throws {
        for text in ["DENIED Redis is running in protected mode", "ERR max number of clients reached"] {
            let server = try await Self.listener(saying: text)
            var configuration = Self.configuration(server)
            configuration.clientName = clientName
            let error = await #expect(throws: RedisClientError.self) { try await RedisConnection.connect(configuration, logger: TestServer.logger) }
            #expect(error.map { String(describing: $0).contains(text) } == true, "\(String(describing: error))")
            try await server.close()
        }
    }

    @Test("a reason is logged once, however many attempts fail for it")
    func log() async throws {
        let server = try await Self.listener(saying: "DENIED as a test")
        let lines = LogLines()
        let client = RedisClient(
            Self.configuration(server), backoff: ReconnectBackoff(first: .milliseconds(1), longest: .milliseconds(2), onDemand: .milliseconds(1)),
            logger: lines.logger)
        for _ in 0..<20 { await #expect(throws: RedisClientError.self) { try await client.send(RedisCommand("PING")) } }
        try await TestServer.eventually("many attempts") { lines.all.count(where: { $0.text.contains("Can't connect") }) > 10 }
        #expect(lines.all.count(where: { $0.level >= .notice }) == 1)
        await client.shutdown()
        try await server.close()
    }
}

/// Says why, and closes.
private final class Refusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let text: String

    init(_ text: String) { self.text = text }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "-\(text)\r\n")), promise: nil)
        context.close(promise: nil)
    }
}

/// What was logged.
private final class LogLines: Sendable {
    private let lines = Mutex<[(level: Logger.Level, text: String)]>([])

    var all: [(level: Logger.Level, text: String)] { lines.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.lines.withLock { $0.append((event.level, "\(event.message)")) } }
    }
}
