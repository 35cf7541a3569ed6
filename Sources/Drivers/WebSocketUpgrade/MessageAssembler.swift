import NIOCore
import NIOWebSocket

/// Makes messages of frames by the rules of RFC 6455; a value, so that the rules can be tested without a connection.
struct MessageAssembler {
    /// What a frame means.
    enum Event: Equatable {
        /// A message is whole.
        case message(WebSocketMessage)
        /// Answer with a pong of the same bytes.
        case ping(ByteBuffer)
        /// The other side lives.
        case pong
        /// The other side closes.
        case close(WebSocketClose)
        /// A part of a message; there is more to come.
        case more
    }

    /// A broken rule: the code to close with, and words for the log.
    struct Violation: Error, Equatable {
        var code: WebSocketClose.Code
        var reason: String
    }

    private let role: WebSocketRole
    private let limit: Int
    private var opcode: WebSocketOpcode?
    private var gathered = ByteBuffer()

    init(role: WebSocketRole, limit: Int) {
        self.role = role
        self.limit = limit
    }

    /// Takes the next frame.
    mutating func receive(_ frame: WebSocketFrame) throws(Violation) -> Event {
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else { throw Violation(code: .protocolError, reason: "a reserved bit is set") }
        guard (frame.maskKey != nil) == (role == .server) else {
            throw Violation(code: .protocolError, reason: role == .server ? "a client's frame is not masked" : "a server's frame is masked")
        }
        let data = frame.unmaskedData
        switch frame.opcode {
        case .text, .binary: return try begin(frame.opcode, data, isFinal: frame.fin)
        case .continuation: return try append(data, isFinal: frame.fin)
        case .ping: return .ping(data)
        case .pong: return .pong
        case .connectionClose: return .close(try Self.close(data))
        default: throw Violation(code: .protocolError, reason: "a reserved opcode")
        }
    }

    private mutating func begin(_ opcode: WebSocketOpcode, _ data: ByteBuffer, isFinal: Bool) throws(Violation) -> Event {
        guard self.opcode == nil else { throw Violation(code: .protocolError, reason: "a message begins inside another") }
        guard data.readableBytes <= limit else { throw tooBig }
        if isFinal { return .message(try Self.message(opcode, data)) }
        self.opcode = opcode
        gathered = data
        return .more
    }

    private mutating func append(_ data: ByteBuffer, isFinal: Bool) throws(Violation) -> Event {
        guard let opcode else { throw Violation(code: .protocolError, reason: "a continuation without a beginning") }
        guard gathered.readableBytes + data.readableBytes <= limit else { throw tooBig }
        gathered.writeImmutableBuffer(data)
        guard isFinal else { return .more }
        let whole = gathered
        self.opcode = nil
        gathered = ByteBuffer()
        return .message(try Self.message(opcode, whole))
    }

    private var tooBig: Violation { Violation(code: .messageTooBig, reason: "a message above \(limit) bytes") }

    private static func message(_ opcode: WebSocketOpcode, _ data: ByteBuffer) throws(Violation) -> WebSocketMessage {
        guard opcode == .text else { return .binary(data) }
        guard let text = String(validating: data.readableBytesView, as: UTF8.self) else {
            throw Violation(code: .invalidText, reason: "text that is not UTF-8")
        }
        return .text(text)
    }

    /// Reads a close frame's payload: nothing, or a code and a reason.
    static func close(_ data: ByteBuffer) throws(Violation) -> WebSocketClose {
        var data = data
        guard data.readableBytes > 0 else { return WebSocketClose(.noStatus, isRemote: true) }
        guard let number = data.readInteger(as: UInt16.self) else { throw Violation(code: .protocolError, reason: "half a close code") }
        let code = WebSocketClose.Code(rawValue: number)
        guard code.isSendable else { throw Violation(code: .protocolError, reason: "\(number) is no close code") }
        guard let reason = String(validating: data.readableBytesView, as: UTF8.self) else {
            throw Violation(code: .invalidText, reason: "a close reason that is not UTF-8")
        }
        return WebSocketClose(code, reason: reason, isRemote: true)
    }

    /// The payload of a close frame: the reason is cut at a character so that it fits 123 bytes.
    static func payload(_ close: WebSocketClose) -> ByteBuffer {
        var buffer = ByteBuffer()
        guard close.code.isSendable else { return buffer }
        buffer.writeInteger(close.code.rawValue)
        var reason = close.reason
        while reason.utf8.count > 123 { reason.unicodeScalars.removeLast() }
        buffer.writeString(reason)
        return buffer
    }
}
