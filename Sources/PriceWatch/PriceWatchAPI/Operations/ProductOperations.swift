import PriceWatchModel

/// `/api/v1/products` and `/api/v1/preview`.
struct ProductOperations {
    var reader: any PriceReader
    var parser: any ProductParser
    var parseDeadline: Duration

    private let id = PathInput("id", .id, as: Int64.self, "The product's id.")

    init(reader: any PriceReader, parser: any ProductParser, parseDeadline: Duration) {
        self.reader = reader
        self.parser = parser
        self.parseDeadline = parseDeadline
    }

    var all: [Operation] { [list, read, history, preview] }

    private var list: Operation {
        Operation(
            .get, "/api/v1/products", id: "listProducts", tag: "products", summary: "List products",
            details: "A token of one chat sees what that chat follows.", scopes: [.read],
            inputs: OptionalQueryInput("search", .text(0...200), as: String.self, "Text in the name or the link, in any case."),
            OptionalQueryInput("limit", .integer(1...Int64(Limits.page.upperBound)), as: Int.self, default: Limits.defaultPage, "How many at most."),
            OptionalQueryInput("cursor", .id, as: Int64.self, "`next_cursor` of the page before.")
        ) { call, search, limit, cursor in
            let limit = limit ?? Limits.defaultPage
            let search = search.flatMap { $0.isEmpty ? nil : $0 }
            // One more than asked for says whether there is another page.
            let found = try await reader.products(
                ProductQuery(search: search, followedBy: try call.requireCaller().chatID, after: cursor, limit: limit + 1))
            let page = Array(found.prefix(limit))
            return Found(ProductList(products: page, nextCursor: found.count > limit ? page.last?.id : nil))
        }
    }

    private var read: Operation {
        Operation(
            .get, "/api/v1/products/{id}", id: "getProduct", tag: "products", summary: "Read a product", scopes: [.read], errors: [.notFound], inputs: id
        ) { call, id in
            guard let product = try await reader.product(id, followedBy: try call.requireCaller().chatID) else { throw Self.notFound }
            return Found(product)
        }
    }

    private var history: Operation {
        Operation(
            .get, "/api/v1/products/{id}/history", id: "getPriceHistory", tag: "products", summary: "Read a product's prices", scopes: [.read],
            errors: [.notFound], inputs: id,
            OptionalQueryInput("limit", .integer(1...Int64(Limits.history.upperBound)), as: Int.self, default: Limits.defaultHistory, "How many at most.")
        ) { call, id, limit in
            let chat = try call.requireCaller().chatID
            guard let points = try await reader.history(ofProduct: id, followedBy: chat, limit: limit ?? Limits.defaultHistory) else { throw Self.notFound }
            return Found(PriceHistory(points: points))
        }
    }

    private static var notFound: APIError { APIError(.notFound, "there is no such product", field: "id") }

    private var preview: Operation {
        Operation(
            .post, "/api/v1/preview", id: "previewLink", tag: "products", summary: "Read the page behind a link",
            details: "Asks the parser once and stores nothing.", scopes: [.read], errors: [.unreadablePage], inputs: BodyInput(PreviewRequest.self)
        ) { _, request in
            do throws(PageTrouble) {
                return Found(try await parser.parse(request.link, within: parseDeadline))
            } catch {
                throw APIError.unreadable(error.failure)
            }
        }
    }
}

/// The body of `POST /api/v1/preview`.
struct PreviewRequest: Codable, Sendable, SchemaProviding {
    var link: String

    static let schemaName = "PreviewRequest"
    static var schema: Schema { .object([.required("link", .text(Limits.link), "A link to a product page.")]) }
}
