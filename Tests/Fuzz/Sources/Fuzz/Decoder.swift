import Compression
import DynamicJSON

@testable import ApiumCore
@testable import Crontabs
@testable import RedisDecoding

/// What is tried: a decoder of bytes from elsewhere, and a law that holds for what it accepts.
enum Decoder: String, CaseIterable {
    case json, envelope, body, signature, control, result, typed, instants, compression, resp, url, crontab, zone

    func run(_ bytes: [UInt8]) {
        switch self {
        case .json: json(bytes)
        case .envelope: envelope(bytes)
        case .body: body(bytes)
        case .signature: signature(bytes)
        case .control: control(bytes)
        case .result: result(bytes)
        case .typed: typed(bytes)
        case .instants: instants(bytes)
        case .compression: compression(bytes)
        case .resp: resp(bytes)
        case .url: _ = try? RedisConfiguration(url: String(decoding: bytes, as: UTF8.self))
        case .crontab: crontab(bytes)
        case .zone: zone(bytes)
        }
    }

    private func json(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes) else { return }
        check((try? JSONValue(parsing: value.encoded())) == value, "a JSON value comes back as it was written")
    }

    /// Reads a worker's messages; it has seen all inputs before.
    private static let reader = MessageReader(accepting: .json)

    private func envelope(_ bytes: [UInt8]) {
        let alone = try? Message(decoding: bytes)
        // The second time its shape is known.
        for _ in 0..<2 { check((try? Self.reader.message(bytes)) == alone, "a message that comes after others is what it is alone") }
        guard let message = alone else { return }
        guard let again = try? Message(decoding: message.encoded()) else { return check(false, "a message is read as it was written") }
        check(again.headers == message.headers, "headers come back as they were written")
        check(again.body == message.body || message.body.transferEncoding == .utf8, "a body comes back as it was written")
        _ = try? message.arguments(accepting: AcceptedContent(decompressedLimit: 1 << 20))
        _ = (message.crashes, message.joining, message.loss("x", at: Timestamp(microseconds: 0)))
    }

    private func body(_ bytes: [UInt8]) {
        let message = Message(headers: .init(task: "t", id: "i"), body: .init(bytes: bytes))
        guard let arguments = try? message.arguments() else { return }
        let again = Message(headers: .init(task: "t", id: "i"), body: arguments.encodedBody())
        check((try? again.arguments()) == arguments, "arguments come back as they were written")
        _ = (PythonText.list(arguments.args), PythonText.dictionary(arguments.kwargs))
    }

    private func signature(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes), let signature = try? Signature(json: value) else { return }
        check((try? Signature(json: signature.json)) == signature, "a signature comes back as it was written")
        _ = try? Dispatcher(now: Timestamp(microseconds: 0), makeID: { "id" }).plan(signature)
    }

    private func control(_ bytes: [UInt8]) {
        if let request = try? ControlRequest(decoding: bytes) {
            guard let again = try? ControlRequest(decoding: request.envelope(exchange: "e").encoded()) else {
                return check(false, "a control request is read as it was written")
            }
            check(again.method == request.method && again.arguments == request.arguments, "a control request comes back as it was written")
        }
        _ = try? ControlReply(decoding: bytes)
        guard let envelope = try? ControlEnvelope(decoding: bytes) else { return }
        for event in WorkerEvent.events(in: envelope) { check(WorkerEvent(json: event.json)?.type == event.type, "an event comes back as it was written") }
    }

    private func result(_ bytes: [UInt8]) {
        guard let document = try? ResultDocument(decoding: bytes, accepting: AcceptedContent(decompressedLimit: 1 << 20)) else { return }
        guard let again = try? ResultDocument(decoding: document.encoded()) else { return check(false, "a result is read as it was written") }
        check(again.result == document.result && again.state == document.state && again.id == document.id, "a result comes back as it was written")
        _ = JobFailure(value: document.result)?.description
    }

    private func typed(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes), let typed = value.typed else { return }
        check(typed.json.typed == typed, "a typed value comes back as it was written")
        let decoder = JSONValueDecoder()
        _ = (try? decoder.decode(Timestamp.self, from: value), try? decoder.decode(ExactDecimal.self, from: value))
    }

    private func instants(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let instant = Timestamp(iso8601: text), (1...9998).contains(Int(instant.iso8601.prefix(4)) ?? 0) {
            check(Timestamp(iso8601: instant.iso8601) == instant || instant.iso8601.hasPrefix("0001-01-01"), "an instant comes back as it was written")
        }
        if let time = TimeOfDay(iso8601: text) { check(TimeOfDay(iso8601: time.iso8601) == time, "a time comes back as it was written") }
        if let date = CalendarDate(iso8601: text) { check(CalendarDate(iso8601: date.iso8601) == date, "a date comes back as it was written") }
        _ = (ZonedTime(iso8601: text)?.iso8601, ExactDecimal(text)?.doubleValue, UniqueID(text)?.hex)
    }

    /// The first byte chooses the format.
    private func compression(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let format = CompressionFormat.allCases[Int(first) % CompressionFormat.allCases.count]
        guard let output = try? format.decompress(Array(bytes.dropFirst()), limit: 1 << 16) else { return }
        check(output.count <= 1 << 16, "nothing decompresses beyond the limit")
    }

    /// In one piece and byte by byte the same replies come out.
    private func resp(_ bytes: [UInt8]) {
        check(replies(bytes, step: max(bytes.count, 1)) == replies(bytes, step: 1), "replies do not depend on how their bytes come")
    }

    private func replies(_ bytes: [UInt8], step: Int) -> [String] {
        guard let decoder = try? RESPDecoder() else { return [] }
        var found: [String] = []
        bytes.withUnsafeBytes { buffer in
            for start in stride(from: 0, to: buffer.count, by: step) {
                let piece = UnsafeRawBufferPointer(rebasing: buffer[start..<min(start + step, buffer.count)])
                do { try decoder.decode(piece) { found.append("\($0)") } } catch { return }
            }
        }
        return found
    }

    private func crontab(_ bytes: [UInt8]) {
        guard let crontab = try? Crontab(String(decoding: bytes, as: UTF8.self)) else { return }
        check((try? Crontab(crontab.description)) == crontab, "a crontab comes back as it was written")
    }

    /// A compiled time zone. Whatever it says, its offsets are bounded, and a slot is later than the instant it is asked for.
    private func zone(_ bytes: [UInt8]) {
        guard let info = ZoneInfo.read(bytes), let crontab = try? Crontab("30 2 * * *") else { return }
        let zone = ScheduleZone(name: "fuzzed", info: info)
        for second in [0, 1_000_000_000, 1_800_000_000, -3_000_000_000] + info.transitions.suffix(4).map({ min(max($0, -10_000_000_000), 10_000_000_000) }) {
            check(ZoneInfo.isOffset(info.offset(at: second)), "an offset is less than 26 hours")
            let instant = Timestamp(microseconds: Int64(second) * 1_000_000)
            if let slot = crontab.next(after: instant, in: zone) { check(slot > instant, "a slot is later than the instant it is asked for") }
        }
    }
}
