import Randomness
import Testing

@testable import DynamicJSON

/// The quick reader beside jansson.
@Suite("The quick reader")
struct ReaderTests {
    private static let seeds: [String] = [
        #"[[7,"abc"],{"key":null,"other":true},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]"#,
        #" [ 1 , -2 , 0 , -0 , 999999999999999999 , 1.5 , 1e3 , "é😀" , "a\\nb" , false ] "#,
        #"{"a":{"b":[{"c":"long enough for several words of eight bytes"}]},"a":2}"#,
    ]

    private func both(_ bytes: [UInt8]) -> (quick: JSONValue?, jansson: JSONValue?) {
        bytes.withUnsafeBufferPointer { (JSONReader.whole($0, depth: 128), try? JSONValue.parseByJansson($0, .default).get()) }
    }

    @Test("what it takes jansson takes, with the same value")
    func agreement() {
        var random = SplitMix(seed: 11)
        let bytes = Array(#"{}[],:"\ntfu0123-.eE ul"#.utf8) + [0, 9, 0x1F, 0x7F, 0x80, 0xC3, 0xA9, 0xED, 0xA0, 0xF4, 0xFF]
        var taken = 0
        for _ in 0..<20_000 {
            var text = Array(Self.seeds[Int.random(in: 0..<Self.seeds.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: text[place] = bytes[Int.random(in: 0..<bytes.count, using: &random)]
                case 1: text.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: place)
                default: text.remove(at: place)
                }
            }
            let (quick, jansson) = both(text)
            guard let quick else { continue }
            taken += 1
            if quick != jansson { Issue.record("\(String(decoding: text, as: UTF8.self)): \(quick) and not \(String(describing: jansson))") }
        }
        #expect(taken > 2000)
    }

    @Test("messages of the usual kind are not left to jansson")
    func usual() {
        #expect(both(Array(Self.seeds[0].utf8)).quick != nil)
        #expect(both(Array(Self.seeds[2].utf8)).quick != nil)
    }

    @Test("depths that it does not read, and escapes, are left to jansson")
    func left() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        for text in [deep, #""\n""#, "1.5", "1234567890123456789"] {
            let (quick, jansson) = both(Array(text.utf8))
            #expect(quick == nil)
            #expect(jansson != nil)
        }
    }

    @Test("a string ends at its quote wherever that stands among eight bytes")
    func places() {
        for length in 0..<40 {
            for end in ["\"", "\\", "\u{1F}"] {
                let text = String(repeating: "x", count: length) + end + "yyyyyyyyyyyy"
                #expect(Array(text.utf8).withUnsafeBufferPointer { PlainText.end(in: $0, from: 0) } == (length, true))
                let other = String(repeating: "é", count: length) + end + "yyyyyyyyyyyy"
                #expect(Array(other.utf8).withUnsafeBufferPointer { PlainText.end(in: $0, from: 0) } == (length * 2, length == 0))
            }
        }
    }
}
