import Foundation
import HTTPFetch
import Logging
import Testing

@testable import SampleShop

@Suite("The sample shop", .timeLimit(.minutes(1)))
struct SampleShopTests {
    /// The shop's answers as programs and browsers get them.
    private func withShop(_ body: @Sendable @escaping (ShopUnderTest, HTTPFetcher) async throws -> Void) async throws {
        try await ShopUnderTest.run { stack in
            let fetcher = HTTPFetcher(configuration: .init(addressPolicy: .anywhere), logger: Logger(label: "test"))
            do {
                try await body(stack, fetcher)
                await fetcher.shutdown()
            } catch {
                await fetcher.shutdown()
                throw error
            }
        }
    }

    private func post(_ url: String, _ body: String, type: String = "application/json") -> FetchRequest {
        FetchRequest(url: url, method: .post, headers: ["Content-Type": type], body: Array(body.utf8), limits: FetchLimits(redirects: 0))
    }

    @Test("a form changes price and availability and leads back to the list")
    func form() async throws {
        try await withShop { stack, fetcher in
            let request = post(stack.shop + "/products/tea/price?lang=ru", "price=199%2C9&availability=preorder", type: "application/x-www-form-urlencoded")
            let answer = try await fetcher.fetch(request)
            #expect(answer.status == 303)
            #expect(answer.headers["Location"] == "/?lang=ru#tea")
            #expect(stack.shelf.product("tea")?.price == 19_990)
            #expect(stack.shelf.product("tea")?.availability == .preorder)
        }
    }

    @Test(
        "a change that makes no sense is refused whole",
        arguments: [
            (#"{"price":"0"}"#, 422), (#"{"price":"-1"}"#, 422), (#"{"price":"abc"}"#, 422), (#"{"price":"1.999"}"#, 422), (#"{"price":"1.2.3"}"#, 422),
            (#"{"price":"5","availability":"maybe"}"#, 422), (#"{"price":"5","status":200,"delay_ms":-1}"#, 422), (#"{"price":"5","status":302}"#, 422),
            ("{", 400), ("[]", 400),
        ])
    func refused(_ body: String, _ status: Int) async throws {
        try await withShop { stack, fetcher in
            let answer = try await fetcher.fetch(post(stack.shop + "/products/tea/price", body))
            #expect(answer.status == status)
            #expect(stack.shelf.product("tea")?.price == 24_990)
        }
    }

    @Test("a fault is set and taken away, and fetches are counted either way")
    func faults() async throws {
        try await withShop { stack, fetcher in
            let page = FetchRequest(url: stack.link("tea"))
            _ = try await fetcher.fetch(post(stack.shop + "/products/tea/price", #"{"status":503}"#))
            let faulty = try await fetcher.fetch(page)
            #expect(faulty.status == 503)
            _ = try await fetcher.fetch(post(stack.shop + "/products/tea/price", #"{"status":200}"#))
            let sound = try await fetcher.fetch(page)
            #expect(sound.status == 200)
            let counts = try await fetcher.fetch(FetchRequest(url: stack.shop + "/requests"))
            #expect(String(decoding: counts.body, as: UTF8.self) == #"{"products":{"tea":2},"total":2}"#)
        }
    }

    @Test("the list shows every product, in both languages, with nothing unescaped")
    func list() async throws {
        try await withShop { stack, fetcher in
            for (language, word) in [("en", "Copy link"), ("ru", "Копировать ссылку")] {
                let answer = try await fetcher.fetch(FetchRequest(url: stack.shop + "/?lang=" + language))
                let html = String(decoding: answer.body, as: UTF8.self)
                #expect(html.contains(word))
                #expect(stack.shelf.products.allSatisfy { html.contains("data-link=\"\(stack.shop)\($0.path)\"") })
                #expect(html.contains("&lt;warm &amp; bright&gt;"))
                #expect(!html.contains("<warm"))
            }
        }
    }

    @Test("pictures are PNG, also at the address of an article")
    func pictures() async throws {
        try await withShop { stack, fetcher in
            for path in ["/pictures/kettle.png", "/vol1234/part123456/123456789/images/big/1.webp"] {
                let answer = try await fetcher.fetch(FetchRequest(url: stack.shop + path))
                #expect(answer.body.starts(with: [0x89, 0x50, 0x4E, 0x47]))
                #expect(answer.headers["Content-Type"] == "image/png")
            }
            let none = try await fetcher.fetch(FetchRequest(url: stack.shop + "/pictures/nothing.png"))
            #expect(none.status == 404)
        }
    }

    @Test("prices outlive the shop when they have a file")
    func kept() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("shop-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let shelf = try Shelf(file: file.path)
        shelf.change("tea", price: 777, availability: .outOfStock)
        shelf.waitForFile()
        let next = try Shelf(file: file.path)
        #expect(next.product("tea")?.price == 777)
        #expect(next.product("tea")?.availability == .outOfStock)
        try Data("{".utf8).write(to: file)
        #expect(throws: (any Error).self) { try Shelf(file: file.path) }
    }
}
