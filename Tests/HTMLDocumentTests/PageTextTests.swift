import Testing

@testable import HTMLDocument

@Suite("Charsets of pages")
struct PageTextTests {
    /// «Чай» in windows-1251.
    private let tea1251: [UInt8] = [0xD7, 0xE0, 0xE9]

    private func decode(_ bytes: [UInt8], _ contentType: String? = nil) -> String {
        String(decoding: PageText.decode(bytes, contentType: contentType).utf8, as: UTF8.self)
    }

    @Test(
        "the header's charset is taken", arguments: ["text/html; charset=windows-1251", "text/html;CHARSET=\"CP1251\"", "text/html; a=b; charset = 'win-1251'"])
    func header(_ contentType: String) {
        #expect(decode(tea1251, contentType) == "Чай")
    }

    @Test(
        "the page's meta is taken when the header says nothing",
        arguments: [
            "<meta charset=windows-1251>", "<META CHARSET='cp1251'/>", "<meta http-equiv=Content-Type content=\"text/html; charset=windows-1251\">",
            "<meta name=x content=y><meta charset = \"windows-1251\">",
        ])
    func meta(_ tag: String) {
        #expect(decode(Array(tag.utf8) + tea1251).hasSuffix("Чай"))
    }

    @Test("a byte order mark outranks header and meta")
    func mark() {
        #expect(decode([0xEF, 0xBB, 0xBF] + Array("Чай".utf8), "text/html; charset=windows-1251") == "Чай")
        #expect(decode([0xFF, 0xFE, 0x27, 0x04, 0x30, 0x04], "text/html; charset=utf-8") == "Ча")
        #expect(decode([0xFE, 0xFF, 0x04, 0x27, 0x04, 0x30]) == "Ча")
    }

    @Test("without a word, valid UTF-8 is UTF-8 and anything else windows-1251")
    func undeclared() {
        #expect(decode(Array("Чай".utf8)) == "Чай")
        #expect(decode(tea1251) == "Чай")
    }

    @Test("a declared UTF-8 that is none gives way to the meta, else its faults are replaced")
    func falseUTF8() {
        #expect(decode(Array("<meta charset=windows-1251>".utf8) + tea1251, "text/html; charset=utf-8").hasSuffix("Чай"))
        #expect(decode([0x41, 0xFF, 0x42], "text/html; charset=utf-8") == "A\u{FFFD}B")
    }

    @Test("Latin-1 means windows-1252, and other names of the field are known")
    func labels() {
        #expect(decode([0x80], "text/html; charset=iso-8859-1") == "€")
        #expect(decode([0xFE, 0xC1, 0xCA], "text/html; charset=koi8-r") == "Чай".lowercased().replacing("ч", with: "Ч"))
        #expect(decode([0x93, 0xFA, 0x96, 0x7B], "text/html; charset=Shift_JIS") == "日本")
        #expect(CharsetLabel.canonical("no-such-charset") == nil)
        #expect(CharsetLabel.canonical("utf-8//IGNORE") == nil)
        #expect(CharsetLabel.canonical("") == nil)
    }

    @Test("a meta that says UTF-16 of a page that was read byte by byte is not believed")
    func falseUTF16() {
        #expect(decode(Array("<meta charset=utf-16>x".utf8)).hasSuffix("x"))
    }

    @Test("NUL bytes and bytes outside the charset become replacement characters")
    func replacement() {
        #expect(decode([0x41, 0, 0x42]) == "A\u{FFFD}B")
        #expect(decode([0x41, 0x98, 0x42], "text/html; charset=windows-1251") == "A\u{FFFD}B")
        #expect(decode([0x93], "text/html; charset=shift_jis") == "\u{FFFD}")
    }

    @Test("a long page is converted whole")
    func long() {
        let bytes = [UInt8](repeating: 0xD7, count: 100_000)
        #expect(decode(bytes, "text/html; charset=windows-1251") == String(repeating: "Ч", count: 100_000))
    }
}
