import ApiumCore
import DynamicJSON
import Randomness
import Testing

/// An envelope around given headers, properties and body.
private func envelope(
    headers: String = #"{"task":"t","id":"i"}"#, properties: String = #"{"body_encoding":"base64"}"#, body: String = #""W1tdLHt9LHt9XQ==""#,
    type: String = #""application/json""#
) -> [UInt8] {
    Array(#"{"body":\#(body),"content-encoding":"utf-8","content-type":\#(type),"headers":\#(headers),"properties":\#(properties)}"#.utf8)
}

@Suite("Messages nobody should send")
struct HostileMessageTests {
    @Test("the envelope the other tests damage is sound")
    func sound() throws {
        #expect(try Message(decoding: envelope()).arguments() == TaskArguments())
    }

    @Test(
        "what is no message is malformed",
        arguments: [
            "", " ", "{", "[]", "null", "1", "\"x\"", "{}", "{}{}", #"{"body":"","headers":{"task":"t","id":"i"}} x"#, #"{"body":null}"#,
            #"{"body":5,"headers":{}}"#,
            #"{"headers":{"task":"t","id":"i"}}"#, #"{"body":"" "headers":{}}"#, #"{"body":"",}"#, #"{"body""#, #"{"body":"abc"#, "{\"bo\ndy\":\"\"}",
            "\u{FEFF}{}",
            #"{"body":"","headers":[]}"#, #"{"body":"","headers":{"task":"t"},"properties":7}"#,
        ])
    func malformed(text: String) {
        #expect(code { try Message(decoding: Array(text.utf8)) } == .malformedMessage || code { try Message(decoding: Array(text.utf8)) } == .refusedContent)
    }

    @Test(
        "a header that decides what happens must have its type",
        arguments: [
            #"{"task":"t"}"#, #"{"task":7,"id":"i"}"#, #"{"task":"t","id":7}"#, #"{"task":"t","id":"i","eta":1}"#, #"{"task":"t","id":"i","expires":[]}"#,
            #"{"task":"t","id":"i","retries":"1"}"#, #"{"task":"t","id":"i","retries":1.5}"#, #"{"task":"t","id":"i","retries":99999999999999999999}"#,
            #"{"task":"t","id":"i","retries":9223372036854775807}"#, #"{"task":"t","id":"i","retries":-1}"#,
            #"{"task":"t","id":"i","replaced_task_nesting":4294967296}"#,
            #"{"task":"t","id":"i","timelimit":[1]}"#, #"{"task":"t","id":"i","timelimit":["1",null]}"#, #"{"task":"t","id":"i","group":{}}"#,
        ])
    func wrongTypes(headers: String) {
        #expect(code { try Message(decoding: envelope(headers: headers)) } == .malformedMessage)
    }

    @Test(
        "of the head of a message that is not read whole any number is taken, brought into bounds",
        arguments: [("9223372036854775807", Int(Int32.max)), ("-9223372036854775808", 0), ("1e300", 0), ("7", 7), ("\"7\"", 0)])
    func headNumbers(text: String, retries: Int) throws {
        let head = try #require(Message(headOf: envelope(headers: #"{"task":"t","id":"i","retries":\#(text),"timelimit":[\#(text),\#(text)]}"#)))
        #expect(head.id == "i" && head.headers.retries == retries)
    }

    @Test("a header or property nothing depends on may have any type, and is kept")
    func harmlessTypes() throws {
        let bytes = envelope(
            headers: #"{"task":"t","id":"i","origin":7,"shadow":["s"],"argsrepr":{"a":1},"stamps":5}"#,
            properties:
                #"{"body_encoding":"base64","correlation_id":5,"priority":"high","delivery_mode":"2","delivery_info":{"exchange":"","priority":3},"x":1e5}"#)
        let message = try Message(decoding: bytes)
        #expect(message.properties.priority == 0)
        let again = try JSONValue(parsing: message.encoded())
        #expect(again["headers"]?["origin"] == 7)
        #expect(again["headers"]?["shadow"] == ["s"])
        #expect(again["headers"]?["argsrepr"] == ["a": 1])
        #expect(again["headers"]?["stamps"] == 5)
        #expect(again["properties"]?["correlation_id"] == 5)
        #expect(again["properties"]?["delivery_mode"] == "2")
        #expect(again["properties"]?["delivery_info"]?["priority"] == 3)
        #expect(again["properties"]?["x"] == 100_000.0)
        #expect(try Message(decoding: message.encoded()).headers == message.headers)
    }

    @Test("a priority out of range is brought into it", arguments: [("-3", 0), ("12", 9), ("4", 4), ("null", 0), ("true", 0), ("9223372036854775807", 9)])
    func priority(text: String, priority: Int) throws {
        #expect(try Message(decoding: envelope(properties: #"{"body_encoding":"base64","priority":\#(text)}"#)).properties.priority == priority)
    }

    @Test("redelivered counts wherever it stands, and is written in both places")
    func redelivered() throws {
        let inHeaders = try Message(decoding: envelope(headers: #"{"task":"t","id":"i","redelivered":true}"#))
        let inProperties = try Message(decoding: envelope(properties: #"{"body_encoding":"base64","delivery_info":{"redelivered":true}}"#))
        #expect(inHeaders.properties.redelivered && inProperties.properties.redelivered)
        let written = try JSONValue(parsing: inProperties.encoded())
        #expect(written["headers"]?["redelivered"] == true)
        #expect(written["properties"]?["delivery_info"]?["redelivered"] == true)
    }

    @Test("a custom header cannot take the place of one of Celery's")
    func shadowing() throws {
        var message = try Message(decoding: envelope())
        message.headers.custom = ["id": "other", "task": "other", "redelivered": true, "mine": 1]
        let again = try Message(decoding: message.encoded())
        #expect(again.id == "i" && again.task == "t" && !again.properties.redelivered)
        #expect(again.headers.custom == ["mine": 1])
    }

    @Test("a body that is not the base64 it is said to be is malformed", arguments: ["W1tdLHt9LHt9XQ=", "W1td*Ht9", "=", "A", "AA=A", "AAA=AAAA", "é"])
    func badBase64(body: String) {
        #expect(code { try Message(decoding: envelope(body: "\"\(body)\"")) } == .malformedMessage)
    }

    @Test("an unknown transfer encoding is refused")
    func unknownTransferEncoding() {
        #expect(code { try Message(decoding: envelope(properties: #"{"body_encoding":"rot13"}"#)) } == .refusedContent)
    }

    @Test(
        "a body of the wrong shape is malformed",
        arguments: [
            "", "{", "[]", "[[],{}]", "[[],{},{},{}]", "[{},{},{}]", "[[],[],{}]", "[[],{},[]]", "7", "null", "[null,{},{}]", #"{"args":7}"#, #"{"kwargs":[]}"#,
        ])
    func badBody(text: String) throws {
        let message = Message(headers: .init(task: "t", id: "i"), body: .init(bytes: Array(text.utf8)))
        #expect(code { try message.arguments() } == .malformedMessage)
    }

    @Test(
        "a content type or charset other than JSON in UTF-8 is refused",
        arguments: [("application/x-yaml", "utf-8"), ("application/json", "utf-16"), ("", "utf-8")])
    func otherContent(type: String, charset: String) {
        let body = Message.Body(bytes: Array("[[],{},{}]".utf8), contentType: type, contentEncoding: charset)
        #expect(code { try Message(headers: .init(task: "t", id: "i"), body: body).arguments() } == .refusedContent)
    }

    @Test("nesting without end is malformed and costs no stack")
    func deep() {
        let deep = String(repeating: "[", count: 500_000)
        #expect(code { try Message(decoding: envelope(headers: #"{"task":"t","id":"i","x":\#(deep)}"#)) } == .malformedMessage)
        #expect(code { try Message(decoding: Array(deep.utf8)) } == .malformedMessage)
        let message = Message(headers: .init(task: "t", id: "i"), body: .init(bytes: Array("[\(deep)".utf8)))
        #expect(code { try message.arguments() } == .malformedMessage)
    }

    @Test("a message longer than the limit is malformed")
    func size() throws {
        let bytes = envelope()
        #expect(code { try Message(decoding: bytes, sizeLimit: bytes.count - 1) } == .malformedMessage)
        #expect(try Message(decoding: bytes, sizeLimit: bytes.count).id == "i")
    }

    @Test("text that is not UTF-8 is malformed")
    func invalidUTF8() {
        var bytes = envelope(headers: #"{"task":"t?","id":"i"}"#)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "?") { bytes[index] = 0xFF }
        #expect(code { try Message(decoding: bytes) } == .malformedMessage)
    }

    @Test("an error does not quote the message's data")
    func noSecrets() {
        let error = #expect(throws: ApiumError.self) { try Message(decoding: envelope(headers: #"{"task":"t","id":"i","x":secret}"#)) }
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test("damaged captures are read or refused as messages are, and never crash", arguments: Fixtures.names)
    func fuzz(name: String) throws {
        var random = SplitMix(seed: 20_261_123)
        let original = try Fixtures.bytes(name).prefix(1500)
        for _ in 0..<600 {
            var bytes = Array(original)
            for _ in 0...random.below(4) {
                let index = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.insert("\"\\{}[],:0n".utf8.randomElement(using: &random) ?? 0, at: index)
                case 2: bytes.removeSubrange(index..<min(index + random.below(9), bytes.count))
                default: bytes.replaceSubrange(index..<index, with: bytes[..<min(40, bytes.count)])
                }
                if bytes.isEmpty { bytes = [0] }
            }
            do {
                let message = try Message(decoding: bytes)
                let again = try Message(decoding: message.encoded())
                #expect(again.headers == message.headers)
                _ = try message.arguments()
            } catch let error as ApiumError {
                #expect([.malformedMessage, .refusedContent].contains(error.code))
            }
        }
    }
}
