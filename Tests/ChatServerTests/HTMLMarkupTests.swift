import Testing

@testable import ChatServer

@Suite("Telegram's HTML mode")
struct HTMLMarkupTests {
    private func refusal(_ html: String) -> String? {
        do {
            _ = try FormattedText(html, parseMode: "HTML")
            return nil
        } catch {
            return (error as? BotAPIError)?.description
        }
    }

    @Test("allowed tags become entities in UTF-16 units, and the page's HTML is safe")
    func entities() throws {
        let text = try FormattedText(
            "😀 <b>A&lt;B</b> <a href=\"https://x.example/?a=1&amp;b=2\">link</a> <span class=\"tg-spoiler\">s</span>", parseMode: "HTML")
        #expect(text.plain == "😀 A<B link s")
        #expect(text.entities.map(\.type) == ["bold", "text_link", "spoiler"])
        #expect(text.entities[0] == .init(type: "bold", offset: 3, length: 3))
        #expect(text.entities[1].url == "https://x.example/?a=1&b=2")
        #expect(text.html.contains("A&lt;B"))
    }

    @Test(
        "anything else is refused with Telegram's words and offset",
        arguments: [
            ("<script>x</script>", "Unsupported start tag \"script\" at byte offset 0"), ("ы<div>", "Unsupported start tag \"div\" at byte offset 2"),
            ("<b>x", "Can't find end tag corresponding to start tag \"b\""), ("x</b>", "Unexpected end tag at byte offset 1"),
            ("<b><i>x</b></i>", "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""), ("1 < 2", "Unclosed start tag at byte offset 2"),
            ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
        ])
    func refused(_ html: String, _ reason: String) { #expect(refusal(html) == "Bad Request: can't parse entities: \(reason)") }

    @Test("only links to the web are kept as links")
    func links() throws {
        let text = try FormattedText("<a href=\"javascript:alert(1)\">x</a>", parseMode: "HTML")
        #expect(text.html == "x" && text.entities.isEmpty)
    }

    @Test("without a mode markup is text")
    func plain() throws {
        let text = try FormattedText("<b> /start https://a.example/x", parseMode: nil)
        #expect(text.plain == "<b> /start https://a.example/x")
        #expect(text.html.hasPrefix("&lt;b&gt;"))
        #expect(text.entities.map(\.type) == ["bot_command", "url"])
    }
}
