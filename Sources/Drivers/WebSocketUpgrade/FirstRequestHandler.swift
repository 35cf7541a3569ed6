import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Looks at the first bytes of a connection: a WebSocket handshake that is allowed upgrades; everything else is handed, byte
/// for byte, to the HTTP pipeline. Then it leaves.
///
/// It works on bytes because NIO's own upgrade handler loses the head of a request that asks for an upgrade and gets none.
/// All of it runs on the channel's event loop.
final class FirstRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// A head of a handshake is never larger; a longer first request is HTTP's, which has its own limits.
    static let maxHeadSize = 16 * 1024

    private let outcome: EventLoopPromise<WebSocketServerChannel.Outcome>
    private let timeout: Duration
    private let shouldUpgrade: WebSocketServerChannel.ShouldUpgrade
    private let makeHTTP: () -> EventLoopFuture<HTTP1Channel.Value>
    private let makeWebSocket: (WebSocketRequest) throws -> UpgradedChannel
    private let maxFrameSize: Int
    private var bytes = ByteBuffer()
    private var deadline: Scheduled<Void>?
    private var isDecided = false

    init(
        outcome: EventLoopPromise<WebSocketServerChannel.Outcome>, timeout: Duration, shouldUpgrade: @escaping WebSocketServerChannel.ShouldUpgrade,
        makeHTTP: @escaping () -> EventLoopFuture<HTTP1Channel.Value>, makeWebSocket: @escaping (WebSocketRequest) throws -> UpgradedChannel, maxFrameSize: Int
    ) {
        self.outcome = outcome
        self.timeout = timeout
        self.shouldUpgrade = shouldUpgrade
        self.makeHTTP = makeHTTP
        self.makeWebSocket = makeWebSocket
        self.maxFrameSize = maxFrameSize
    }

    /// A connection that says nothing is not kept.
    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) { bound.value.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        if !isDecided { outcome.fail(ChannelError.eof) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, !isDecided { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDecided else { return context.fireChannelRead(data) }
        bytes.writeImmutableBuffer(Self.unwrapInboundIn(data))
        // What does not begin as a GET is no handshake.
        guard bytes.readableBytesView.prefix(4).elementsEqual("GET ".utf8.prefix(bytes.readableBytes)) else { return serveHTTP(context) }
        switch HandshakeHead.read(bytes.readableBytesView, limit: Self.maxHeadSize) {
        case .incomplete: break
        case .malformed: serveHTTP(context)
        case .complete(let head):
            guard let request = Self.handshake(head, context.remoteAddress), shouldUpgrade(request.asked) else { return serveHTTP(context, instead: head) }
            upgrade(context, request, leftOver: head.length)
        }
    }

    /// The request of a proper handshake without a body; `nil` for anything else.
    private static func handshake(_ head: HandshakeHead, _ address: SocketAddress?) -> (head: HTTPRequestHead, asked: WebSocketRequest)? {
        let words = head.startLine.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[0] == "GET", words[1].hasPrefix("/"), words[2] == "HTTP/1.1",
            head.lists("websocket", in: "Upgrade"), head.lists("upgrade", in: "Connection"),
            !head.headers.contains(name: "Transfer-Encoding"), (head.headers.first(name: "Content-Length") ?? "0") == "0",
            head.headers["Host"].count == 1, head.headers["Sec-WebSocket-Key"].count == 1, head.headers.first(name: "Sec-WebSocket-Key")?.utf8.count == 24
        else { return nil }
        let asked = WebSocketRequest(
            target: String(words[1]), headers: head.headers.map { (name: $0.name, value: $0.value) }, remoteAddress: address?.ipAddress ?? "")
        return (HTTPRequestHead(version: .http1_1, method: .GET, uri: String(words[1]), headers: head.headers), asked)
    }

    private func serveHTTP(_ context: ChannelHandlerContext, instead declined: HandshakeHead? = nil) {
        isDecided = true
        if let declined, declined.headers.contains(name: "Upgrade") { bytes = Self.withoutUpgrade(declined, bytes) }
        makeHTTP().assumeIsolated().whenComplete { result in
            self.leave(context, result.map { .http($0) }, replaying: self.bytes)
        }
    }

    /// The request without its wish to upgrade, which a server may ignore (RFC 9110, 7.8): NIO's parser would read nothing
    /// after such a request, and the connection would hang.
    private static func withoutUpgrade(_ head: HandshakeHead, _ bytes: ByteBuffer) -> ByteBuffer {
        var text = head.startLine + "\r\n"
        for (name, value) in head.headers where name.lowercased() != "upgrade" {
            guard name.lowercased() == "connection" else {
                text += "\(name): \(value)\r\n"
                continue
            }
            let options = value.split(separator: ",").map { String($0).trimmedOfBlanks }.filter { $0.lowercased() != "upgrade" && !$0.isEmpty }
            if !options.isEmpty { text += "\(name): \(options.joined(separator: ", "))\r\n" }
        }
        var replay = ByteBuffer(string: text + "\r\n")
        replay.writeBytes(bytes.readableBytesView.dropFirst(head.length))
        return replay
    }

    /// Answers 101 and makes the rest of the pipeline; what came after the head is already frames.
    private func upgrade(_ context: ChannelHandlerContext, _ request: (head: HTTPRequestHead, asked: WebSocketRequest), leftOver length: Int) {
        isDecided = true
        let makeWebSocket = NIOLoopBound(self.makeWebSocket, eventLoop: context.eventLoop)
        let upgrader = NIOTypedWebSocketServerUpgrader<UpgradedChannel>(
            maxFrameSize: maxFrameSize, enableAutomaticErrorHandling: false,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeCompletedFuture { try makeWebSocket.value(request.asked) } })
        let channel = context.channel
        upgrader.buildUpgradeResponse(channel: channel, upgradeRequest: request.head, initialResponseHeaders: [:])
            .assumeIsolated()
            .flatMap { headers -> EventLoopFuture<UpgradedChannel> in
                context.writeAndFlush(NIOAny(Self.response(headers)), promise: nil)
                return upgrader.upgrade(channel: channel, upgradeRequest: request.head)
            }
            .whenComplete { result in
                self.bytes.moveReaderIndex(forwardBy: length)
                self.leave(context, result.map { .webSocket($0) }, replaying: self.bytes)
            }
    }

    private static func response(_ headers: HTTPHeaders) -> ByteBuffer {
        var text = "HTTP/1.1 101 Switching Protocols\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return ByteBuffer(string: text + "\r\n")
    }

    private func leave(_ context: ChannelHandlerContext, _ result: Result<WebSocketServerChannel.Outcome, any Error>, replaying bytes: ByteBuffer) {
        outcome.completeWith(result)
        guard case .success = result else { return context.close(promise: nil) }
        if bytes.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(bytes))
        }
        self.bytes = ByteBuffer()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
