import ApiumCore
import DynamicJSON
import Testing

@Suite("Control messages")
struct ControlMessageTests {
    private func envelope(_ body: String, headers: String = "{}", properties: String = #"{"body_encoding":"utf-8"}"#) -> [UInt8] {
        Array(
            #"{"body":\#(JSONValue.string(body).text),"content-encoding":"utf-8","content-type":"application/json","headers":\#(headers),"properties":\#(properties)}"#
                .utf8)
    }

    @Test("a request as kombu publishes it is read, with its clock and where the reply goes")
    func kombusRequest() throws {
        let body =
            #"{"method": "ping", "arguments": {}, "destination": null, "pattern": null, "matcher": null, "ticket": "t-1", "reply_to": "#
            + #"{"exchange": "reply.celery.pidbox", "routing_key": "oid-1"}}"#
        let request = try ControlRequest(decoding: envelope(body, headers: #"{"clock": 17, "expires": 1795418127.5}"#))
        #expect(request.method == "ping")
        #expect(request.ticket == "t-1")
        #expect(request.replyTo == .init(exchange: "reply.celery.pidbox", routingKey: "oid-1"))
        #expect(request.clock == 17)
        #expect(request.expires == 1795418127.5)
        #expect(request.isFor("anybody@host"))
    }

    @Test("a request comes back as it was encoded, in base 64 and with the exchange it is published to")
    func requestRoundTrip() throws {
        let request = ControlRequest(
            "rate_limit", arguments: ["task_name": "a", "rate_limit": "10/m"], destination: ["w@h"], ticket: "t",
            replyTo: .init(exchange: "reply.celery.pidbox", routingKey: "o"), clock: 3, expires: 4.5)
        let encoded = try request.envelope(exchange: "celery.pidbox").encoded()
        #expect(try ControlRequest(decoding: encoded) == request)
        #expect(try ControlEnvelope(decoding: encoded).exchange == "celery.pidbox")
    }

    @Test("a reply is an object with the node's name, the question's ticket and the clock")
    func reply() throws {
        let reply = ControlReply(node: "w@h", value: ["ok": "pong"], ticket: "t-1", clock: 9)
        let envelope = reply.envelope(to: .init(exchange: "reply.celery.pidbox", routingKey: "oid"))
        #expect(envelope.body == ["w@h": ["ok": "pong"]])
        #expect(envelope.headers == ["ticket": "t-1", "clock": 9])
        #expect(try ControlReply(decoding: envelope.encoded()) == reply)
        let written = try JSONValue(parsing: envelope.encoded())
        #expect(written["properties"]?["delivery_mode"] == 1)
        #expect(written["properties"]?["delivery_info"] == ["exchange": "reply.celery.pidbox", "routing_key": "oid"])
    }

    @Test(
        "what is no request is refused with a reason",
        arguments: [
            "[]", "{}", #"{"method": 7}"#, #"{"method": "ping", "arguments": [1]}"#, "null", "not json",
        ])
    func refused(_ body: String) {
        #expect(throws: ApiumError.self) { try ControlRequest(decoding: envelope(body)) }
    }

    @Test("damaged envelopes are refused: no JSON, no body, a body that is not base 64, compressed or in another format")
    func damaged() {
        let payloads = [
            Array("no json".utf8), Array("{}".utf8), [], [0xFF, 0xFE], envelope("???", properties: #"{"body_encoding":"base64"}"#),
            envelope("{}", headers: #"{"compression":"application/x-gzip"}"#),
            Array(#"{"body":"{}","content-type":"application/x-python-serialize","properties":{},"headers":{}}"#.utf8),
        ]
        for payload in payloads { #expect(throws: ApiumError.self) { try ControlEnvelope(decoding: payload) } }
    }

    @Test("a destination counts before a pattern, and a pattern needs a matcher")
    func addressing() {
        #expect(ControlRequest("ping", destination: ["a@h"], pattern: "*", matcher: "glob").isFor("a@h"))
        #expect(!ControlRequest("ping", destination: ["a@h"], pattern: "*", matcher: "glob").isFor("b@h"))
        #expect(ControlRequest("ping", destination: []).isFor("b@h"))
        #expect(ControlRequest("ping", pattern: "nothing").isFor("b@h"))
        #expect(!ControlRequest("ping", pattern: "*", matcher: "unknown").isFor("b@h"))
    }

    @Test(
        "glob patterns are matched whole and expressions at the start",
        arguments: [
            ("w*@h", "glob", "worker@h", true), ("w?", "glob", "w1", true), ("w?", "glob", "w12", false), ("w[0-3]@h", "glob", "w2@h", true),
            ("w[!0-3]@h", "glob", "w2@h", false), ("w[", "glob", "w[", true), ("*a*a*a*a*a*a*b", "glob", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            (#"w\d+"#, "pcre", "w12@h", true), (#"\d+"#, "pcre", "w12@h", false), ("(", "pcre", "(", false),
            ("w(1|2)@[a-z(]+", "pcre", "w2@h", true), ("(?:w|v)\\d{1,3}", "pcre", "w12@h", true),
            // What may be tried in very many ways matches nothing, at once.
            ("(?:(?:(?:.*)*)*)*z", "pcre", "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", false), ("(w|ww)+@", "pcre", "ww@", false),
            ("(w)\\1", "pcre", "ww@h", false), ("w{1000}", "pcre", String(repeating: "w", count: 1000), false), ("w|w)(", "pcre", "w", false),
        ])
    func patterns(_ pattern: String, _ matcher: String, _ name: String, _ isMatch: Bool) throws {
        #expect(try #require(NodePattern(pattern, matcher: matcher)).matches(name) == isMatch)
    }

    @Test("the clock moves on with what is sent and past what is received, and no message can end it")
    func clock() {
        let clock = LamportClock()
        #expect(clock.forward() == 1)
        #expect(clock.adjust(10) == 11)
        #expect(clock.adjust(3) == 12)
        #expect(clock.adjust(.max) == 13)
        #expect(clock.adjust(-5) == 14)
        #expect(clock.value == 14)
    }

    @Test("one event goes under its own routing key, several as a list under the group's")
    func events() throws {
        let one = WorkerEvent("worker-heartbeat", node: "w@h", at: Timestamp(seconds: 1.5), clock: 4, pid: 7, fields: ["freq": 2.0])
        let single = try #require(WorkerEvent.envelope(of: [one], exchange: "celeryev"))
        #expect(single.routingKey == "worker.heartbeat")
        #expect(single.headers == ["hostname": "w@h"])
        #expect(
            single.body == [
                "type": "worker-heartbeat", "hostname": "w@h", "timestamp": 1.5, "clock": 4, "pid": 7, "utcoffset": 0.0, "freq": 2.0,
            ])
        let tasks = ["task-received", "task-started"].map { WorkerEvent($0, node: "w@h", at: Timestamp(seconds: 2), clock: 5, pid: 7) }
        let several = try #require(WorkerEvent.envelope(of: tasks, exchange: "celeryev"))
        #expect(several.routingKey == "task.multi")
        #expect(WorkerEvent.events(in: try ControlEnvelope(decoding: several.encoded())) == tasks)
        #expect(WorkerEvent.envelope(of: [], exchange: "celeryev") == nil)
        #expect(WorkerEvent(json: ["hostname": "x"]) == nil)
    }

    @Test("a stamp revokes what carries one of its values, alone or in a list")
    func stamps() {
        let control = ControlState(revokedStamps: ["a": ["x", 4242]], terminatedStamps: ["a": ["x"]])
        func message(_ stamps: [String: JSONValue]?) -> Message {
            var message = Message(headers: .init(task: "t", id: "1"), body: .init(bytes: []))
            message.headers.stamps = stamps
            return message
        }
        #expect(control.forbids(message(["a": "x"])))
        #expect(control.forbids(message(["a": 4242])))
        #expect(control.forbids(message(["a": ["y", "x"]])))
        #expect(!control.forbids(message(["a": "4242"])))
        #expect(!control.forbids(message(["b": "x"])))
        #expect(!control.forbids(message(nil)))
        #expect(control.stops(message(["a": "x"])))
        #expect(!control.stops(message(["a": 4242])))
    }
}
