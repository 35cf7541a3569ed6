import Testing

@testable import PriceWatchParser

@Suite("Product links")
struct ProductLinkTests {
    @Test(
        "one product has one link in all spellings",
        arguments: [
            "https://shop.ru/p/1?b=2&a=1", "HTTPS://SHOP.RU/p/1?a=1&b=2", "https://shop.ru:443/p/1?a=1&b=2#top",
            "https://shop.ru./p/1?a=1&b=2&utm_source=x&utm_medium=y",
            "https://shop.ru/p/1?yclid=1&a=1&gclid=2&b=2&fbclid=3&_openstat=4&ysclid=5&roistat=6", "https://shop.ru/%70/1?a=1&b=2&",
            "https://shop.ru/p/1?a=1&&b=2&erid=Z", "https://shop.ru/p/1?_pos=1&_sid=c0ffee&_ss=r&a=1&_psq=tea&_fid=2&_v=1.0&b=2",
        ])
    func canonical(_ text: String) {
        #expect(ProductLink(text)?.text == "https://shop.ru/p/1?a=1&b=2")
    }

    @Test("what names another page is kept")
    func kept() {
        #expect(ProductLink("http://shop.ru:8080/A/b?Q=1&q=2")?.text == "http://shop.ru:8080/A/b?Q=1&q=2")
        #expect(ProductLink("https://shop.ru/чай?x=%d1%87")?.text == "https://shop.ru/%D1%87%D0%B0%D0%B9?x=%D1%87")
        #expect(ProductLink("https://www.shop.ru/")?.text == "https://www.shop.ru/")
        #expect(ProductLink("ftp://shop.ru/") == nil)
    }

    @Test(
        "the page's own canonical link is taken when it speaks of this page",
        arguments: [
            ("https://shop.ru/p/1", "https://shop.ru/tea", "https://shop.ru/tea"),
            ("https://shop.ru/p/1", "https://www.shop.ru/tea", "https://www.shop.ru/tea"),
            ("https://shop.ru/p/1", "https://evil.ru/tea", "https://shop.ru/p/1"), ("https://shop.ru/p/1", "https://shop.ru/", "https://shop.ru/p/1"),
            ("https://shop.ru/p/1?variant=2", "https://shop.ru/p/1", "https://shop.ru/p/1?variant=2"),
            ("https://shop.ru/p/1?variant=2", "https://shop.ru/tea?variant=2", "https://shop.ru/tea?variant=2"),
            ("https://shop.ru/p/1?utm_source=x", "https://shop.ru/tea", "https://shop.ru/tea"), ("https://shop.ru/p/1", "javascript:1", "https://shop.ru/p/1"),
        ])
    func declared(_ address: String, _ declared: String, _ expected: String) throws {
        let link = try #require(ProductLink(address))
        #expect(ProductLink.canonical(address: link, declared: declared).text == expected)
    }
}
