import DynamicJSON
import Randomness
import Testing

@testable import ApiumCore

@Suite("Messages we write")
struct MessageEncodingTests {
    @Test("what every reader fills in is left out, and the delivery tag comes last")
    func plainMessage() throws {
        let bytes = Message(headers: .init(task: "t", id: "i"), body: TaskArguments(args: [1]).encodedBody()).encoded()
        let envelope = try JSONValue(parsing: bytes)
        let tag = try #require(envelope["properties"]?["delivery_tag"]?.stringValue)
        #expect(
            envelope == [
                "body": "[[1],{},{}]", "content-encoding": "utf-8", "content-type": "application/json", "headers": ["lang": "swift", "task": "t", "id": "i"],
                "properties": [
                    "delivery_info": ["exchange": "", "routing_key": ""], "priority": 0, "delivery_tag": .string(tag),
                ],
            ])
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix(#","delivery_tag":"\#(tag)"}}"#))
    }

    @Test("every header of protocol 2 that says something is written")
    func allHeaders() throws {
        var headers = Message.Headers(task: "t", id: "i")
        (headers.shadow, headers.eta, headers.expires, headers.group, headers.groupIndex) = ("s", "e", "x", "g", 0)
        (headers.retries, headers.timeLimit, headers.rootID, headers.parentID) = (1, (2, nil), "r", "p")
        (headers.argsRepr, headers.kwargsRepr, headers.origin, headers.ignoreResult) = ("()", "{}", "o", false)
        (headers.replacedTaskNesting, headers.stampedHeaders, headers.stamps) = (1, ["a"], ["a": 1])
        var message = Message(headers: headers, body: TaskArguments().encodedBody())
        (message.properties.correlationID, message.properties.deliveryMode) = ("c", 1)
        let envelope = try JSONValue(parsing: message.encoded())
        #expect(
            envelope["headers"] == [
                "lang": "swift", "task": "t", "id": "i", "shadow": "s", "eta": "e", "expires": "x", "group": "g", "group_index": 0, "retries": 1,
                "timelimit": [2, nil], "root_id": "r", "parent_id": "p", "argsrepr": "()", "kwargsrepr": "{}", "origin": "o", "ignore_result": false,
                "replaced_task_nesting": 1, "stamped_headers": ["a"], "stamps": ["a": 1],
            ])
        #expect(envelope["properties"]?["correlation_id"] == "c")
        #expect(envelope["properties"]?["delivery_mode"] == 1)
    }

    @Test("a plain message is at most 0.6 of Celery's")
    func size() throws {
        let payload = JSONValue.string(String(repeating: "x", count: 100))
        let call = TaskCall(task: "bench.noop", arguments: TaskArguments(args: [1234, payload]), options: .on(queue: "bench"))
        let id = "00000000-0000-4000-8000-000000000000"
        let outgoing = try Dispatcher(origin: "gen12345@localhost", now: Timestamp(microseconds: 0)) { id }.outgoing(call)
        // Celery 5.7 writes 1,174 bytes for this call, ids of 36 characters among them.
        #expect(outgoing.message.encoded().count <= 680)
    }

    @Test("a message without a delivery tag gets a new one each time it is written")
    func freshTags() throws {
        let message = Message(headers: .init(task: "t", id: "i"), body: TaskArguments().encodedBody())
        let tags = try (0..<2).map { _ in try Message(decoding: message.encoded()).properties.deliveryTag }
        #expect(tags[0] != nil && tags[0] != tags[1])
    }

    @Test("a body that is not UTF-8 is written as base64, whatever was asked for")
    func binaryBody() throws {
        let body = Message.Body(bytes: [0xFF, 0x00], contentType: "application/x-msgpack", contentEncoding: "binary", transferEncoding: .utf8)
        let again = try Message(decoding: Message(headers: .init(task: "t", id: "i"), body: body).encoded())
        #expect(again.body.bytes == [0xFF, 0x00])
    }

    @Test("a whole number of seconds is written without a fraction, one that is not finite as null")
    func timeLimits() throws {
        var message = Message(headers: .init(task: "t", id: "i"), body: TaskArguments().encodedBody())
        message.headers.timeLimit = (30, .infinity)
        #expect(String(decoding: message.encoded(), as: UTF8.self).contains(#""timelimit":[30,null]"#))
        message.headers.timeLimit = (1e300, 0.5)
        #expect(try Message(decoding: message.encoded()).headers == message.headers)
    }

    @Test("random messages come back as they were")
    func roundTrip() throws {
        var random = SplitMix(seed: 1)
        for _ in 0..<2000 {
            let message = Message.random(&random)
            #expect(try Message(decoding: message.encoded()) == message)
        }
    }

    @Test("random arguments come back as they were")
    func argumentsRoundTrip() throws {
        var random = SplitMix(seed: 2)
        for _ in 0..<2000 {
            let arguments = TaskArguments.random(&random)
            let message = Message(headers: .init(task: "t", id: "i"), body: arguments.encodedBody())
            #expect(try Message(decoding: message.encoded()).arguments() == arguments)
        }
    }

    @Test("the client's message is the one Celery's producer would write")
    func clientMessage() throws {
        var options = EnqueueOptions.on(queue: "checks")
        options.delay = .seconds(60)
        options.expires = .minutes(5)
        options.priority = 12
        let call = TaskCall(task: "shop.add", arguments: TaskArguments(args: [1], kwargs: ["a": "x"]), options: options)
        let outgoing = try Dispatcher(origin: "o", now: Timestamp(microseconds: 0)) { "id-1" }.outgoing(call)
        #expect(outgoing.queue == "checks")
        #expect(outgoing.delay == .seconds(60))
        #expect(outgoing.message.headers.eta == "1970-01-01T00:01:00.000000+00:00")
        #expect(outgoing.message.headers.expires == "1970-01-01T00:05:00.000000+00:00")
        #expect(outgoing.message.headers.rootID == "id-1")
        #expect(outgoing.message.headers.kwargsRepr == "{'a': 'x'}")
        #expect(outgoing.message.properties.priority == 9)
        #expect(outgoing.message.properties.routingKey == "checks")
    }
}

extension Message {
    /// A message with random members, as a reader could have got it.
    static func random(_ random: inout SplitMix) -> Message {
        var headers = Headers(task: random.text(), id: random.text())
        headers.lang = random.text()
        headers.shadow = random.maybe { $0.text() }
        headers.eta = random.maybe { $0.text() }
        headers.expires = random.maybe { $0.text() }
        headers.group = random.maybe { $0.text() }
        headers.groupIndex = random.maybe { $0.below(1000) }
        headers.retries = random.below(5)
        headers.timeLimit = (random.maybe { Double($0.below(100)) }, random.maybe { Double($0.below(100)) / 8 })
        headers.rootID = random.maybe { $0.text() }
        headers.parentID = random.maybe { $0.text() }
        headers.argsRepr = random.maybe { $0.text() }
        headers.kwargsRepr = random.maybe { $0.text() }
        headers.origin = random.maybe { $0.text() }
        headers.ignoreResult = random.maybe { $0.coin() }
        headers.replacedTaskNesting = random.below(3)
        headers.stampedHeaders = random.maybe { $0.array { $0.text() } }
        headers.stamps = random.maybe { ["s": $0.json()] }
        headers.compression = random.maybe { $0.text() }
        // A name no header of Celery's has.
        headers.custom = Dictionary(random.array { ("x-" + $0.key(), $0.json()) }, uniquingKeysWith: { $1 })
        return Message(headers: headers, properties: .random(&random), body: .random(&random))
    }
}

extension Message.Properties {
    static func random(_ random: inout SplitMix) -> Message.Properties {
        var properties = Message.Properties()
        properties.correlationID = random.text()
        properties.replyTo = random.maybe { $0.text() }
        properties.deliveryMode = 1 + random.below(2)
        properties.exchange = random.text()
        properties.routingKey = random.text()
        properties.priority = random.below(10)
        properties.redelivered = random.coin()
        properties.deliveryTag = random.text()
        properties.expiration = random.maybe { $0.text() }
        properties.extra = Dictionary(random.array { ("x-" + $0.key(), $0.json()) }, uniquingKeysWith: { $1 })
        return properties
    }
}

extension Message.Body {
    static func random(_ random: inout SplitMix) -> Message.Body {
        if random.coin() {
            return Message.Body(bytes: Array(random.text().utf8), contentType: random.text(), contentEncoding: random.text(), transferEncoding: .utf8)
        }
        return Message.Body(bytes: (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }, contentType: random.text())
    }
}

extension TaskArguments {
    static func random(_ random: inout SplitMix) -> TaskArguments {
        var embed = Embed()
        embed.callbacks = random.maybe { $0.array { $0.json() } }
        embed.errbacks = random.maybe { $0.array { $0.json() } }
        embed.chain = random.maybe { $0.array { $0.json() } }
        embed.chord = random.maybe { .object($0.object(depth: 2)) }
        embed.extra = Dictionary(random.array { ("x-" + $0.key(), $0.json()) }, uniquingKeysWith: { $1 })
        return TaskArguments(args: random.array { $0.json() }, kwargs: random.object(depth: 3), embed: embed)
    }
}
