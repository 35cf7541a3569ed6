import PriceWatchModel
import Testing

@testable import PriceWatchParser

@Suite("Wildberries cards")
struct WildberriesTests {
    private let shop = Wildberries(
        cardBase: "https://card.example.org", hosts: ["www.wildberries.ru", "127.0.0.1:8090"], pictureBase: "https://basket-{basket}.example.org")

    private func report(_ json: String) throws -> Result<ProductPage, ParseFault> {
        shop.report(Array(json.utf8), article: 123_456_789, link: try #require(ProductLink("https://www.wildberries.ru/catalog/123456789/detail.aspx")))
    }

    @Test(
        "the article is taken from links of product pages only",
        arguments: [
            ("https://www.wildberries.ru/catalog/123456789/detail.aspx", 123_456_789),
            ("https://www.wildberries.ru/catalog/7/detail.aspx?targetUrl=XS&size=1", 7),
            ("http://127.0.0.1:8090/catalog/7/detail.aspx", 7), ("https://www.wildberries.ru/catalog/9223372036854775807/feedbacks", 9_223_372_036_854_775_807),
            ("https://www.wildberries.ru/catalog/obuv/zhenskaya", nil), ("https://www.wildberries.ru/", nil), ("https://www.wildberries.ru/catalog/0/x", nil),
            ("https://www.wildberries.ru/catalog/99999999999999999999/x", nil), ("https://evil.ru/catalog/7/detail.aspx", nil),
            ("http://127.0.0.1:8091/catalog/7/detail.aspx", nil),
        ] as [(String, Int64?)])
    func articles(_ text: String, _ expected: Int64?) throws {
        #expect(shop.article(of: try #require(ProductLink(text))) == expected)
    }

    @Test("a card of each version gives brand, name, price and stock")
    func versions() throws {
        let v4 =
            #"{"products":[{"id":5,"name":"x"},{"id":123456789,"brand":"Лён","name":"Рубашка","totalQuantity":3,"sizes":[{"price":null},{"price":{"basic":817600,"product":408800}}]}]}"#
        let page = try #require(try report(v4).page)
        #expect(
            page
                == ProductPage(
                    canonicalURL: "https://www.wildberries.ru/catalog/123456789/detail.aspx", name: "Лён / Рубашка",
                    price: Money(minorUnits: 408_800, currency: .rub),
                    availability: .inStock, imageURL: shop.picture(123_456_789),
                    source: "wildberries"))
        #expect(
            try report(#"{"data":{"products":[{"id":123456789,"name":"Рубашка","sizes":[{"price":{"total":5000}},{"price":{"total":4000}}]}]}}"#).brief
                == "40.00 RUB")
        #expect(try report(#"{"data":{"products":[{"id":123456789,"name":"Рубашка","priceU":9900,"salePriceU":5000}]}}"#).brief == "50.00 RUB")
    }

    @Test(
        "pictures come from the server of their volume",
        arguments: [(1, "01"), (14_399_999, "01"), (14_400_000, "02"), (123_456_789, "09"), (456_500_001, "25"), (999_999_999, "26")] as [(Int64, String)])
    func pictures(_ article: Int64, _ basket: String) {
        #expect(shop.picture(article).hasPrefix("https://basket-\(basket).example.org/vol\(article / 100_000)/part\(article / 1000)/\(article)/images/"))
    }

    @Test(
        "what a card lacks is told apart",
        arguments: [
            (#"{"products":[]}"#, "not_found"), (#"{"products":[{"id":5,"name":"x"}]}"#, "not_found"), ("{}", "not_found"), ("[]", "not_found"),
            ("<html>", "unreachable"),
            ("", "unreachable"), (#"{"products":[{"id":123456789,"name":"x","sizes":[{"stocks":[]}]}]}"#, "no_price"),
            (#"{"products":[{"id":123456789,"name":"x","sizes":[{"price":{"product":0}}]}]}"#, "no_price"),
            (#"{"products":[{"id":123456789,"name":"x","sizes":[{"price":{"product":"5"}}]}]}"#, "no_price"),
            (#"{"products":[{"id":123456789,"sizes":[{"price":{"product":5}}]}]}"#, "not_a_product"), (#"{"products":{"id":123456789}}"#, "not_found"),
        ])
    func failures(_ json: String, _ expected: String) throws {
        #expect(try report(json).brief == expected)
    }
}
