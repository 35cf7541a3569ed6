import ApiumCore
import ApiumYAML
import DynamicJSON
import Randomness
import Testing

@Suite("YAML as PyYAML reads and writes it")
struct YAMLTests {
    private func read(_ text: String) throws -> JSONValue { try Serializer.yaml.decode(Array(text.utf8)) }

    @Test(
        "a plain scalar means what it means to PyYAML",
        arguments: [
            ("", nil), ("~", nil), ("Null", nil), ("yes", true), ("OFF", false), ("true", true), ("y", "y"), ("0", 0), ("-17", -17), ("+5", 5), ("1_000", 1000),
            ("0x1F", 31), ("-0b101", -5), ("010", 8), ("08", "08"), ("0o10", "0o10"), ("12:30:45", 45_045), ("-1:30", -90), ("1.5", 1.5), ("1.", 1.0),
            (".5", 0.5), ("-1.0e-07", -1e-7), ("1e5", "1e5"), ("1.0e5", "1.0e5"), ("1.5e+3", 1500.0), ("190:20:30.15", 685_230.15), ("1.2.3", "1.2.3"),
            ("text", "text"), ("a: b", ["a": "b"]), ("-", [nil]), ("--x", "--x"), ("+", "+"), (".", "."), ("2026-13-45", "2026-13-45"),
        ] as [(String, JSONValue)])
    func plain(text: String, value: JSONValue) throws { #expect(try read(text) == value) }

    @Test("a quoted scalar and one with a tag of text are texts", arguments: ["'12'", "\"12\"", "!!str 12", "! 12"])
    func quoted(text: String) throws { #expect(try read(text) == "12") }

    @Test("infinities and numbers that are none are read")
    func notFinite() throws {
        #expect(try read(".inf") == .double(.infinity))
        #expect(try read("-.INF") == .double(-.infinity))
        #expect(try read(".nan").doubleValue?.isNaN == true)
    }

    @Test(
        "dates, times and binary scalars are kombu's typed values",
        arguments: [
            ("2026-02-28", "date", "2026-02-28"), ("2026-11-22 23:14:38", "datetime", "2026-11-22T23:14:38"),
            ("2026-11-22T23:14:38.5Z", "datetime", "2026-11-22T23:14:38.500000+00:00"),
            ("2026-1-2 3:04:05 -3:30", "datetime", "2026-01-02T03:04:05-03:30"), ("!!binary /wAB", "base64", "/wAB"),
            ("!!binary |\n  aGVs\n  bG8=\n", "bytes", "hello"),
        ] as [(String, String, JSONValue)])
    func typed(text: String, tag: String, value: JSONValue) throws { #expect(try read(text) == ["__type__": .string(tag), "__value__": value]) }

    @Test("aliases repeat what they name")
    func aliases() throws {
        #expect(try read("- &a {x: 1}\n- *a\n- [*a]\n") == [["x": 1], ["x": 1], [["x": 1]]])
        #expect(try read("a*b: 2 * 3\n'*c': [1]\n") == ["a*b": "2 * 3", "*c": [1]])
    }

    @Test("aliases of aliases that would never end are refused, as values and as keys")
    func bombs() {
        var values = "- &a0 [x, x]\n"
        for level in 1..<60 { values += "- &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(refused(values))
        #expect(refused(values + "- {? *a59 : 1}\n"))
        #expect(refused(values + "- {*a59 : 1}\n"))
        #expect(refused(values + "- ? *a59\n  : 1\n"))
        #expect(refused(values + "- ? [*a59]\n  : 1\n"))
        #expect(refused(values + "- {[*a59]: 1}\n"))
        #expect(refused(values + "- *a59 : 1\n"))
    }

    @Test("a hundred uses of one value are no trap")
    func manyAliases() throws {
        let text = "- &a {x: [1, 2, 3]}\n" + String(repeating: "- *a\n", count: 100)
        #expect(try read(text).arrayValue?.count == 101)
    }

    @Test(
        "what PyYAML's safe loader would not take, or JSON cannot say, is refused",
        arguments: [
            "!!python/object/apply:os.system ['true']", "!!python/tuple [1]", "!mine x", "!!set {a, b}", "{a", "[1", "a: b: c", "*a", "{[1]: 2}",
            "{2026-01-01: 1}",
            "99999999999999999999", "a: 1\na: 2", "- 1\n--- \n- 2", "!!binary '?'", "\u{1}", "<<: {a: 1}",
        ])
    func bad(text: String) { #expect(refused(text)) }

    @Test("nesting without end is refused and costs no stack")
    func deep() {
        #expect(refused(String(repeating: "[", count: 100_000)))
        #expect(refused(String(repeating: "- ", count: 100_000)))
        #expect(refused(String(repeating: "{a: ", count: 200) + String(repeating: "}", count: 200)))
    }

    @Test("bytes that are not UTF-8 are refused")
    func notText() {
        #expect(throws: (any Error).self) { try Serializer.yaml.decode([0xFF, 0xFE, 0x41]) }
    }

    @Test("an error quotes nothing of the text")
    func noSecrets() {
        let error = #expect(throws: (any Error).self) { try read("a: secret: {") }
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test("random values come back as they were")
    func roundTrip() throws {
        var random = SplitMix(seed: 11)
        for _ in 0..<1500 {
            let value = random.json()
            #expect(try Serializer.yaml.decode(Serializer.yaml.encode(value)) == value)
        }
    }

    @Test("a key of any length comes back")
    func longKeys() throws {
        let value: JSONValue = [.init(repeating: "k", count: 5000): 1, "b": [.init(repeating: "é", count: 500): [2]]]
        #expect(try Serializer.yaml.decode(Serializer.yaml.encode(value)) == value)
    }

    @Test("random damage is read or refused, and never crashes")
    func damage() {
        var random = SplitMix(seed: 12)
        let original = Array("- &a {x: 1, 'y': \"z\\u00e9\"}\n- *a\n- !!binary /wAB\n- 2026-01-01 10:00:00\n- |\n  text\n- [1, 2.5, ~]\n".utf8)
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0...random.below(3) {
                let index = random.below(bytes.count)
                if random.below(2) == 0 {
                    bytes[index] = UInt8(truncatingIfNeeded: random.next())
                } else {
                    bytes.insert("\"'{}[]&*!|>-?:#,\n ".utf8.randomElement(using: &random) ?? 0, at: index)
                }
            }
            _ = try? Serializer.yaml.decode(bytes)
        }
    }

    private func refused(_ text: String) -> Bool {
        do {
            _ = try read(text)
            return false
        } catch {
            return true
        }
    }
}

/// What the tests of YAML draw.
extension SplitMix {
    mutating func text() -> String {
        let words = [
            "yes", "12", "~", "1e5", "- x", "a: b", "#", "'", "\"", "\\", "\n ", "*a", "&b", "é", "\u{85}", "\u{2028}", "\u{1F600}", " ", "", "\0", "\u{7F}",
        ]
        return (0..<below(4)).map { _ in words[below(words.count)] }.joined()
    }

    mutating func json(depth: Int = 3) -> JSONValue {
        switch below(depth > 0 ? 7 : 5) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .int(Int64(bitPattern: next()) >> Int64(below(64)))
        case 3: return .double(Double(Int64(bitPattern: next())) * (below(2) == 0 ? 1e30 : 1e-12))
        case 4: return .string(text())
        case 5: return .array((0..<below(4)).map { _ in json(depth: depth - 1) })
        default: return .object(Dictionary((0..<below(4)).map { _ in (text(), json(depth: depth - 1)) }, uniquingKeysWith: { $1 }))
        }
    }
}
