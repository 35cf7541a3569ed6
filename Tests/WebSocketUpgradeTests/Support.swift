import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import WebSocketUpgrade

/// A server on a free port of the loopback interface: its HTTP side answers 404 with the request's path, its WebSockets run `handler`.
struct TestServer: Sendable {
    var port: Int
    var stop: @Sendable () async throws -> Void

    var address: String { "ws://127.0.0.1:\(port)/ws" }

    static func run(
        configuration: WebSocketConfiguration = WebSocketConfiguration(),
        shouldUpgrade: @escaping WebSocketServerChannel.ShouldUpgrade = { $0.path == "/ws" },
        handler: @escaping WebSocketServerChannel.Handler = echo,
        _ body: @Sendable @escaping (TestServer) async throws -> Void
    ) async throws {
        let responder: HTTPChannelHandler.Responder = { request, writer, _ in
            let status: Int = request.headers[.authorization] == nil ? 404 : 401
            var writer = try await writer.writeHead(.init(status: .init(code: status), headerFields: [.contentLength: "\(request.uri.path.utf8.count)"]))
            try await writer.write(ByteBuffer(string: request.uri.path))
            try await writer.finish(nil)
        }
        let setup = WebSocketServerChannel(responder: responder, configuration: configuration, shouldUpgrade: shouldUpgrade, handler: handler)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = Server(
            childChannelSetup: SmallBuffers(base: setup), configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
                let port = try #require(await ports.first { _ in true })
                let result: Result<Void, any Error>
                do {
                    result = .success(try await body(TestServer(port: port, stop: { try await server.shutdownGracefully() })))
                } catch {
                    result = .failure(error)
                }
                try await server.shutdownGracefully()
                try result.get()
            }
            try await group.waitForAll()
        }
    }
}

/// Keeps the system's buffers small, so that a test of back pressure need not fill megabytes.
private struct SmallBuffers<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.setOption(.socketOption(.so_rcvbuf), value: 128 * 1024).flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

/// Sends every message back.
@Sendable func echo(_ session: WebSocketSession, _: Logger) async throws {
    for try await message in session.messages { try await session.send(message) }
}

/// A connection that sends what a test says, byte for byte.
struct RawConnection {
    let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    static func open<Value: Sendable>(port: Int, _ body: @escaping @Sendable (RawConnection) async throws -> Value) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(inbound: inbound, outbound: outbound))
        }
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    /// Everything until the other side hangs up.
    func rest() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in inbound { bytes += Array(part.readableBytesView) }
        return bytes
    }

    /// What comes up to and with these bytes.
    func until(_ end: [UInt8]) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in inbound {
            bytes += Array(part.readableBytesView)
            if bytes.suffix(end.count).elementsEqual(end) { break }
        }
        return bytes
    }

    static let handshake = [
        "GET /ws HTTP/1.1", "Host: shop", "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
    ].joined(separator: "\r\n")

    /// A masked client frame with the mask 0, so that its payload can be read here.
    static func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [first, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload
    }
}

/// Fails a test that waits for something that never comes.
func within<Value: Sendable>(_ what: String, limit: Duration = .seconds(10), _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw TimedOut(what: what)
        }
        defer { group.cancelAll() }
        return try #require(try await group.next())
    }
}

struct TimedOut: Error { var what: String }

/// Counts, and lets a test wait for a count.
final class Counter: Sendable {
    private let value = Mutex(0)
    private let changes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    var count: Int { value.withLock { $0 } }

    func add() {
        value.withLock { $0 += 1 }
        changes.continuation.yield()
    }

    /// Waits; one task at a time.
    func reach(_ wanted: Int) async throws {
        if count >= wanted { return }
        for await _ in changes.stream where count >= wanted { return }
        throw CancellationError()
    }
}

/// A listener that answers every connection with the same bytes, or with nothing.
enum SilentServer {
    static func run(answering answer: String = "", _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { child in
                if !answer.isEmpty { child.writeAndFlush(ByteBuffer(string: answer), promise: nil) }
                return child.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(channel.localAddress?.port ?? 0)
        } catch {
            try? await channel.close()
            throw error
        }
        try await channel.close()
    }
}
