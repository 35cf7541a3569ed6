import DynamicJSON
import Foundation
import Testing

private struct Everything: Codable, Equatable {
    enum Colour: String, Codable { case red, green }
    enum Shape: Codable, Equatable {
        case point
        case circle(radius: Double)
    }
    struct Inner: Codable, Equatable { var value: JSONValue }

    var flag = true
    var text = "é"
    var count = -3
    var small: UInt8 = 255
    var large = Int64.max
    var ratio = 0.25
    var single: Float = 0.1
    var missing: Int?
    var present: Int? = 4
    var colours = [Colour.red, .green]
    var shapes = [Shape.point, .circle(radius: 2)]
    var table = ["a": [1, 2], "b": []]
    var numbered = [1: "one"]
    var inner = Inner(value: ["free": [1, nil, 2.5]])
    var anything: JSONValue = nil
}

private class Base: Codable {
    var name = "base"
}

private final class Derived: Base {
    var extra = 1
    private enum Keys: CodingKey { case extra }

    override init() { super.init() }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        extra = try container.decode(Int.self, forKey: .extra)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(extra, forKey: .extra)
        try super.encode(to: container.superEncoder())
    }
}

@Suite("Codable values as JSON")
struct CodableTests {
    @Test("a value of every kind of member comes back as it was")
    func roundTrip() throws {
        let value = try JSONValueEncoder().encode(Everything())
        #expect(value["small"] == 255)
        #expect(value["single"] == 0.1)
        #expect(value["missing"] == nil)
        #expect(value["numbered"] == ["1": "one"])
        #expect(value["shapes"] == [["point": [:]], ["circle": ["radius": 2.0]]])
        #expect(value["inner"] == ["value": ["free": [1, nil, 2.5]]])
        let text = try JSONValue(parsing: value.encoded())
        #expect(try JSONValueDecoder().decode(Everything.self, from: text) == Everything())
    }

    @Test("single values, optionals and arrays are values of their own")
    func topLevel() throws {
        #expect(try JSONValueEncoder().encode(7) == 7)
        #expect(try JSONValueEncoder().encode(String?.none) == .null)
        #expect(try JSONValueEncoder().encode([Int?.none, 1]) == [nil, 1])
        #expect(try JSONValueDecoder().decode(Int?.self, from: .null) == nil)
        #expect(try JSONValueDecoder().decode([Int?].self, from: [nil, 1]) == [nil, 1])
        #expect(try JSONValueDecoder().decode(JSONValue.self, from: ["a": 1]) == ["a": 1])
    }

    @Test("a base class is kept under the key super")
    func classes() throws {
        let value = try JSONValueEncoder().encode(Derived())
        #expect(value == ["extra": 1, "super": ["name": "base"]])
        #expect(try JSONValueDecoder().decode(Derived.self, from: value).name == "base")
    }

    @Test("a floating-point member accepts an integer, an integer member accepts no fraction")
    func numbers() throws {
        #expect(try JSONValueDecoder().decode(Double.self, from: 3) == 3)
        #expect(throws: DecodingError.self) { try JSONValueDecoder().decode(Int.self, from: 3.0) }
        #expect(throws: DecodingError.self) { try JSONValueDecoder().decode(UInt8.self, from: 256) }
        #expect(throws: DecodingError.self) { try JSONValueDecoder().decode(UInt.self, from: -1) }
        #expect(throws: DecodingError.self) { try JSONValueDecoder().decode(Bool.self, from: 1) }
    }

    @Test("what JSON cannot say is refused when encoding")
    func unencodable() {
        #expect(throws: EncodingError.self) { try JSONValueEncoder().encode(UInt64.max) }
        #expect(throws: EncodingError.self) { try JSONValueEncoder().encode([Double.nan]) }
        #expect(throws: EncodingError.self) { try JSONValueEncoder().encode(Float.infinity) }
    }

    @Test("an error names the path of the fault")
    func paths() throws {
        struct Outer: Decodable {
            struct Item: Decodable { var price: Int }
            var items: [Item]
        }
        do {
            _ = try JSONValueDecoder().decode(Outer.self, from: ["items": [["price": 1], ["prize": 2]]])
            Issue.record("a missing key was accepted")
        } catch DecodingError.keyNotFound(let key, let context) {
            #expect(key.stringValue == "price")
            #expect(context.codingPath.map(\.stringValue) == ["items", "Index 1"])
        }
    }

    @Test("a JSON value works with other encoders and decoders")
    func foreignCoders() throws {
        let value: JSONValue = ["wrapped": [["a": [1, 2.5, "x", true, nil], "b": [:]]]]
        let data = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: data) == value)
    }
}
