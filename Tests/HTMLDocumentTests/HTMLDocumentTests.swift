import Testing

@testable import HTMLDocument

@Suite("HTML documents", .timeLimit(.minutes(1)))
struct HTMLDocumentTests {
    private func page(_ text: String) throws -> HTMLDocument { try HTMLDocument(parsing: Array(text.utf8)) }

    @Test("a broken page gives what its author meant")
    func brokenPage() throws {
        let document = try page("<p>one<p class=b data-x='1&amp;2' hidden>two & <b>three<ul><li>a<li>b</ul><p id=x><p id=x>")
        #expect(try document.nodes("//li").map(\.text) == ["a", "b"])
        let second = try #require(try document.nodes("//p[@class='b']").first)
        #expect(second.name == "p")
        #expect(second.attribute("data-x") == "1&2")
        #expect(second.attribute("hidden") == "")
        #expect(second.attribute("title") == nil)
        #expect(second.text.hasPrefix("two & three"))
        #expect(try document.nodes("//*[@id='x']").count == 2)
    }

    @Test("text leaves out comments and keeps entities' meaning")
    func text() throws {
        let document = try page("<h1>Caf&eacute; <!-- no --> &#8381; <span>x</span></h1>")
        #expect(try document.nodes("//h1").first?.text == "Café  ₽ x")
    }

    @Test("a script's text is as it was written")
    func script() throws {
        let document = try page("<script type='application/ld+json'>{\"a\": \"<b>&amp;</b>\"}</script><p>after")
        #expect(try document.nodes("//script").first?.text == "{\"a\": \"<b>&amp;</b>\"}")
        #expect(try document.nodes("//p").first?.text == "after")
    }

    @Test("a node knows its parent and its children, and selects from itself")
    func relations() throws {
        let document = try page("<div id=a><span>1</span><i><span>2</span></i></div><span>3</span>")
        let outer = try #require(try document.nodes("//div").first)
        #expect(outer.children.map(\.name) == ["span", "i"])
        #expect(try outer.nodes(".//span").map(\.text) == ["1", "2"])
        let inner = try #require(try outer.nodes("i/span").first)
        #expect(inner.parent?.name == "i")
        #expect(inner.parent?.parent?.isSame(as: outer) == true)
        #expect(document.root?.name == "html")
        #expect(document.root?.parent == nil)
    }

    @Test("a wrong expression is an error, not a crash", arguments: ["", "//[", "count(//p)", "//p[", "unknown()", "//p/@class["])
    func wrongXPath(_ expression: String) throws {
        let document = try page("<p>")
        #expect(throws: HTMLError.self) { try document.nodes(expression) }
    }

    @Test("an expression that takes too many steps is stopped")
    func costlyXPath() throws {
        let limits = HTMLLimits(xpathSteps: 10_000)
        let document = try HTMLDocument(parsing: Array(String(repeating: "<p>x</p>", count: 500).utf8), limits: limits)
        #expect(throws: HTMLError.self) { try document.nodes("//p[count(//p[count(//p) > 1]) > 1]") }
        #expect(try document.nodes("//p").count == 500)
    }

    @Test("nothing outside the page is read: no DTD, no entity, no file")
    func noEntities() throws {
        let document = try page(
            """
            <!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
            <p>&b;</p><p>&f;</p><xi:include href="file:///etc/passwd" parse="text"/>
            """)
        let text = document.root?.text ?? ""
        #expect(!text.contains("root:"))
        #expect(!text.contains("aaaaaaaaaaaaaaaaaaaaaa"))
    }

    @Test("very deep nesting keeps what came before it")
    func deep() throws {
        let document = try page("<title>t</title>" + String(repeating: "<div>", count: 20_000) + "x")
        #expect(try document.nodes("//title").first?.text == "t")
        #expect(try document.nodes("//div").count < 300)
    }

    @Test("a tag of very many attributes is refused before it costs time")
    func manyAttributes() throws {
        let attributes = (0..<200_000).map { "a\($0)=1" }
        for tag in [
            "<p " + attributes.joined(separator: " "), "<p " + attributes.map { $0.dropLast() + "'>'" }.joined(separator: " "),
            "<!-- --!><p " + attributes.joined(separator: "\n"), "<scripty><p " + attributes.joined(separator: " "),
            "<p b='\"'" + attributes.map { "a\($0)='x'" }.joined(),
        ] {
            do {
                _ = try page(tag + ">x</p>")
                Issue.record("not refused: \(tag.prefix(20))")
            } catch {
                #expect((error as? HTMLError)?.code == .tooComplex)
            }
        }
    }

    @Test("comments without end are looked through once", .timeLimit(.minutes(1)))
    func endlessComments() {
        let page = Array(String(repeating: "<!--", count: 1_300_000).utf8)
        #expect(AttributeGuard.accepts(page, limit: 100))
        let tag = Array(("<!--<p " + (0..<200).map { "a\($0)=1" }.joined(separator: " ") + ">").utf8)
        #expect(!AttributeGuard.accepts(tag, limit: 100), "what they hold is markup")
    }

    @Test("a script with much code is no tag of many attributes")
    func muchCode() throws {
        let code = String(repeating: "if (a <b && c) { x = 1 } ", count: 2000)
        let document = try page("<script>\(code)</script><style>\(code)</style><!-- <a \(code) --><p>x")
        #expect(try document.nodes("//p").count == 1)
    }

    @Test("a page above the limit, and one without an element, are errors")
    func bounds() {
        #expect(throws: HTMLError.self) { try HTMLDocument(parsing: [UInt8](repeating: 65, count: 11), limits: HTMLLimits(bytes: 10)) }
        #expect(throws: HTMLError.self) { try HTMLDocument(parsing: []) }
        #expect(throws: HTMLError.self) { try HTMLDocument(parsing: Array("<!-- -->".utf8)) }
    }

    @Test("a long text is cut at its limit")
    func longText() throws {
        let document = try HTMLDocument(parsing: Array(("<p>" + String(repeating: "a", count: 5000)).utf8), limits: HTMLLimits(textBytes: 100))
        #expect(try document.nodes("//p").first?.text.utf8.count == 100)
    }

    @Test("random bytes never do harm")
    func randomBytes() throws {
        var random = SystemRandomNumberGenerator()
        let pieces: [[UInt8]] = ["<p ", "<", ">", "</", "=\"", "'", "<!--", "-->", "<![CDATA[", "<script>", "&#x", ";", "<svg", "<table>", "\u{0}"].map {
            Array($0.utf8)
        }
        for _ in 0..<300 {
            var bytes: [UInt8] = []
            for _ in 0..<200 {
                if Bool.random(using: &random) { bytes += pieces.randomElement(using: &random) ?? [] }
                bytes.append(UInt8.random(in: 0...255, using: &random))
            }
            if let document = try? HTMLDocument(parsing: bytes) {
                #expect(try document.nodes("//*").allSatisfy { $0.text.utf8.count >= 0 })
            }
        }
    }

    @Test("pages are read on the reader's own threads, several at once")
    func reader() async throws {
        let reader = HTMLReader(threads: 2)
        let titles = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await reader.read(Array("<title>\(number)</title>".utf8), contentType: nil) { try $0.nodes("//title").first?.text ?? "" }
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(titles == Set((0..<20).map(String.init)))
        await #expect(throws: HTMLError.self) { try await reader.read([], contentType: nil) { _ in 1 } }
    }
}
