import DynamicJSON
import Randomness
import Testing

@Suite("Writing JSON")
struct WritingTests {
    @Test(
        "values are written compactly and with sorted keys",
        arguments: [
            (.null, "null"), (true, "true"), (-7, "-7"), (.int(.min), "-9223372036854775808"), (3.0, "3.0"), (0.1, "0.1"), (.double(-0.0), "-0.0"),
            (.double(.nan), "null"), (.double(-.infinity), "null"), ("a\"\\/\u{8}\t\n\u{c}\r\u{1}\u{7f}é😀", #""a\"\\/\b\t\n\f\r\u0001"# + "\u{7f}é😀\""),
            (["b": [1, 2], "a": nil, "": [:]], #"{"":{},"a":null,"b":[1,2]}"#),
        ] as [(JSONValue, String)])
    func text(value: JSONValue, text: String) {
        #expect(value.text == text)
    }

    @Test("random values come back as they were")
    func roundTrip() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<3000 {
            let value = JSONValue.random(depth: 5, using: &random)
            #expect(try JSONValue(parsing: value.encoded()) == value)
        }
    }

    @Test("extreme numbers come back as they were")
    func numbers() throws {
        for number in [Double.greatestFiniteMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude, .pi, 1e16, 1e22, 123_456_789.123, -1e-7] {
            #expect(try JSONValue(parsing: JSONValue.double(number).encoded()) == .double(number))
        }
    }

    @Test("members and elements are reached by subscripts, and absent ones are nil")
    func access() {
        let value: JSONValue = ["a": [1, "x", 2.5, true, nil]]
        #expect(value["a"]?[0]?.intValue == 1)
        #expect(value["a"]?[0]?.doubleValue == 1)
        #expect(value["a"]?[1]?.stringValue == "x")
        #expect(value["a"]?[2]?.doubleValue == 2.5)
        #expect(value["a"]?[2]?.intValue == nil)
        #expect(value["a"]?[3]?.boolValue == true)
        #expect(value["a"]?[4]?.isNull == true)
        #expect(value["a"]?[5] == nil)
        #expect(value["a"]?[-1] == nil)
        #expect(value["b"] == nil)
        #expect(value[0] == nil)
        #expect(value["a"]?.arrayValue?.count == 5)
        #expect(value.objectValue?.count == 1)
    }
}

extension JSONValue {
    /// A value of random shape.
    static func random(depth: Int, using random: inout SplitMix) -> JSONValue {
        switch random.next() % (depth > 0 ? 8 : 6) {
        case 0: .null
        case 1: .bool(random.next() % 2 == 0)
        case 2: .int(Int64(bitPattern: random.next()) >> Int64(random.next() % 64))
        case 3: .double(Double(Int64(bitPattern: random.next())) / Double(1 + random.next() % 1_000_000))
        case 4, 5: .string(.random(using: &random))
        case 6: .array((0..<random.next() % 5).map { _ in JSONValue.random(depth: depth - 1, using: &random) })
        default:
            .object(
                Dictionary(
                    (0..<random.next() % 5).map { _ in
                        (String.random(using: &random).filter { $0 != "\0" }, JSONValue.random(depth: depth - 1, using: &random))
                    }, uniquingKeysWith: { $1 }))
        }
    }
}

extension String {
    /// A text of random characters from all planes, control characters among them.
    static func random(using random: inout SplitMix) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<random.next() % 12 {
            let bound: UInt64 = [0x80, 0x20, 0x800, 0x11_0000][Int(random.next() % 4)]
            if let scalar = Unicode.Scalar(UInt32(random.next() % bound)) { text.append(scalar) }
        }
        return String(text)
    }
}
