import Foundation
import Hummingbird

/// The shop's addresses.
struct ShopRoutes: Sendable {
    let shelf: Shelf

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/") { request, _ in ShopAnswer.html(FrontPage(products: shelf.products, language: Language(request), origin: origin(request)).html) }
        router.get("/health/live") { _, _ in ShopAnswer.text("ok") }
        router.get("/health/ready") { _, _ in ShopAnswer.text("ok") }
        router.get("/requests") { _, _ in try requestCounts() }
        router.get("/products") { request, _ in try productList(request) }
        router.get("/products/{id}") { request, context in try await page(request, shelf.product(context.parameters.get("id") ?? "")) }
        router.post("/products/{id}/price") { request, context in try await change(request, context.parameters.get("id") ?? "") }
        router.get("/catalog/{article}/detail.aspx") { request, context in try await shell(request, context.parameters.get("article", as: Int64.self)) }
        router.get("/cards/v4/detail") { request, _ in try await cards(request) }
        router.get("/pictures/{file}") { _, context in picture(id: (context.parameters.get("file") ?? "").replacingOccurrences(of: ".png", with: "")) }
        router.get("/{volume}/{part}/{article}/images/big/{file}") { _, context in
            picture(id: shelf.product(article: context.parameters.get("article", as: Int64.self) ?? 0)?.id ?? "")
        }
        return router
    }

    private func origin(_ request: Request) -> String { "http://\(request.head.authority ?? "127.0.0.1")" }

    // MARK: Pages

    private func page(_ request: Request, _ product: ShopProduct?) async throws -> Response {
        guard let product, product.article == nil else { return ShopAnswer.missing(Language(request)) }
        if let fault = try await fault(of: product.id) { return fault }
        let page = ProductPage(product: product, language: Language(request), origin: origin(request))
        return product.markup == .windows1251 ? ShopAnswer.windows1251(page.html) : ShopAnswer.html(page.html)
    }

    /// The page of an article is an empty shell, as on the model: its data comes from the cards.
    private func shell(_ request: Request, _ article: Int64?) async throws -> Response {
        guard let article, let product = shelf.product(article: article) else { return ShopAnswer.missing(Language(request)) }
        return ShopAnswer.html(CardShell(product: product, language: Language(request), origin: origin(request)).html)
    }

    private func cards(_ request: Request) async throws -> Response {
        let articles = (request.uri.queryParameters.get("nm") ?? "").split(separator: ";").prefix(100).compactMap { Int64($0) }
        var found: [ShopProduct] = []
        for product in articles.compactMap({ shelf.product(article: $0) }) {
            if let fault = try await fault(of: product.id) { return fault }
            found.append(product)
        }
        return try ShopAnswer.json(Card.answer(found))
    }

    private func picture(id: String) -> Response {
        guard let product = shelf.product(id) else { return ShopAnswer.text("no such picture", status: .notFound) }
        return ShopAnswer.bytes(Picture.png(product.drawing, seed: product.id), type: "image/png")
    }

    /// Counts the fetch; waits and answers as the product's fault says, if it has one.
    private func fault(of id: String) async throws -> Response? {
        guard let fault = shelf.fetched(id) else { return nil }
        if fault.delay > .zero { try await Task.sleep(for: fault.delay) }
        return fault.status.map { status in
            var answer = ShopAnswer.text("fault \(status)", status: .init(code: status))
            if let seconds = fault.retryAfter { answer.headers[.retryAfter] = String(seconds) }
            return answer
        }
    }

    // MARK: Changes and what tests ask

    private func requestCounts() throws -> Response {
        let counts = shelf.fetches
        return try ShopAnswer.json(RequestCounts(products: counts, total: counts.values.reduce(0, +)))
    }

    private func productList(_ request: Request) throws -> Response {
        try ShopAnswer.json(shelf.products.map { ProductEntry($0, origin: origin(request)) })
    }

    private func change(_ request: Request, _ id: String) async throws -> Response {
        guard let product = shelf.product(id) else { return ShopAnswer.text("no such product", status: .notFound) }
        let body = try await request.body.collect(upTo: 16 * 1024)
        let isForm = request.headers[.contentType]?.hasPrefix("application/x-www-form-urlencoded") == true
        let change: PriceChange
        do {
            change =
                isForm
                ? try URLEncodedFormDecoder().decode(PriceChange.self, from: String(buffer: body))
                : try JSONDecoder().decode(PriceChange.self, from: Data(buffer: body))
        } catch {
            return ShopAnswer.text("the body should be a form or JSON with price, availability, status or delay_ms", status: .badRequest)
        }
        if let refusal = apply(change, to: product) { return ShopAnswer.text(refusal, status: .unprocessableContent) }
        if isForm { return Response(status: .seeOther, headers: [.location: "/?lang=\(Language(request).rawValue)#\(id)"]) }
        return try ShopAnswer.json(ProductEntry(shelf.product(id) ?? product, origin: origin(request)))
    }

    /// Applies a change whole or not at all; gives the reason when it can't be.
    private func apply(_ change: PriceChange, to product: ShopProduct) -> String? {
        var price: Int64?
        if let text = change.price, !text.isEmpty {
            guard let amount = product.amount(text) else { return "the price should be a number above zero with at most \(product.decimals) decimals" }
            price = amount
        }
        var availability: ShopAvailability?
        if let text = change.availability {
            guard let known = ShopAvailability(rawValue: text) else { return "the availability should be in_stock, out_of_stock or preorder" }
            availability = known
        }
        if let status = change.status, status != 0, status != 200, !(400...599).contains(status) { return "the status should be 200, or between 400 and 599" }
        if let delay = change.delay_ms, !(0...120_000).contains(delay) { return "the delay should be between 0 and 120000 ms" }
        if let seconds = change.retry_after, !(0...86_400).contains(seconds) { return "retry_after should be between 0 and 86400 s" }
        if price != nil || availability != nil { shelf.change(product.id, price: price, availability: availability) }
        if change.status != nil || change.delay_ms != nil {
            let status = change.status.flatMap { $0 >= 400 ? $0 : nil }
            let fault = Fault(status: status, delay: .milliseconds(change.delay_ms ?? 0), retryAfter: change.retry_after)
            shelf.setFault(fault == Fault() ? nil : fault, on: product.id)
        }
        return nil
    }
}

/// What `POST /products/{id}/price` takes; `status` 200 and `delay_ms` 0 take a fault away.
struct PriceChange: Decodable {
    var price: String?
    var availability: String?
    var status: Int?
    var delay_ms: Int?
    /// With a status: what `Retry-After` says, in seconds.
    var retry_after: Int?
}

/// What `GET /requests` answers.
struct RequestCounts: Encodable {
    var products: [String: Int]
    var total: Int
}

/// A product for programs.
struct ProductEntry: Encodable {
    var id: String
    var name: String
    var markup: String
    var url: String
    var price: String
    var currency: String
    var availability: String

    init(_ product: ShopProduct, origin: String) {
        id = product.id
        name = product.name
        markup = product.markup.rawValue
        url = origin + product.path
        price = product.decimalPrice
        currency = product.currency
        availability = product.availability.rawValue
    }
}
