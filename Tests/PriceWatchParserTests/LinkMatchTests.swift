import PriceWatchModel
import Testing

@testable import PriceWatchParser

@Suite("What a link names")
struct LinkMatchTests {
    @Test(
        "products are not one because the same filler stands in their fields",
        arguments: [
            #""sku":"""#, #""sku":" ","mpn":"""#, #""mpn":"N/A""#, #""sku":"0""#, #""gtin13":"0000000000000""#, #""productID":"none""#, #""sku":"{{ sku }}""#,
            #""identifier":{"@type":"PropertyValue","name":"Code"}"#, #""sku":{"@type":"PropertyValue","name":"SKU"}"#, #""mpn":["","-"]"#,
        ])
    func fillers(_ filler: String) throws {
        let json = #"""
            [{"@type":"Product","name":"Big kettle",\#(filler),"offers":{"price":99,"priceCurrency":"EUR"}},
            {"@type":"Product","name":"Spoon",\#(filler),"offers":{"price":1,"priceCurrency":"EUR"}}]
            """#
        #expect(try readLinkedData(json, head: "<h1>Big kettle</h1>").brief == "99.00 EUR")
    }

    @Test("empty microdata do not make one product of two")
    func emptyMicrodata() throws {
        let products = [("Big kettle", 99), ("Spoon", 1)].map { name, price in
            """
            <div itemscope itemtype="https://schema.org/Product"><b itemprop="name">\(name)</b><i itemprop="sku">\n</i>
            <p itemprop="offers" itemscope><i itemprop="priceCurrency" content="EUR"></i><i itemprop="price" content="\(price)"></i></p></div>
            """
        }
        #expect(try read("<h1>Big kettle</h1>" + products.joined()).brief == "99.00 EUR")
    }

    @Test("a property value's value tells products apart, not its name")
    func propertyValues() throws {
        let json = #"""
            [{"@type":"Product","name":"Kettle","identifier":{"@type":"PropertyValue","name":"Code","value":"K-99"},"offers":{"price":99,"priceCurrency":"EUR"}},
            {"@type":"Product","name":"Spoon","identifier":{"@type":"PropertyValue","name":"Code","value":"S-1"},"offers":{"price":1,"priceCurrency":"EUR"}},
            {"@type":"Product","name":"Kettle, steel","identifier":[{"@type":"PropertyValue","name":"Other","value":" K-99 "}],"image":"/a.png"}]
            """#
        let page = try #require(try readLinkedData(json, head: "<h1>Kettle</h1>").page)
        #expect(page.price == Money(minorUnits: 9900, currency: .eur))
        #expect(page.imageURL == "https://shop.example.org/a.png")
    }

    @Test(
        "of products with one name the one that the link names is taken, else the cheapest",
        arguments: [
            ("?size=big", "50.00 EUR"), ("?size=tiny", "20.00 EUR"), ("?size=big&ref=abc", "50.00 EUR"), ("?ref=abc", "20.00 EUR"), ("", "20.00 EUR"),
        ])
    func sizes(_ query: String, _ expected: String) throws {
        let json = #"""
            [{"@type":"Product","name":"Tea","image":"/a.png"},
            {"@type":"Product","name":"Tea","url":"/p/1?size=tiny","offers":{"price":20,"priceCurrency":"EUR"}},
            {"@type":"Product","name":"Tea","url":"/p/1?size=big","offers":{"price":50,"priceCurrency":"EUR"}}]
            """#
        let head = "<h1>Tea</h1><link rel='canonical' href='https://shop.example.org/p/1'>"
        let report = try readLinkedData(json, head: head, at: "https://shop.example.org/p/1" + query)
        #expect(report.brief == expected)
        #expect(report.page?.imageURL == "https://shop.example.org/a.png")
        let codes = json.replacing("/p/1?size=", with: "").replacing("\"url\"", with: "\"sku\"")
        #expect(try readLinkedData(codes, head: head, at: "https://shop.example.org/p/1" + query).brief == expected)
    }

    @Test(
        "the offer, or the variant, whose link repeats the most of the page's is taken",
        arguments: [
            ("?variant=398001", "50.00 EUR"), ("?variant=398002", "20.00 EUR"), ("?variant=398001&_pos=1&_sid=c0ffee&_ss=r", "50.00 EUR"),
            ("?ref=abc&variant=398001", "50.00 EUR"), ("?variant=398001&colour=red", "60.00 EUR"), ("?variant=398003", "20.00 EUR"), ("", "20.00 EUR"),
        ],
        ["https://shop.example.org/p/1?", "/p/1?", "?"])
    func offers(_ link: (query: String, expected: String), _ base: String) throws {
        let offers = [("variant=398001", 50), ("variant=398002", 20), ("variant=398001&colour=red", 60)].map {
            #"{"url":"\#(base)\#($0.0)","price":\#($0.1),"priceCurrency":"EUR"}"#
        }
        let address = "https://shop.example.org/p/1" + link.query
        let product = #"{"@type":"Product","name":"Tea","offers":[\#(offers.joined(separator: ","))]}"#
        #expect(try readLinkedData(product, at: address).brief == link.expected)
        let variants = offers.map { #"{"@type":"Product","offers":\#($0)}"# }
        let group = #"{"@type":"ProductGroup","name":"Tea","hasVariant":[\#(variants.joined(separator: ","))]}"#
        #expect(try readLinkedData(group, at: address).brief == link.expected)
    }
}
