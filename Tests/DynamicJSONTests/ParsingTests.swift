import DynamicJSON
import Randomness
import Testing

/// What `text` is refused with; `nil` when it is accepted.
private func refusal(_ bytes: [UInt8], limits: JSONLimits = .default) -> JSONError? {
    do throws(JSONError) {
        _ = try JSONValue(parsing: bytes, limits: limits)
        return nil
    } catch {
        return error
    }
}

private func refusal(_ text: String, limits: JSONLimits = .default) -> JSONError? { refusal(Array(text.utf8), limits: limits) }

@Suite("JSON texts")
struct ParsingTests {
    @Test(
        "every kind of value is read at the top level",
        arguments: [
            ("null", .null), ("true", true), (" false\n", false), ("3", 3), ("-9223372036854775808", .int(.min)), ("9223372036854775807", .int(.max)),
            ("3.0", .double(3)), ("1e3", .double(1000)), ("-0.0", .double(-0.0)), ("\"\"", ""), (#""\u00e9\ud83d\ude00""#, "é😀"), ("[]", []), ("{}", [:]),
            (#"{"a":[1,{"b":null}]}"#, ["a": [1, ["b": nil]]]), (#"{"a":1,"a":2}"#, ["a": 2]), (#""a\u0000b""#, "a\u{0}b"),
        ] as [(String, JSONValue)])
    func values(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
    }

    @Test(
        "what is not JSON is refused with its place",
        arguments: [
            "", " ", "nul", "[1,]", "{,}", "[1 2]", "{\"a\"}", "{\"a\":}", "01", "1.", ".5", "+1", "'a'", "\"a", "\"\t\"", "[1]]", "1 2", "// a", "[", "{",
            "\u{FEFF}1",
            #""\x""#, #""\u12""#, "\0", "1\0", "{\"\\u0000\":1}",
        ])
    func syntax(text: String) throws {
        let error = try #require(refusal(text))
        #expect(error.line == 1)
        #expect(error.column != nil)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0xF5]] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        #expect(refusal(bytes) != nil)
    }

    @Test("half of a surrogate pair is refused", arguments: [#""\ud800""#, #""\udc00""#, #""\ud800\u0041""#])
    func surrogates(text: String) {
        #expect(refusal(text) != nil)
    }

    @Test(
        "a number beyond 64 bits is refused as such", arguments: ["9223372036854775808", "-9223372036854775809", "[1e400]", "123456789012345678901234567890"])
    func range(text: String) {
        #expect(refusal(text)?.code == .numberOutOfRange)
    }

    @Test("Python's NaN and infinities are refused by name", arguments: [("[NaN]", "NaN"), ("Infinity", "Infinity"), ("{\"a\": -Infinity}", "Infinity")])
    func extensions(text: String, name: String) throws {
        let error = try #require(refusal(text))
        #expect(error.message.contains(name) && error.message.contains("Python"))
    }

    @Test("an error says line and column, and does not quote the text")
    func place() throws {
        let error = try #require(refusal("{\"a\": 1,\n \"b\": secret}"))
        #expect(error.line == 2)
        #expect(!error.description.contains("secret"))
    }

    @Test("nesting is accepted up to the limit and refused beyond it")
    func depth() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(refusal(nested(128)) == nil)
        #expect(refusal(nested(129))?.code == .tooDeep)
        #expect(refusal(String(repeating: "[", count: 1_000_000))?.code == .tooDeep)
        #expect(refusal(String(repeating: #"{"a":"#, count: 100_000))?.code == .tooDeep)
        #expect(refusal(nested(1000), limits: JSONLimits(depth: .max)) == nil)
        #expect(refusal(nested(1001), limits: JSONLimits(depth: .max))?.code == .tooDeep)
    }

    @Test("brackets inside strings do not count as nesting")
    func bracketsInStrings() throws {
        let text = String(repeating: "[", count: 500)
        #expect(try JSONValue(parsing: "[\"\\\"\(text)\",\"\\\\\"]") == [.string("\"" + text), "\\"])
    }

    @Test("a text longer than the limit is refused before it is read")
    func size() {
        #expect(refusal("[1, 2, 3]", limits: JSONLimits(bytes: 8))?.code == .tooLarge)
        #expect(refusal("[1, 2, 3]", limits: JSONLimits(bytes: 9)) == nil)
    }

    @Test("bytes in any collection are read")
    func collections() throws {
        #expect(try JSONValue(parsing: "x[1]x".utf8.dropFirst().dropLast()) == [1])
        #expect(try JSONValue(parsing: repeatElement(UInt8(ascii: "1"), count: 3)) == 111)
    }

    @Test("damaged texts are read or refused, and never crash")
    func fuzz() throws {
        var random = SplitMix(seed: 20_261_123)
        let seeds = [#"{"a":[1,2.5e-3,"x\n\u00e9",null,true],"b":{"c":{}}}"#, "[[[[1]]],{\"k\":\"v\"}]"].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            var bytes = seeds[Int(random.next() % 2)]
            for _ in 0...(random.next() % 4) {
                let index = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
                default: if bytes.count > 1 { bytes.remove(at: index) }
                }
            }
            if let value = try? JSONValue(parsing: bytes) {
                #expect(try JSONValue(parsing: value.encoded()) == value)
            }
        }
    }
}
