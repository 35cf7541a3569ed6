import DynamicJSON
import HTTPFetch
import PriceWatchModel

/// Wildberries' pages are empty shells; their data comes from a JSON endpoint, many cards at once if need be.
struct Wildberries: Sendable {
    /// Where the cards come from, without a path.
    let cardBase: String
    /// Hosts whose `/catalog/<number>/…` links are product pages: `host` or `host:port`.
    let hosts: Set<String>
    /// Where the pictures come from; `{basket}` stands for the server's number.
    let pictureBase: String

    /// The article's number, when the link is one of a product page.
    func article(of link: ProductLink) -> Int64? {
        let hostAndPort = link.origin.split(separator: "/").last.map(String.init) ?? ""
        guard hosts.contains(link.host) || hosts.contains(hostAndPort) else { return nil }
        let segments = link.segments
        guard segments.count >= 2, segments[0] == "catalog", let number = Int64(segments[1]), number > 0 else { return nil }
        return number
    }

    /// The address of the card. Region (`dest`) and discount (`spp`) change the price, so they are always the same.
    func cardAddress(_ article: Int64) -> String {
        "\(cardBase)/cards/v4/detail?appType=1&curr=rub&dest=-1257786&spp=30&nm=\(article)"
    }

    /// Reads the answer: v4's `products`, and v2's within `data`.
    func report(_ body: [UInt8], article: Int64, link: ProductLink) -> Result<ProductPage, ParseFault> {
        guard let answer = try? JSONValue(parsing: body) else {
            return .failure(ParseFault(.unreachable, "the card of \(link.host) can't be read"))
        }
        let products = (answer["products"] ?? answer["data"]?["products"])?.arrayValue ?? []
        guard let card = products.first(where: { $0["id"]?.intValue == article }) else {
            return .failure(ParseFault(.notFound, "\(link.host) has no such article"))
        }
        guard let name = NameText.cleaned([card["brand"], card["name"]].compactMap { $0?.stringValue }.filter { !$0.isEmpty }.joined(separator: " / ")) else {
            return .failure(ParseFault(.notAProduct, "the card of \(link.host) has no name"))
        }
        let sizes = card["sizes"]?.arrayValue ?? []
        // A size without a price is sold out.
        let kopecks = sizes.compactMap { ($0["price"]?["product"] ?? $0["price"]?["total"])?.intValue } + [card["salePriceU"]?.intValue].compactMap { $0 }
        guard let lowest = kopecks.filter({ $0 > 0 }).min(), lowest < DecimalAmount.largest else {
            return .failure(ParseFault(.noPrice, "the article is sold out at \(link.host)"))
        }
        return .success(
            ProductPage(
                canonicalURL: "\(link.origin)/catalog/\(article)/detail.aspx", name: name, price: Money(minorUnits: lowest, currency: .rub),
                availability: availability(card, sizes), imageURL: picture(article), source: CandidateSource.wildberries.rawValue))
    }

    private func availability(_ card: JSONValue, _ sizes: [JSONValue]) -> Availability {
        if let total = card["totalQuantity"]?.intValue { return total > 0 ? .inStock : .outOfStock }
        let stocks = sizes.flatMap { $0["stocks"]?.arrayValue ?? [] }.compactMap { $0["qty"]?.intValue }
        return stocks.isEmpty ? .unknown : stocks.contains { $0 > 0 } ? .inStock : .outOfStock
    }

    func picture(_ article: Int64) -> String {
        let volume = article / 100_000
        let number = (Self.lastVolumes.firstIndex { volume <= $0 } ?? Self.lastVolumes.count) + 1
        let basket = number < 10 ? "0\(number)" : "\(number)"
        let base = pictureBase.split(separator: "{basket}", omittingEmptySubsequences: false).joined(separator: basket)
        return "\(base)/vol\(volume)/part\(article / 1000)/\(article)/images/big/1.webp"
    }

    /// The last volume of each picture server, by number. The table grows as the shop does.
    private static let lastVolumes: [Int64] = [
        143, 287, 431, 719, 1007, 1061, 1115, 1169, 1313, 1601, 1655, 1919, 2045, 2189, 2405, 2621, 2837, 3053, 3269, 3485, 3701, 3917, 4133, 4349, 4565,
    ]
}
