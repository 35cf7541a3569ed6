import ApiumCore
import DynamicJSON
import Testing

@Suite("Messages as Celery writes them")
struct MessageDecodingTests {
    @Test("every captured message is read, and comes back as it was after writing", arguments: Fixtures.names)
    func roundTrip(name: String) throws {
        let message = try Fixtures.message(name)
        #expect(try Message(decoding: message.encoded()) == message)
    }

    @Test(
        "a message of protocol 2 keeps every member of kombu's envelope after writing, but for what every reader fills in",
        arguments: Fixtures.names.filter { !$0.hasPrefix("protocol-1") })
    func sameEnvelope(name: String) throws {
        let original = try Fixtures.bytes(name)
        #expect(try JSONValue(parsing: Message(decoding: original).encoded()).completedEnvelope == JSONValue(parsing: original).completedEnvelope)
    }

    @Test("headers, properties and arguments of a plain call")
    func plain() throws {
        let message = try Fixtures.message("plain")
        #expect(message.task == "shop.add")
        #expect(message.id == "6e2a5f0e-1c0c-4f5b-9d7e-0d4a5b6c7d01")
        #expect(message.headers.lang == "py")
        #expect(message.headers.rootID == message.id)
        #expect(message.headers.argsRepr == "(1, 2)")
        #expect(message.headers.ignoreResult == false)
        #expect(message.headers.stamps == nil)
        #expect(message.headers.custom.isEmpty)
        #expect(message.properties.correlationID == message.id)
        #expect(message.properties.routingKey == "celery")
        #expect(message.properties.deliveryTag?.count == 36)
        #expect(message.properties.extra.isEmpty)
        #expect(message.body.transferEncoding == .base64)
        #expect(try message.arguments() == TaskArguments(args: [1, 2], kwargs: ["z": 3]))
    }

    @Test("ETA, expiry, limits, retries and queue")
    func options() throws {
        let message = try Fixtures.message("eta-expires-limits")
        #expect(message.headers.eta == "2026-11-23T03:29:57.545882+00:00")
        #expect(message.headers.expires == "2026-11-23T04:28:57.545882+00:00")
        #expect(message.headers.hardTimeLimit == 30)
        #expect(message.headers.softTimeLimit == 20.5)
        #expect(message.headers.retries == 2)
        #expect(message.headers.shadow == "alias")
        #expect(message.properties.expiration == "3600000")
        #expect(message.properties.routingKey == "checks")
    }

    @Test("escapes in headers and body are resolved, and the exact priority is kept")
    func escapes() throws {
        let message = try Fixtures.message("unicode-priority")
        #expect(message.properties.priority == 5)
        #expect(message.headers.kwargsRepr == "{'ключ': 'значение'}")
        #expect(try message.arguments() == TaskArguments(args: ["é😀\"\\\n", [1.5, nil, true], ["a": ["b": []]]], kwargs: ["ключ": "значение"]))
    }

    @Test("custom headers and unknown properties are carried along")
    func custom() throws {
        let message = try Fixtures.message("custom-headers")
        #expect(message.headers.custom == ["celery_beat_task": true, "tenant": ["id": 7, "tags": ["a"]]])
        #expect(message.headers.ignoreResult == true)
        #expect(message.properties.extra == ["app_id": "web"])
        #expect(message.properties.replyTo == "r")
    }

    @Test(
        "of a header that stands twice the last counts, whatever it is, and comes back as it was after writing",
        arguments: [
            ("argsrepr", "[1]", #""a""#), ("argsrepr", #""a""#, "[1]"), ("lang", #""py""#, "[1]"), ("lang", "[1]", #""py""#), ("ignore_result", "7", "true"),
            ("ignore_result", "true", "7"), ("stamps", #"{"a":["b"]}"#, "7"), ("stamps", "7", #"{"a":["b"]}"#), ("stamped_headers", #"["a"]"#, "[1]"),
        ])
    func twice(name: String, first: String, last: String) throws {
        func message(_ members: String) throws -> Message {
            try Message(decoding: Array(#"{"body":"","headers":{"task":"t","id":"i",\#(members)},"properties":{"body_encoding":"utf-8"}}"#.utf8))
        }
        let read = try message(#""\#(name)":\#(first),"\#(name)":\#(last)"#)
        #expect(try read == message(#""\#(name)":\#(last)"#))
        #expect(try Message(decoding: read.encoded()).headers == read.headers)
    }

    @Test("callbacks, error callbacks and the rest of a chain are signatures as they stand on the wire")
    func embed() throws {
        let calls = try Fixtures.message("callbacks").arguments().embed
        #expect(calls.callbacks?.first?["task"] == "shop.add")
        #expect(calls.errbacks?.first?["immutable"] == true)
        #expect(calls.chain == nil)
        let chain = try Fixtures.message("chain").arguments().embed.chain
        #expect(chain?.map { $0["args"]?[0]?.intValue } == [3, 2])
    }

    @Test("stamps and group")
    func stampsAndGroup() throws {
        let stamped = try Fixtures.message("stamped").headers
        #expect(stamped.stampedHeaders == ["region"])
        #expect(stamped.stamps == ["region": "eu"])
        let grouped = try Fixtures.message("group-of-one").headers
        #expect(grouped.groupIndex == 0)
        #expect(grouped.group != nil)
    }

    @Test("a body that stands in the envelope as text is read and written back as text")
    func textBody() throws {
        let message = try Fixtures.message("utf8-body")
        #expect(message.body.transferEncoding == .utf8)
        #expect(try message.arguments() == TaskArguments(args: [1, "é\""], kwargs: ["q": "\\"]))
    }

    @Test("kombu's typed values stay the objects they are on the wire")
    func taggedValues() throws {
        let args = try Fixtures.message("tagged-values").arguments().args
        #expect(
            args == [
                ["__type__": "datetime", "__value__": "2026-11-22T23:14:38.112215+00:00"], ["__type__": "decimal", "__value__": "12.50"],
                ["__type__": "uuid", "__value__": ["hex": "6e2a5f0e1c0c4f5b9d7e0d4a5b6c7d01"]], ["__type__": "base64", "__value__": "/wA="],
                ["__type__": "bytes", "__value__": "text"], ["__type__": "date", "__value__": "2026-01-02"], ["__type__": "time", "__value__": "03:04:05"],
            ])
    }

    @Test("a message of protocol 1 becomes one of protocol 2")
    func protocolOne() throws {
        let message = try Fixtures.message("protocol-1")
        #expect(message.task == "shop.add")
        #expect(message.headers.custom == ["mine": 1])
        #expect(message.headers.rootID == nil)
        #expect(message.headers.argsRepr == "[8, 8]")
        #expect(try message.arguments() == TaskArguments(args: [8, 8], kwargs: ["k": 1]))
        #expect(try Fixtures.message("protocol-1-eta").headers.eta == "2030-01-01T00:00:00")
    }

    @Test("headers of protocol 2 over a body of protocol 1 are read")
    func hybrid() throws {
        let body = Message.Body(bytes: Array(#"{"args":[1],"callbacks":{"task":"t"}}"#.utf8))
        let arguments = try Message(headers: .init(task: "t", id: "i"), body: body).arguments()
        #expect(arguments.args == [1])
        #expect(arguments.kwargs == [:])
        #expect(arguments.embed.callbacks == [["task": "t"]])
    }

    @Test("a compressed body is read")
    func compressed() throws {
        #expect(try Fixtures.message("compressed").arguments().args.count == 1)
    }

    @Test("a pickled body is refused by name, its headers are still read")
    func pickled() throws {
        let message = try Fixtures.message("pickle")
        #expect(message.task == "shop.add")
        let error = #expect(throws: ApiumError.self) { try message.arguments() }
        #expect(error?.code == .refusedContent)
        #expect(error?.message.contains("pickle") == true)
    }
}
