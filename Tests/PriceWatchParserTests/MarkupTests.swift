import DynamicJSON
import HTMLDocument
import PriceWatchModel
import Testing

@testable import PriceWatchParser

@Suite("Microdata and Open Graph")
struct MarkupTests {
    private let item = "itemscope itemtype='https://schema.org/Product'"
    private let offer = "itemprop=offers itemscope itemtype='http://schema.org/Offer'"

    @Test("microdata gives the product, and nested names are not its own")
    func microdata() throws {
        let page = try #require(
            try read(
                """
                <div \(item)><div itemprop=brand itemscope><span itemprop=name>Brand</span></div><h1 itemprop="name title">Tea</h1>
                <img itemprop=image src="/a.png"><div \(offer)><meta itemprop=price content="1299.00"><span itemprop=priceCurrency content=RUB>₽</span>
                <link itemprop=availability href="https://schema.org/InStock"></div>
                <div itemprop=review itemscope><b itemprop=name>Nice</b><span itemprop=price>1</span></div></div>
                """
            ).page)
        #expect(
            page
                == ProductPage(
                    canonicalURL: "https://shop.example.org/p/1", name: "Tea", price: Money(minorUnits: 129_900, currency: .rub), availability: .inStock,
                    imageURL: "https://shop.example.org/a.png", source: "microdata"))
    }

    @Test(
        "a value comes from where its element keeps it",
        arguments: [
            "<span itemprop=price content='7.50'>old</span>", "<data itemprop=price value='7.50'>x</data>", "<meter itemprop=price value='7.50'></meter>",
            "<span itemprop=price>7,50 €</span>", "<b itemprop=price>7<sup>.50</sup></b>",
        ])
    func values(_ element: String) throws {
        #expect(
            try read("<div \(item)><b itemprop=name>Tea</b><div \(offer)>\(element)<meta itemprop=priceCurrency content=EUR></div></div>").brief == "7.50 EUR")
    }

    @Test("text prices of people are read by people's rules")
    func textPrice() throws {
        #expect(try read("<div \(item)><b itemprop=name>Tea</b><div \(offer)><span itemprop=price>1.299 €</span></div></div>").brief == "1299.00 EUR")
    }

    @Test("itemref brings in what lies elsewhere, and loops end")
    func references() throws {
        let page =
            "<div \(item) itemref='a b self' id=self><b itemprop=name>Tea</b></div><p id=a><i itemprop=sku>1</i></p><div id=b><div \(offer)><b itemprop=price>5 €</b></div></div>"
        #expect(try read(page).brief == "5.00 EUR")
    }

    @Test("an element that an item refers to many times is read once")
    func repeatedReference() throws {
        let page = "<div \(item) itemref='\(String(repeating: "x ", count: 50))'><b itemprop=name>Tea</b></div><i id=x itemprop=sku>1</i>"
        var reader = Microdata(try HTMLDocument(parsing: Array(page.utf8)))
        let items = try reader.items()
        #expect(items.count == 1 && items[0]["sku"]?.arrayValue == nil)
        #expect(reader.visited == 2)
    }

    @Test("what many items read of one large element has a bound, in bytes, for texts and attributes alike", arguments: [true, false])
    func boundedReading(_ isText: Bool) throws {
        // One character of a mebibyte: a letter and its combining marks.
        let large = "e" + String(repeating: "\u{301}", count: 1 << 19)
        let item = "<div itemscope itemtype='https://schema.org/Product' itemref='x \(String(repeating: "x ", count: 49))'></div>"
        let shared = isText ? "<p id=x itemprop=name>\(large)</p>" : "<p id=x itemprop=name content='\(large)'></p>"
        let document = try HTMLDocument(parsing: Array((String(repeating: item, count: 1_000) + shared).utf8))
        let limits = Microdata.Limits()
        var reader = Microdata(document, limits: limits)
        let items = try reader.items()
        #expect(reader.bytesRead <= limits.bytes + large.utf8.count)
        let kept = items.compactMap { SchemaNode($0)?.text("name")?.utf8.count }
        #expect(!kept.isEmpty && kept.allSatisfy { (9_990...10_000).contains($0) })
        #expect(kept.reduce(0, +) <= limits.bytes + limits.valueBytes)
    }

    @Test("a text is cut between two characters of UTF-8", arguments: [("жж", 3, "ж"), ("жж", 4, "жж"), ("ж", 1, ""), ("a😀", 4, "a"), ("", 0, "")])
    func cutting(_ text: String, _ bytes: Int, _ expected: String) throws {
        #expect(text.cut(toBytes: bytes) == expected)
        let document = try HTMLDocument(parsing: Array("<p>\(text)</p>".utf8))
        #expect(try document.nodes("//p").first?.text(atMost: bytes) == expected)
    }

    @Test("a price on the product itself counts")
    func ownPrice() throws {
        #expect(
            try read("<div \(item)><b itemprop=name>Tea</b><meta itemprop=price content=5><meta itemprop=priceCurrency content=EUR></div>").brief == "5.00 EUR")
    }

    @Test("Open Graph: the sale price wins, the price before tax is none")
    func openGraph() throws {
        let page = try #require(
            try read(
                """
                <meta property="og:title" content="Tea &amp; more"><meta property="og:image:secure_url" content="https://cdn.example.org/a.png">
                <meta property="product:pretax_price:amount" content="1"><meta property="product:price:amount" content="9.99"><meta property="product:price:currency" content="USD">
                <meta property="product:sale_price:amount" content="7.99"><meta property="product:availability" content="oos">
                """
            ).page)
        #expect(page.price == Money(minorUnits: 799, currency: .usd))
        #expect(page.name == "Tea & more")
        #expect(page.availability == .outOfStock)
        #expect(page.imageURL == "https://cdn.example.org/a.png")
        #expect(page.source == "open-graph")
    }

    @Test("Open Graph by name instead of property, and loose itemprops of the head, are read")
    func variants() throws {
        #expect(
            try read("<meta name=og:title content=Tea><meta name='OG:price:amount' content='1.299,50'><meta name=og:price:currency content=EUR>").brief
                == "1299.50 EUR")
        #expect(try read("<title>Tea</title><meta itemprop=price content=5><meta itemprop=priceCurrency content=EUR>").brief == "5.00 EUR")
    }

    @Test("a page of type product without a price says so, another page is no product")
    func noPrice() throws {
        #expect(try read("<meta property=og:type content=product><meta property=og:title content=Tea>").brief == "no_price")
        #expect(try read("<meta property=og:type content=article><meta property=og:title content=Tea><p>Orders over $899").brief == "not_a_product")
    }

    @Test("the sources complete each other, and the most trusted price wins")
    func together() throws {
        let page = try #require(
            try read(
                """
                <meta property=og:title content="Tea"><meta property=og:image content=/og.png><meta property=product:price:amount content=2879.20>
                <meta property=product:price:currency content=RUB>
                <script type=application/ld+json>{"@type":"Product","name":"Tea","offers":{"price":2879.2,"priceCurrency":"RUB"}}</script>
                """
            ).page)
        #expect(page.price.minorUnits == 287_920)
        #expect(page.source == "json-ld")
        #expect(page.imageURL == "https://shop.example.org/og.png")
        let fallback = """
            <meta property=product:price:amount content=5><meta property=product:price:currency content=EUR>
            <script type=application/ld+json>{"@type":"Product","name":"Tea","offers":{"availability":"InStock"}}</script>
            """
        let second = try #require(try read(fallback).page)
        #expect(second.source == "open-graph")
        #expect(second.name == "Tea")
        #expect(second.availability == .inStock)
    }

    @Test(
        "a page without a product says what it is",
        arguments: [
            ("<title>404</title>", "not_found"), ("<h1>Страница не найдена</h1><p>Orders over $899", "not_found"),
            ("<title>Just a moment...</title>", "blocked"),
            ("<title>Доступ ограничен</title>", "blocked"), ("<title>Blog</title>", "not_a_product"), ("<link rel=canonical href=/404>", "not_found"),
            ("x", "not_a_product"),
        ])
    func noProduct(_ html: String, _ expected: String) throws {
        #expect(try read(html).brief == expected)
    }

    @Test("a good product's name may hold such words")
    func words() throws {
        #expect(
            try readLinkedData(#"{"@type":"Product","name":"404 captcha","offers":{"price":5,"priceCurrency":"EUR"}}"#, head: "<title>404 captcha</title>")
                .brief == "5.00 EUR")
    }
}
