import DynamicJSON
import Randomness
import Testing

@testable import ApiumCore

@Suite("Random values of every codec")
struct CodecPropertyTests {
    @Test("signatures come back as they were, in every form")
    func signatures() throws {
        var random = SplitMix(seed: 21)
        for _ in 0..<1500 {
            let signature = Signature.random(&random)
            #expect(try Signature(json: signature.json) == signature)
            #expect(try Signature(json: JSONValue(parsing: signature.json.encoded())) == signature)
        }
    }

    @Test("arguments come back as they were under every compression")
    func compressed() throws {
        var random = SplitMix(seed: 22)
        for round in 0..<600 {
            let arguments = TaskArguments.random(&random)
            var message = Message.random(&random)
            message.body.transferEncoding = round.isMultiple(of: 2) ? .base64 : .utf8
            try message.setArguments(arguments, as: ContentFormat(compression: BodyCompression.allCases[round % 3]))
            #expect(try Message(decoding: message.encoded()).arguments() == arguments)
        }
    }

    @Test("control requests and replies come back as they were")
    func control() throws {
        var random = SplitMix(seed: 23)
        for _ in 0..<1000 {
            let address = random.maybe { ControlRequest.ReplyAddress(exchange: $0.text(), routingKey: $0.text()) }
            let request = ControlRequest(
                random.text(), arguments: random.object(depth: 2), destination: random.maybe { $0.array { $0.text() } }, pattern: random.maybe { $0.text() },
                matcher: random.maybe { $0.text() }, ticket: address.map { _ in random.text() }, replyTo: address, clock: Int64(random.below(1 << 40)),
                expires: Double(random.below(1 << 40)) / 1000)
            #expect(try ControlRequest(decoding: request.envelope(exchange: "celery.pidbox").encoded()) == request)
            let reply = ControlReply(node: random.key(), value: random.json(), ticket: random.maybe { $0.text() }, clock: Int64(random.below(1 << 40)))
            #expect(try ControlReply(decoding: reply.envelope(to: .init(exchange: "e", routingKey: "k")).encoded()) == reply)
        }
    }

    @Test("events come back as they were, alone and many together")
    func events() throws {
        var random = SplitMix(seed: 24)
        for _ in 0..<600 {
            let events = (0...random.below(4)).map { _ in WorkerEvent.random(&random) }
            let envelope = try #require(WorkerEvent.envelope(of: events, exchange: "celeryev"))
            #expect(WorkerEvent.events(in: try ControlEnvelope(decoding: envelope.encoded())) == events)
        }
    }
}

extension Signature {
    fileprivate static func random(_ random: inout SplitMix) -> Signature {
        let own: Set<String> = ["task", "args", "kwargs", "options", "subtask_type", "immutable"]
        return Signature(
            random.text(), args: random.array { $0.json() }, kwargs: random.object(depth: 2), options: SignatureOptions(random.object(depth: 2)),
            subtaskType: random.maybe { ["chain", "group", "chord", "xmap", "xstarmap", "chunks"][$0.below(6)] }, immutable: random.coin(),
            extra: random.object(depth: 1).filter { !own.contains($0.key) })
    }
}

extension WorkerEvent {
    fileprivate static func random(_ random: inout SplitMix) -> WorkerEvent {
        let own: Set<String> = ["type", "hostname", "timestamp", "clock", "pid", "utcoffset"]
        return WorkerEvent(
            "task-" + random.text(), node: random.text(), at: Timestamp(microseconds: Int64(random.below(4_000_000_000)) * 1_000_000 + 250_000),
            clock: Int64(random.below(1 << 40)), pid: Int32(random.below(1 << 22)), utcOffset: Double(random.below(27) - 13),
            fields: random.object(depth: 2).filter { !own.contains($0.key) })
    }
}
