import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Asks for the upgrade as soon as the connection is up, reads the answer, makes the session's pipeline and leaves.
///
/// All of it runs on the channel's event loop.
final class ClientHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let address: WebSocketAddress
    private let headers: [(name: String, value: String)]
    private let configuration: WebSocketConfiguration
    private let outcome: EventLoopPromise<UpgradedChannel>
    private let upgrader: NIOTypedWebSocketClientUpgrader<UpgradedChannel>
    private var bytes = ByteBuffer()
    private var deadline: Scheduled<Void>?
    private var isDone = false
    private var isAsked = false

    init(
        address: WebSocketAddress, headers: [(name: String, value: String)], configuration: WebSocketConfiguration, outcome: EventLoopPromise<UpgradedChannel>
    ) {
        self.address = address
        self.headers = headers
        self.configuration = configuration
        self.outcome = outcome
        let request = WebSocketRequest(target: address.target, remoteAddress: address.host)
        upgrader = NIOTypedWebSocketClientUpgrader(maxFrameSize: configuration.maxMessageSize, enableAutomaticErrorHandling: false) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try UpgradedChannel.make(channel, role: .client, configuration: configuration, request: request)
            }
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: TimeAmount(configuration.handshakeTimeout)) { [address] in
            let (handler, context) = bound.value
            handler.fail(context, WebSocketError(.timedOut, "\(address) has not answered the handshake in time"))
        }
        if context.channel.isActive { ask(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        if !isDone { fail(context, WebSocketError(.unreachable, "\(address) closed the connection during the handshake")) }
    }

    func channelActive(context: ChannelHandlerContext) {
        ask(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context, WebSocketError(.unreachable, "\(address) closed the connection during the handshake"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDone else { return context.fireErrorCaught(error) }
        fail(context, WebSocketError(.unreachable, "\(address): \(error)"))
    }

    private func ask(_ context: ChannelHandlerContext) {
        guard !isAsked else { return }
        isAsked = true
        var fields = HTTPHeaders([("Host", address.authority), ("Connection", "Upgrade"), ("Upgrade", "websocket")])
        upgrader.addCustom(upgradeRequestHeaders: &fields)
        var text = "GET \(address.target) HTTP/1.1\r\n"
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        context.writeAndFlush(NIOAny(ByteBuffer(string: text + "\r\n")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return context.fireChannelRead(data) }
        bytes.writeImmutableBuffer(Self.unwrapInboundIn(data))
        switch HandshakeHead.read(bytes.readableBytesView, limit: 16 * 1024) {
        case .incomplete: break
        case .malformed: fail(context, WebSocketError(.handshakeFailed, "\(address) does not speak HTTP"))
        case .complete(let head): finish(context, head)
        }
    }

    private func finish(_ context: ChannelHandlerContext, _ head: HandshakeHead) {
        let words = head.startLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            return fail(context, WebSocketError(.handshakeFailed, "\(address) does not speak HTTP/1.1"))
        }
        guard status == 101 else {
            return fail(context, WebSocketError(.refused, "\(address) answered \(status) to the handshake", status: status))
        }
        let response = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: head.headers)
        guard head.lists("websocket", in: "Upgrade"), head.lists("upgrade", in: "Connection"), upgrader.shouldAllowUpgrade(upgradeResponse: response),
            !head.headers.contains(name: "Sec-WebSocket-Extensions"), !head.headers.contains(name: "Sec-WebSocket-Protocol")
        else {
            return fail(context, WebSocketError(.handshakeFailed, "\(address) answered 101 without the proper Upgrade, Connection and Sec-WebSocket-Accept"))
        }
        upgrader.upgrade(channel: context.channel, upgradeResponse: response).assumeIsolated().whenComplete { result in
            self.leave(context, result, leftOver: head.length)
        }
    }

    private func leave(_ context: ChannelHandlerContext, _ result: Result<UpgradedChannel, any Error>, leftOver length: Int) {
        switch result {
        case .failure(let error): fail(context, WebSocketError(.handshakeFailed, "the session could not be made: \(error)"))
        case .success(let upgraded):
            isDone = true
            outcome.succeed(upgraded)
            bytes.moveReaderIndex(forwardBy: length)
            if bytes.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(bytes)) }
            bytes = ByteBuffer()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ error: WebSocketError) {
        guard !isDone else { return }
        isDone = true
        outcome.fail(error)
        context.close(promise: nil)
    }
}
