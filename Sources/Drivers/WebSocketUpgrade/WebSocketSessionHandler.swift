import NIOCore
import NIOWebSocket
import Synchronization

/// What the handler and the session share: how the connection ended. The first entry stays.
final class CloseRecord: Sendable {
    private let close = Mutex<WebSocketClose?>(nil)

    var value: WebSocketClose? { close.withLock { $0 } }

    func note(_ close: WebSocketClose) {
        self.close.withLock { $0 = $0 ?? close }
    }
}

/// Asks the handler to close; sent as an outbound user event.
struct CloseRequest: Sendable {
    var close: WebSocketClose
}

/// Frames on the connection's side, messages on the session's side; pings, pongs and the closing handshake stay here.
///
/// All of it runs on the channel's event loop.
final class WebSocketSessionHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketMessage
    typealias OutboundIn = WebSocketMessage
    typealias OutboundOut = WebSocketFrame

    private enum State {
        case open
        /// The close frame is out; what still comes in is dropped.
        case closing
        case closed
    }

    private let role: WebSocketRole
    private let configuration: WebSocketConfiguration
    private let record: CloseRecord
    private var assembler: MessageAssembler
    private var state = State.open
    private var pings: RepeatedTask?
    private var closing: Scheduled<Void>?
    /// Pings since the last sign of life.
    private var unanswered = 0
    /// The session wants more. While it does not, the other side's pongs wait unread, and silence proves nothing.
    private var isReading = true
    /// Only the newest ping needs an answer (RFC 6455, 5.5.3), so that a flood of pings to a clogged connection costs nothing.
    private var owedPong: ByteBuffer?

    init(role: WebSocketRole, configuration: WebSocketConfiguration, record: CloseRecord) {
        self.role = role
        self.configuration = configuration
        self.record = record
        assembler = MessageAssembler(role: role, limit: configuration.maxMessageSize)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let interval = TimeAmount(configuration.pingInterval)
        pings = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let (handler, context) = bound.value
            handler.ping(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        record.note(WebSocketClose(.abnormal, isRemote: true))
        stop()
        context.fireChannelInactive()
    }

    private func stop() {
        pings?.cancel()
        closing?.cancel()
        (pings, closing) = (nil, nil)
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        isReading = true
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        context.fireChannelReadComplete()
        // The session may no longer ask for more; the answer to the close frame, or the end, is still to be read.
        if state != .open, !isReading { read(context: context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .closed else { return }
        unanswered = 0
        do {
            switch try assembler.receive(Self.unwrapInboundIn(data)) {
            case .message(let message): if state == .open { context.fireChannelRead(Self.wrapInboundOut(message)) }
            case .ping(let payload): pong(context, payload)
            case .close(let close): answerClose(context, close)
            case .pong, .more: break
            }
        } catch {
            fail(context, error.code, error.reason)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength: fail(context, .messageTooBig, "a frame above \(configuration.maxMessageSize) bytes")
        case let error as NIOWebSocketError: fail(context, .protocolError, String(describing: error))
        default:
            record.note(WebSocketClose(.abnormal, isRemote: true))
            context.fireErrorCaught(WebSocketError(.closed, "the connection broke: \(error)"))
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            close(context, WebSocketClose(.goingAway, reason: "shutting down"), within: configuration.closeTimeout)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state == .open else {
            promise?.fail(WebSocketError(.closed, "the WebSocket is closing"))
            return
        }
        switch Self.unwrapOutboundIn(data) {
        case .text(let text): send(context, .text, ByteBuffer(string: text), promise)
        case .binary(let bytes): send(context, .binary, bytes, promise)
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let request = event as? CloseRequest else { return context.triggerUserOutboundEvent(event, promise: promise) }
        close(context, request.close, within: configuration.closeTimeout)
        promise?.succeed()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, let payload = owedPong {
            owedPong = nil
            pong(context, payload)
        }
        context.fireChannelWritabilityChanged()
    }

    private func send(_ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer, _ promise: EventLoopPromise<Void>? = nil) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: role == .client ? .random() : nil, data: data)
        context.write(Self.wrapOutboundOut(frame), promise: promise)
    }

    // MARK: Signs of life

    private func ping(_ context: ChannelHandlerContext) {
        guard state == .open else { return }
        if isReading {
            guard unanswered < configuration.missedPings else { return giveUp(context) }
            unanswered += 1
        }
        if context.channel.isWritable {
            send(context, .ping, ByteBuffer())
            context.flush()
        }
    }

    private func giveUp(_ context: ChannelHandlerContext) {
        state = .closed
        record.note(WebSocketClose(.abnormal, reason: "\(unanswered) pings without an answer"))
        context.fireErrorCaught(WebSocketError(.lost, "\(unanswered) pings in a row got no answer"))
        context.close(promise: nil)
    }

    private func pong(_ context: ChannelHandlerContext, _ payload: ByteBuffer) {
        guard state == .open else { return }
        guard context.channel.isWritable else {
            owedPong = payload
            return
        }
        send(context, .pong, payload)
        context.flush()
    }

    // MARK: Closing

    /// This side closes: the frame goes out, and the connection ends with the other side's answer or after `timeout`.
    private func close(_ context: ChannelHandlerContext, _ close: WebSocketClose, within timeout: Duration) {
        guard state == .open else { return }
        state = .closing
        record.note(close)
        send(context, .connectionClose, MessageAssembler.payload(close))
        context.flush()
        closeConnection(context, after: timeout)
        if !isReading { read(context: context) }
    }

    /// The other side broke a rule: it is told, and has a second to hang up before this side does.
    private func fail(_ context: ChannelHandlerContext, _ code: WebSocketClose.Code, _ reason: String) {
        guard state == .open else { return }
        close(context, WebSocketClose(code, reason: reason), within: .seconds(1))
        context.fireErrorCaught(WebSocketError(.protocolViolation, reason))
    }

    /// The other side closes, or answers this side's close frame. The server ends the connection; the client gives it a second to do so.
    private func answerClose(_ context: ChannelHandlerContext, _ close: WebSocketClose) {
        if state == .open {
            record.note(close)
            send(context, .connectionClose, MessageAssembler.payload(close))
            context.flush()
        }
        state = .closed
        if !isReading { read(context: context) }
        switch role {
        case .server: context.close(promise: nil)
        case .client: closeConnection(context, after: .seconds(1))
        }
    }

    private func closeConnection(_ context: ChannelHandlerContext, after delay: Duration) {
        closing?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        closing = context.eventLoop.scheduleTask(in: TimeAmount(delay)) { bound.value.close(promise: nil) }
    }
}
