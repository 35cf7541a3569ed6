import NIOCore
import NIOWebSocket
import Testing

@testable import WebSocketUpgrade

@Suite("Frames become messages by the rules of RFC 6455")
struct MessageAssemblerTests {
    private func frame(
        _ opcode: WebSocketOpcode, _ bytes: [UInt8], fin: Bool = true, rsv1: Bool = false, mask: WebSocketMaskingKey? = [1, 2, 3, 4]
    ) -> WebSocketFrame {
        var data = ByteBuffer(bytes: bytes)
        if let mask { data.webSocketMask(mask) }
        return WebSocketFrame(fin: fin, rsv1: rsv1, opcode: opcode, maskKey: mask, data: data)
    }

    private func violation(of frames: [WebSocketFrame], limit: Int = 10) -> WebSocketClose.Code? {
        var assembler = MessageAssembler(role: .server, limit: limit)
        do {
            for frame in frames { _ = try assembler.receive(frame) }
            return nil
        } catch {
            return error.code
        }
    }

    @Test("fragments are joined, and a control frame may come between them")
    func fragments() throws {
        var assembler = MessageAssembler(role: .server, limit: 10)
        // The letter is torn apart: only the whole message has to be UTF-8.
        let letters = Array("жи".utf8)
        #expect(try assembler.receive(frame(.text, Array(letters[..<1]), fin: false)) == .more)
        #expect(try assembler.receive(frame(.ping, [7])) == .ping(ByteBuffer(bytes: [7])))
        #expect(try assembler.receive(frame(.continuation, [], fin: false)) == .more)
        #expect(try assembler.receive(frame(.continuation, Array(letters[1...]))) == .message(.text("жи")))
        #expect(try assembler.receive(frame(.binary, [0, 255])) == .message(.binary(ByteBuffer(bytes: [0, 255]))))
    }

    @Test("text that is not UTF-8 ends with 1007, whole or in fragments")
    func invalidText() {
        #expect(violation(of: [frame(.text, [0xC3, 0x28])]) == .invalidText)
        #expect(violation(of: [frame(.text, [0xC3], fin: false), frame(.continuation, [0x28])]) == .invalidText)
        #expect(violation(of: [frame(.text, [0xED, 0xA0, 0x80])]) == .invalidText)
        #expect(violation(of: [frame(.connectionClose, [0x03, 0xE8, 0xFF])]) == .invalidText)
    }

    @Test("a message above the limit ends with 1009, however it is cut")
    func tooBig() {
        #expect(violation(of: [frame(.binary, Array(repeating: 0, count: 10))]) == nil)
        #expect(violation(of: [frame(.binary, Array(repeating: 0, count: 11))]) == .messageTooBig)
        let part = Array(repeating: UInt8(0), count: 4)
        #expect(
            violation(of: [frame(.binary, part, fin: false), frame(.continuation, part, fin: false), frame(.continuation, part, fin: false)]) == .messageTooBig)
    }

    @Test("broken rules end with 1002")
    func violations() {
        #expect(violation(of: [frame(.text, [65], mask: nil)]) == .protocolError)
        #expect(violation(of: [frame(.text, [65], rsv1: true)]) == .protocolError)
        #expect(violation(of: [frame(.continuation, [65])]) == .protocolError)
        #expect(violation(of: [frame(.text, [65], fin: false), frame(.text, [65])]) == .protocolError)
        #expect(violation(of: [frame(.connectionClose, [3])]) == .protocolError)
        #expect(violation(of: [frame(.connectionClose, [0x03, 0xED])]) == .protocolError)
        #expect(violation(of: [frame(WebSocketOpcode(encodedWebSocketOpcode: 3)!, [])]) == .protocolError)
        var client = MessageAssembler(role: .client, limit: 10)
        #expect(throws: MessageAssembler.Violation.self) { try client.receive(frame(.text, [65])) }
    }

    @Test("a close frame's code and reason survive the trip, a long reason is cut at a character")
    func closePayload() throws {
        let close = WebSocketClose(.goingAway, reason: "до встречи", isRemote: true)
        #expect(try MessageAssembler.close(MessageAssembler.payload(close)) == close)
        let long = MessageAssembler.payload(WebSocketClose(.normal, reason: String(repeating: "ж", count: 100)))
        #expect(long.readableBytes == 124)
        #expect(try MessageAssembler.close(long).reason == String(repeating: "ж", count: 61))
        #expect(MessageAssembler.payload(WebSocketClose(.noStatus)).readableBytes == 0)
        #expect(try MessageAssembler.close(ByteBuffer()).code == .noStatus)
    }
}
