import DynamicJSON
import Randomness
import Testing

@testable import ApiumCore

@Suite("Messages read one after another")
struct MessageReaderTests {
    @Test("a message whose like was read before is what it is alone", arguments: Fixtures.names.filter { !$0.hasPrefix("protocol-1") })
    func sameAsAlone(name: String) throws {
        let bytes = try Fixtures.bytes(name)
        let shape = try #require(try noted(bytes))
        #expect(try shape.message(bytes) == Message(decoding: bytes))
        // Ours writes it in another way: that is another shape.
        var random = SplitMix(seed: 31)
        let written = try Message(decoding: bytes).encoded()
        let own = try #require(try noted(written))
        for _ in 0..<50 {
            var message = try Message(decoding: written)
            message.headers.id = random.text()
            if message.headers.rootID != nil { message.headers.rootID = random.text() }
            if message.headers.argsRepr != nil { message.headers.argsRepr = random.text() }
            message.properties.deliveryTag = random.text()
            message.properties.correlationID = message.properties.correlationID.map { _ in message.id }
            if message.body.transferEncoding == .base64 { message.body.bytes = Array(random.text().utf8) }
            let other = message.encoded()
            #expect(try own.message(other) == Message(decoding: other))
        }
    }

    @Test("texts of other messages take the places of the first's, whatever they are")
    func replaced() throws {
        let first = try Fixtures.message("plain")
        let shape = try #require(try noted(Fixtures.bytes("plain")))
        var text = try String(decoding: Fixtures.bytes("plain"), as: UTF8.self)
        for (old, new) in [(first.id, #"other \"id\" é\u00e9"#), ("(1, 2)", ""), (try #require(first.properties.deliveryTag), "tag")] {
            text = text.replacing("\"\(old)\"", with: "\"\(new)\"")
        }
        let message = try #require(shape.message(Array(text.utf8)))
        #expect(try message == Message(decoding: Array(text.utf8)))
        #expect(message.id == "other \"id\" éé")
        #expect(message.headers.rootID == message.id && message.properties.correlationID == message.id)
        #expect(message.headers.argsRepr == "")
        #expect(message.headers.kwargsRepr == first.headers.kwargsRepr)
    }

    @Test("the id stands for a correlation id that is left out, each message's own")
    func correlation() throws {
        let (first, second) = (envelope(id: "first"), envelope(id: "second"))
        let shape = try #require(try noted(first))
        #expect(shape.message(second)?.properties.correlationID == "second")
        #expect(try shape.message(second) == Message(decoding: second))
    }

    @Test("a header of another's own may differ from message to message")
    func custom() throws {
        let (first, second) = (envelope(more: #","traceparent":"00-1""#), envelope(more: #","traceparent":"00-2""#))
        let shape = try #require(try noted(first))
        #expect(shape.message(second)?.headers.custom == ["traceparent": "00-2"])
        #expect(shape.message(first)?.headers.custom == ["traceparent": "00-1"])
    }

    @Test(
        "members that stand twice are what they are alone",
        arguments: [
            #","eta":"a","eta":"b""#, #","eta":null,"eta":"b""#, #","eta":"a","eta":null"#, #","x":"a","x":1"#, #","x":1,"x":"a""#, #","id":"a","id":"b""#,
            #","argsrepr":7,"argsrepr":"b""#, #","argsrepr":"a","argsrepr":7"#, #","\u0069d":"escaped""#, #"},"headers":{"group":"g""#,
            #"},"headers":null,"x":{"#,
        ])
    func twice(members: String) throws {
        let reader = MessageReader(accepting: .json)
        let bytes = envelope(more: members)
        for _ in 0..<3 { #expect(try reader.message(bytes) == Message(decoding: bytes)) }
    }

    @Test("messages of protocol 1 and of no protocol are left to the whole reader")
    func others() throws {
        let reader = MessageReader(accepting: .json)
        for name in Fixtures.names {
            let bytes = try Fixtures.bytes(name)
            #expect(try reader.message(bytes) == Message(decoding: bytes))
            if name.hasPrefix("protocol-1") { #expect(try noted(bytes) == nil) }
        }
        #expect(code { try reader.message(Array("{}".utf8)) } == .malformedMessage)
    }

    @Test("damaged messages are refused, and changed ones read, as if each were the first", arguments: ["plain", "utf8-body", "custom-headers"])
    func damaged(name: String) throws {
        let sound = try Fixtures.bytes(name)
        let reader = MessageReader(accepting: .json)
        var random = SplitMix(seed: 32)
        for _ in 0..<4000 {
            #expect(try reader.message(sound) == Message(decoding: sound))
            var bytes = sound
            let place = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            default: bytes.insert(Array("\"\\{},: 0\u{7F}".utf8)[random.below(9)], at: place)
            }
            #expect(outcome { try reader.message(bytes) } == outcome { try Message(decoding: bytes) })
        }
    }

    @Test("a shape stays known while messages come that are all different")
    func mixed() throws {
        let reader = MessageReader(accepting: .json)
        var random = SplitMix(seed: 33)
        for round in 0..<2000 {
            let bytes = round.isMultiple(of: 2) ? envelope(id: "id-\(round)") : Message.random(&random).encoded()
            #expect(outcome { try reader.message(bytes) } == outcome { try Message(decoding: bytes) })
        }
    }

    private func envelope(id: String = "i", more: String = "") -> [UInt8] {
        Array(
            #"{"body":"W1tdLHt9LHt9XQ==","content-encoding":"utf-8","content-type":"application/json","headers":{"task":"t","id":"\#(id)"\#(more)},"properties":{"body_encoding":"base64"}}"#
                .utf8)
    }

    private func noted(_ bytes: [UInt8]) throws -> MessageShape? {
        let message = try Message(decoding: bytes)
        return bytes.withUnsafeBufferPointer { MessageShape(of: message, bytes: $0) }
    }

    /// What a reader makes of bytes, or says of them.
    private func outcome(_ read: () throws -> Message) -> Result<Message, Refusal> {
        Result { try read() }.mapError { Refusal(text: "\($0)") }
    }

    private struct Refusal: Error, Equatable { let text: String }
}

extension MessageShape {
    fileprivate func message(_ bytes: [UInt8]) -> Message? { bytes.withUnsafeBufferPointer { message($0) } }
}
