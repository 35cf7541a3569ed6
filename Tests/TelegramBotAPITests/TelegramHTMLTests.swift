import Testing

@testable import TelegramBotAPI

@Suite("Text for Telegram")
struct TelegramHTMLTests {
    @Test("everything that markup is made of is escaped", arguments: ["<b>x</b>", "a & b", "\"quoted\"", "</a><script>", "_*[`"])
    func escaped(_ hostile: String) {
        let html = TelegramHTML.bold(hostile).html
        let inside = html.dropFirst(3).dropLast(4)
        #expect(!inside.contains("<") && !inside.contains(">") && !inside.contains("\""))
        #expect(TelegramHTML(hostile).length == hostile.utf16.count)
    }

    @Test("the length is counted in UTF-16 units, without markup")
    func length() {
        #expect((TelegramHTML.bold("a<b") + "😀").length == 5)
        #expect(TelegramHTML.link("shop", url: "https://x.example/?a=1&b=2").length == 4)
        #expect(TelegramHTML.link("shop", url: "https://x.example/?a=1&b=\"").html == "<a href=\"https://x.example/?a=1&amp;b=&quot;\">shop</a>")
    }

    @Test("only web addresses become links", arguments: ["javascript:alert(1)", "tg://user?id=1", "", "data:text/html,x"])
    func links(_ address: String) { #expect(TelegramHTML.link("shop", url: address).html == "shop") }

    @Test("a cut text is never longer than asked, ends with an ellipsis and splits no character")
    func cut() {
        let family = String(repeating: "👨‍👩‍👧", count: 10)
        for units in 1...90 {
            let cut = TelegramHTML.cut(family, to: units)
            #expect(cut.utf16.count <= units)
            #expect(cut == family || cut.hasSuffix("…"))
            #expect(cut.filter { $0 != "…" }.allSatisfy { $0 == "👨‍👩‍👧" })
        }
        #expect(TelegramHTML.cut("abc", to: 3) == "abc")
        #expect(TelegramHTML.cut("abcd", to: 3) == "ab…")
        #expect(TelegramHTML.cut("abcd", to: 0) == "")
    }

    @Test("a name cannot forge a second line, nor turn the writing direction")
    func oneLine() {
        #expect(TelegramHTML.line("Kettle\nPrice: 1\r\n\u{2028}x", to: 100) == "Kettle Price: 1 x")
        #expect(TelegramHTML("a\u{202E}b\u{200F}c\u{0000}d\u{2066}").html == "abcd")
        #expect(TelegramHTML("line\nline\tx").html == "line\nline\tx")
    }
}
