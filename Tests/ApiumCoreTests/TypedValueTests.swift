import DynamicJSON
import Randomness
import Testing

@testable import ApiumCore

/// One field of each type, as a job has them.
private struct Order: Codable, Hashable {
    var placed: Timestamp
    var local: ZonedTime
    var day: CalendarDate
    var opens: TimeOfDay
    var price: ExactDecimal
    var product: UniqueID
    var picture: ByteString
    var again: Timestamp?
    var prices: [ExactDecimal]
}

@Suite("kombu's typed values")
struct TypedValueTests {
    private func tagged(_ tag: String, _ value: JSONValue) -> JSONValue { ["__type__": .string(tag), "__value__": value] }

    @Test("a job's fields travel in kombu's tagged form and come back")
    func fields() throws {
        let order = Order(
            placed: Timestamp(microseconds: 1_795_389_278_112_215), local: try #require(ZonedTime(iso8601: "2026-11-23T00:14:38.000005+01:30")),
            day: try #require(CalendarDate(year: 2026, month: 2, day: 28)), opens: try #require(TimeOfDay(hour: 7, minute: 30)),
            price: try #require(ExactDecimal("19.90")), product: try #require(UniqueID("6e2a5f0e-1c0c-4f5b-9d7e-0d4a5b6c7d01")),
            picture: ByteString([0xFF, 0, 1]), again: nil, prices: [ExactDecimal(7)])
        let value = try JSONValueEncoder().encode(order)
        #expect(
            value == [
                "placed": tagged("datetime", "2026-11-22T23:14:38.112215+00:00"), "local": tagged("datetime", "2026-11-23T00:14:38.000005+01:30"),
                "day": tagged("date", "2026-02-28"), "opens": tagged("time", "07:30:00"), "price": tagged("decimal", "19.90"),
                "product": tagged("uuid", ["hex": "6e2a5f0e1c0c4f5b9d7e0d4a5b6c7d01"]), "picture": tagged("base64", "/wAB"),
                "prices": [tagged("decimal", "7")],
            ])
        #expect(try JSONValueDecoder().decode(Order.self, from: value) == order)
    }

    @Test("the plain texts that older senders write are read, too")
    func untagged() throws {
        let value: JSONValue = [
            "placed": "2026-11-22T23:14:38Z", "local": "2026-11-22T23:14:38", "day": "2026-02-28", "opens": "07:30", "price": "1e3",
            "product": "6e2a5f0e1c0c4f5b9d7e0d4a5b6c7d01", "picture": "é", "again": nil, "prices": [],
        ]
        let order = try JSONValueDecoder().decode(Order.self, from: value)
        #expect(order.placed == Timestamp(microseconds: 1_795_389_278_000_000))
        #expect(order.local.offset == nil)
        #expect(order.picture.bytes == [0xC3, 0xA9])
    }

    @Test("bytes that are UTF-8 travel as text, others as base 64", arguments: [[], [0x61], [0xC3, 0xA9], [0xC3], [0xFF, 0xFE], [0]] as [[UInt8]])
    func bytes(bytes: [UInt8]) throws {
        let json = TypedValue.bytes(ByteString(bytes)).json
        #expect(json["__type__"] == (String(validating: bytes, as: UTF8.self) == nil ? "base64" : "bytes"))
        #expect(json.typed == .bytes(ByteString(bytes)))
    }

    @Test(
        "an object of other keys is no typed value",
        arguments: [
            ["__type__": "date"], ["__type__": "date", "__value__": "2026-01-01", "x": 1], ["a": 1, "b": 2], "text", [1], nil,
        ] as [JSONValue])
    func other(value: JSONValue) { #expect(value.typed == nil) }

    @Test(
        "a tag that is not known, or a value that it does not allow, is kept as it is, and named when a field is decoded",
        arguments: [
            ("set", [1, 2]), ("datetime", "tomorrow"), ("datetime", 7), ("date", "2026-02-30"), ("time", "25:00"), ("time", "24:00"), ("decimal", "1,5"),
            ("decimal", 1.5), ("uuid", "6e2a5f0e1c0c4f5b9d7e0d4a5b6c7d01"), ("uuid", ["hex": "6e"]), ("base64", "!"), ("bytes", [1]),
        ] as [(String, JSONValue)])
    func unreadable(tag: String, value: JSONValue) throws {
        let json = tagged(tag, value)
        #expect(json.typed == .unreadable(tag: tag, value: value))
        #expect(json.typed?.json == json)
        let error = #expect(throws: DecodingError.self) { try JSONValueDecoder().decode([String: Timestamp].self, from: ["when": json]) }
        guard case .dataCorrupted(let context)? = error else { throw try #require(error) }
        #expect(context.debugDescription.contains("'\(tag)'"))
        #expect(context.codingPath.map(\.stringValue) == ["when"])
    }

    @Test("a typed value of another type is refused, and the error names both")
    func mismatch() throws {
        let error = #expect(throws: DecodingError.self) { try JSONValueDecoder().decode(Timestamp.self, from: tagged("decimal", "1")) }
        #expect("\(try #require(error))".contains("decimal"))
        #expect("\(try #require(error))".contains("Timestamp"))
        #expect(throws: DecodingError.self) { try JSONValueDecoder().decode(UniqueID.self, from: 7) }
    }

    @Test("what nobody decodes is carried along untouched")
    func carried() throws {
        let arguments = TaskArguments(kwargs: ["x": tagged("set", [1]), "y": tagged("datetime", "tomorrow")])
        #expect(try Message(headers: .init(task: "t", id: "i"), body: arguments.encodedBody()).arguments() == arguments)
    }

    @Test(
        "a time keeps its zone, or that it has none",
        arguments: [
            ("2026-11-22T23:14:38.112215+00:00", 0), ("2026-11-22T23:14:38", nil), ("1900-01-01T00:00:00+00:09:21", 561),
            ("2026-01-02T03:04:05-03:30", -12_600), ("0001-01-01T00:00:00+14:00", 50_400), ("9999-12-31T23:59:59.999999-12:00", -43_200),
        ] as [(String, Int?)])
    func zones(text: String, offset: Int?) throws {
        let time = try #require(ZonedTime(iso8601: text))
        #expect(time.offset == offset)
        #expect(time.iso8601 == text)
    }

    @Test(
        "a decimal keeps all of its digits", arguments: ["0", "-0.00", "+1", ".5", "5.", "1E+400", "1e-7", "Infinity", "-inf", "NaN", "sNaN12", "19.90"])
    func decimals(text: String) throws {
        #expect(ExactDecimal(text)?.text == text)
    }

    @Test(
        "what is no decimal is refused",
        arguments: ["", "-", ".", "1e", "e5", "1.2.3", "0x10", "1 ", "１", "1_000", "NaNx", "infinit", String(repeating: "1", count: 20_000)])
    func badDecimals(text: String) { #expect(ExactDecimal(text) == nil) }

    @Test("an id is read with and without hyphens, and nothing else is")
    func ids() throws {
        let id = try #require(UniqueID("6E2A5F0E-1C0C-4F5B-9D7E-0D4A5B6C7D01"))
        #expect(id.description == "6e2a5f0e-1c0c-4f5b-9d7e-0d4a5b6c7d01")
        #expect(UniqueID(id.hex) == id)
        #expect(UniqueID("00000000-0000-0000-0000-000000000001")?.hex == "00000000000000000000000000000001")
        for text in ["", "6e2a", String(repeating: "g", count: 32), String(repeating: "１", count: 32), String(repeating: "0", count: 33)] {
            #expect(UniqueID(text) == nil)
        }
    }

    @Test("random typed values come back as they were")
    func roundTrip() throws {
        var random = SplitMix(seed: 5)
        for _ in 0..<3000 {
            let value = TypedValue.random(&random)
            #expect(value.json.typed == value)
            #expect(try JSONValue(parsing: value.json.encoded()).typed == value)
        }
    }
}

extension TypedValue {
    /// Any value but one that cannot be read.
    static func random(_ random: inout SplitMix) -> TypedValue {
        let instant = Timestamp(microseconds: Int64(random.below(200_000_000_000)) * 1_000_000 + Int64(random.below(1_000_000)) - 50_000_000_000_000_000)
        switch random.below(6) {
        case 0: return .datetime(ZonedTime(instant, offset: random.maybe { $0.below(172_799) - 86_399 }))
        case 1: return CalendarDate(iso8601: instant.iso8601).map { .date($0) } ?? .bytes(ByteString([]))
        case 2:
            let clock = (random.below(24), random.below(60), random.below(60), random.below(1_000_000))
            return TimeOfDay(hour: clock.0, minute: clock.1, second: clock.2, microsecond: clock.3, offset: random.maybe { $0.below(80_000) - 40_000 })
                .map { .time($0) } ?? .bytes(ByteString([]))
        case 3: return .decimal(ExactDecimal("\(Int64(bitPattern: random.next())).\(random.next())E\(random.below(999) - 500)") ?? ExactDecimal(0))
        case 4: return .uuid(UniqueID(high: random.next(), low: random.next() >> 30))
        default: return .bytes(ByteString(random.array { UInt8(truncatingIfNeeded: $0.next()) }))
        }
    }
}
