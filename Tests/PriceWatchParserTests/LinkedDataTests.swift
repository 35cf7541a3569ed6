import DynamicJSON
import PriceWatchModel
import Testing

@testable import PriceWatchParser

@Suite("JSON-LD")
struct LinkedDataTests {
    private let offer = #""offers":{"@type":"Offer","price":"1299.00","priceCurrency":"RUB","availability":"https://schema.org/InStock"}"#

    @Test(
        "a product is found in every shape",
        arguments: [
            #"{"@type":"Product","name":"Tea",OFFER}"#, #"[{"@type":"Product","name":"Tea",OFFER}]"#,
            #"{"@graph":[{"@type":"WebSite"},{"@type":"Product","name":"Tea",OFFER}]}"#,
            #"{"@type":["Thing","Product"],"name":"Tea",OFFER}"#, #"{"@type":"http://schema.org/Product","name":"Tea",OFFER}"#,
            #"{"@type":"schema:Product","name":"Tea",OFFER}"#,
            #"{"@type":"Book","name":"Tea",OFFER}"#, #"{"@type":"Vehicle","name":"Tea",OFFER}"#, #"{"@type":"SoftwareApplication","name":"Tea",OFFER}"#,
            #"{"@type":"IndividualProduct","name":"Tea",OFFER}"#, #"{"@type":"ProductModel","name":"Tea",OFFER}"#, #"{"@type":"Widget","name":"Tea",OFFER}"#,
            #"{"@type":"WebPage","mainEntity":{"@type":"Product","name":"Tea",OFFER}}"#, #"{"@type":"PRODUCT","Name":"Tea",OFFER}"#,
            #"{"@type":"Product","name":["Tea"],"Offers":[{"Price":1299,"PriceCurrency":"RUB","Availability":"InStock"}]}"#,
            ##"{"@type":"Product","name":{"@value":"Tea","@language":"en"},"offers":[{"@id":"#o"}]},{"@id":"#o","@type":"Offer","price":1299.0,"priceCurrency":"rub","availability":"instock"}"##,
            #"{"@type":"ProductGroup","name":"Tea","hasVariant":[{"@type":"Product","name":"Tea",OFFER}]}"#,
        ])
    func shapes(_ json: String) throws {
        let text = json.split(separator: "OFFER").joined(separator: offer)
        let page = try #require(try readLinkedData("[" + text + "]").page, "\(json)")
        #expect(page.name == "Tea")
        #expect(page.price == Money(minorUnits: 129_900, currency: .rub))
        #expect(page.availability == .inStock)
        #expect(page.source == "json-ld")
    }

    @Test(
        "JSON that is none is repaired",
        arguments: [
            "<!-- JSON -->", "<![CDATA[ JSON ]]>", "//<![CDATA[\nJSON\n//]]>", "JSON;", "/* a */ JSON // b", "{\"@type\":\"WebSite\"} JSON", "window.x = JSON;",
            "\n\tJSON\n",
        ])
    func repairs(_ frame: String) throws {
        let json =
            #"{"@type":"Product","name":"Tea" /* c */,"offers":{"price":"1299","priceCurrency":"RUB",},"description":"two"#
            + "\n\tlines \\' http://x.y/* \" // d\n,}"
        #expect(try readLinkedData(frame.split(separator: "JSON", omittingEmptySubsequences: false).joined(separator: json)).brief == "1299.00 RUB", "\(frame)")
    }

    @Test(
        "one faulty block does not lose the next",
        arguments: ["{\"@type\":\"Product\",\"name\":\"x", "{{ product.json }}", "", "null", "[[[[", "\u{1}", "{\"a\":}"])
    func faultyBlock(_ block: String) throws {
        let page = """
            <script type="application/ld+json">\(block)</script><script type=" APPLICATION/LD+JSON; charset=utf-8">{"@type":"Product","name":"Tea",\(offer)}</script>
            """
        #expect(try read(page).brief == "1299.00 RUB")
    }

    @Test(
        "the price of an offer is what anybody pays",
        arguments: [
            (#""price":"1 299,00""#, "1299.00 RUB"), (#""price":1299"#, "1299.00 RUB"), (#""price":2879.2"#, "2879.20 RUB"),
            (#""price":"1 299 ₽""#, "1299.00 RUB"),
            (#""price":["1299","1500"]"#, "1299.00 RUB"), (#""priceSpecification":{"price":1299}"#, "1299.00 RUB"),
            (#""priceSpecification":[{"price":1999,"priceType":"https://schema.org/ListPrice"},{"price":1299}]"#, "1299.00 RUB"),
            (#""price":1299,"priceSpecification":{"price":1999,"priceType":"StrikethroughPrice"}"#, "1299.00 RUB"),
            (#""price":1299,"priceSpecification":{"price":129.9,"referenceQuantity":{"value":100}}"#, "1299.00 RUB"),
            (#""price":1299,"priceSpecification":{"price":999,"validForMemberTier":{"name":"Gold"}}"#, "1299.00 RUB"),
            (#""price":1299,"priceSpecification":{"price":108,"billingDuration":12}"#, "1299.00 RUB"),
            (#""price":1999,"priceSpecification":{"price":1299,"priceType":"SalePrice"}"#, "1299.00 RUB"),
            (#""price":"0""#, "no_price"), (#""price":0.00"#, "no_price"), (#""price":null"#, "no_price"), (#""price":"""#, "no_price"),
            (#""price":"{{price}}""#, "no_price"),
            (#""price":-5"#, "no_price"), (#""price":1e300"#, "no_price"), (#""price":99999999999999999"#, "no_price"), (#""price":"NaN""#, "no_price"),
            (#""price":true"#, "no_price"),
            (#""price":{"a":1}"#, "no_price"), (#""price":0.001"#, "no_price"), (#""price":"1 083 ₽/мес""#, "no_price"),
        ])
    func prices(_ members: String, _ expected: String) throws {
        #expect(try readLinkedData(#"{"@type":"Product","name":"Tea","offers":{"priceCurrency":"RUB",\#(members)}}"#).brief == expected)
    }

    @Test(
        "of several offers the right one is taken",
        arguments: [
            (#"[{"price":5,"availability":"OutOfStock"},{"price":7,"availability":"InStock"},{"price":9,"availability":"InStock"}]"#, "7.00 EUR"),
            (#"[{"price":3,"itemCondition":"https://schema.org/UsedCondition"},{"price":7}]"#, "7.00 EUR"), (#"[{"price":0},{"price":7}]"#, "7.00 EUR"),
            (#"{"@type":"AggregateOffer","lowPrice":7,"highPrice":"9"}"#, "7.00 EUR"), (#"{"lowPrice":"7.00","highPrice":9,"offerCount":2}"#, "7.00 EUR"),
            (#"{"@type":"AggregateOffer","lowPrice":1,"offers":[{"price":9},{"price":7}]}"#, "7.00 EUR"),
            (#"{"@type":"AggregateOffer","lowPrice":7,"offers":[{"price":null}]}"#, "7.00 EUR"), (#"{"@type":"AggregateOffer","price":7}"#, "7.00 EUR"),
            (#"[{"price":7},{"price":1,"priceCurrency":"JPY"}]"#, "7.00 EUR"), ("[]", "no_price"), ("null", "no_price"), ("\"#x\"", "no_price"),
            ("7", "no_price"),
        ])
    func offers(_ offers: String, _ expected: String) throws {
        let withCurrency = offers.replacing("\"price\"", with: "\"priceCurrency\":\"EUR\",\"price\"").replacing(
            "\"lowPrice\"", with: "\"priceCurrency\":\"EUR\",\"lowPrice\"")
        let json = withCurrency.replacing(#""priceCurrency":"EUR","price":1,"priceCurrency":"JPY""#, with: #""price":1,"priceCurrency":"JPY""#)
        #expect(try readLinkedData(#"{"@type":"Product","name":"Tea","offers":\#(json)}"#).brief == expected)
    }

    @Test("a variant that the link names is taken", arguments: [("?variant=4711", "7.00 EUR"), ("?sku=RED-2", "9.00 EUR"), ("", "5.00 EUR")])
    func variants(_ query: String, _ expected: String) throws {
        let json = #"""
            {"@type":"ProductGroup","name":"Tea","hasVariant":[
            {"@type":"Product","sku":"blue","offers":{"price":5,"priceCurrency":"EUR"}},
            {"@type":"Product","sku":"4711","offers":{"price":7,"priceCurrency":"EUR"}},
            {"@type":"Product","name":"Tea, red","offers":{"price":9,"priceCurrency":"EUR","url":"https://shop.example.org/p/1?sku=RED-2"}}]}
            """#
        #expect(try readLinkedData(json, at: "https://shop.example.org/p/1" + query).brief == expected)
    }

    @Test("related products and reviews are not the page's product")
    func related() throws {
        let other = #"{"@type":"Product","name":"Cup","offers":{"price":1,"priceCurrency":"RUB"}}"#
        let json =
            #"{"@type":"Product","name":"Tea","isRelatedTo":[\#(other)],"isSimilarTo":\#(other),"review":{"name":"Good","itemReviewed":\#(other)},\#(offer)}"#
        #expect(try readLinkedData(json).brief == "1299.00 RUB")
    }

    @Test("of several products the one that the page is about is taken")
    func several() throws {
        let products = (1...3).map {
            #"{"@type":"Product","name":"Tea \#($0)","sku":"sku-\#($0)","url":"/p/\#($0)","offers":{"price":\#($0),"priceCurrency":"EUR"}}"#
        }
        let json = "[" + products.joined(separator: ",") + "]"
        #expect(try readLinkedData(json, at: "https://shop.example.org/p/2").brief == "2.00 EUR")
        #expect(try readLinkedData(json, head: "<h1>Tea 3</h1>", at: "https://shop.example.org/x").brief == "3.00 EUR")
        #expect(try readLinkedData(json, head: "<title>Tea 1 — shop</title>", at: "https://shop.example.org/x").brief == "1.00 EUR")
        #expect(try readLinkedData(json, head: "<title>Teas</title>", at: "https://shop.example.org/x").brief == "not_a_product")
    }

    @Test("a product that is described twice is one")
    func twice() throws {
        let json = #"[{"@type":"Product","name":"Tea",\#(offer)},{"@type":"Product","name":"Tea","image":"/a.png"}]"#
        let page = try #require(try readLinkedData(json).page)
        #expect(page.imageURL == "https://shop.example.org/a.png")
    }

    @Test(
        "pictures are found in every shape and made absolute",
        arguments: [
            #""/a.png""#, #"["/a.png","/b.png"]"#, #"{"@type":"ImageObject","url":"/a.png"}"#, #"{"contentUrl":"/a.png"}"#,
            #"[{"contentURL":"//shop.example.org/a.png"}]"#,
            #""https://shop.example.org/a.png""#,
        ])
    func images(_ value: String) throws {
        let page = try #require(try readLinkedData(#"{"@type":"Product","name":"Tea","image":\#(value),\#(offer)}"#).page)
        #expect(page.imageURL == "https://shop.example.org/a.png")
    }

    @Test(
        "a picture that can't be fetched is left out",
        arguments: [#""javascript:alert(1)""#, #""data:image/png;base64,AA""#, #""""#, "[]", "null", "7", #"{"@type":"ImageObject"}"#])
    func badImages(_ value: String) throws {
        let page = try #require(try readLinkedData(#"{"@type":"Product","name":"Tea","image":\#(value),\#(offer)}"#).page)
        #expect(page.imageURL == nil)
    }

    @Test(
        "availability is read in every spelling",
        arguments: [
            (#""https://schema.org/InStock""#, Availability.inStock), (#""instock""#, .inStock), (#"{"@id":"http://schema.org/OutOfStock"}"#, .outOfStock),
            (#""http://schema.org/PreOrder""#, .preorder), (#""SoldOut""#, .outOfStock), (#""в наличии""#, .inStock), (#""нет в наличии""#, .outOfStock),
            (#""?""#, .unknown),
            ("null", .unknown),
        ])
    func availability(_ value: String, _ expected: Availability) throws {
        let page = try readLinkedData(#"{"@type":"Product","name":"Tea","offers":{"price":5,"priceCurrency":"EUR","availability":\#(value)}}"#).page
        #expect(page?.availability == expected)
    }

    @Test("names lose entities, control and direction characters, and are cut")
    func names() throws {
        func name(_ text: String) throws -> String? {
            try readLinkedData(#"{"@type":"Product","name":"\#(text)",\#(offer)}"#).page?.name
        }
        #expect(try name("Tom &amp; Jerry&#39;s  &laquo;Tea&raquo;") == "Tom & Jerry's «Tea»")
        #expect(try name(#"A\n\tB\u202EC"#) == "A BC")
        #expect(try name(#"A\u0000B"#) == "A B")
        #expect(try name(String(repeating: "a", count: 100_000))?.count == 300)
    }

    @Test("a price without any currency is no price")
    func noCurrency() throws {
        #expect(try readLinkedData(#"{"@type":"Product","name":"Tea","offers":{"price":5}}"#).brief == "no_price")
        let head = "<meta property='product:price:currency' content='EUR'>"
        #expect(try readLinkedData(#"{"@type":"Product","name":"Tea","offers":{"price":5}}"#, head: head).brief == "5.00 EUR")
    }

    @Test("very deep and very wide data end in a failure, not in a crash")
    func hostile() throws {
        #expect(try readLinkedData(String(repeating: "[", count: 50_000)).brief == "not_a_product")
        #expect(try readLinkedData(String(repeating: "{\"a\":", count: 50_000)).brief == "not_a_product")
        let wide = "[" + Array(repeating: #"{"@type":"Product","name":"x"}"#, count: 30_000).joined(separator: ",") + "]"
        #expect(try readLinkedData(wide).brief == "no_price")
        let loop =
            ##"{"@type":"Product","@id":"#a","name":"Tea","offers":{"@id":"#b"}},{"@id":"#b","@type":"AggregateOffer","offers":[{"@id":"#b"},{"@id":"#a"}]}"##
        #expect(try readLinkedData("[\(loop)]").brief == "no_price")
    }

    @Test("references that multiply are read as far as a page may go, and no further", .timeLimit(.minutes(1)))
    func multiplication() throws {
        func many(_ id: String, _ count: Int) -> String { Array(repeating: "{\"@id\":\"\(id)\"}", count: count).joined(separator: ",") }
        let price = ##"{"@id":"#p","@type":"UnitPriceSpecification","price":5,"priceCurrency":"EUR"}"##
        let offer = ##"{"@id":"#o","@type":"Offer","priceSpecification":[\##(many("#p", 50))]}"##
        let aggregate = ##"{"@id":"#a","@type":"AggregateOffer","offers":[\##(many("#o", 500))]}"##
        let product = ##"{"@id":"#t","@type":"Product","name":"Tea","offers":[\##(many("#a", 500))]}"##
        let group = ##"{"@type":"ProductGroup","name":"Teas","hasVariant":[\##(many("#t", 200))]}"##
        let json = "[\(price),\(offer),\(aggregate),\(product),\(group)]"
        #expect(try readLinkedData("[\(price),\(offer),\(aggregate),\(product)]").brief == "5.00 EUR")
        #expect(throws: Never.self) { try readLinkedData(json) }
        let found = SchemaProducts.candidates(in: [try JSONValue(parsing: json)], source: .jsonLD, locale: PageLocale())
        #expect(found.reduce(0) { $0 + $1.offers.count + $1.variants.reduce(0) { $0 + $1.offers.count } } <= 5_000)
    }
}
