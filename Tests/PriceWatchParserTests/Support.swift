import HTMLDocument
import PriceWatchModel
import Testing

@testable import PriceWatchParser

/// Reads a page as the parser does after fetching it.
func read(_ html: String, at address: String = "https://shop.example.org/p/1") throws -> Result<ProductPage, ParseFault> {
    let document = try HTMLDocument(parsing: Array(html.utf8))
    let link = try #require(ProductLink(address))
    return PageReport.report(try PageContent(document, address: address), address: link)
}

/// Reads a page with one JSON-LD block.
func readLinkedData(_ json: String, head: String = "", at address: String = "https://shop.example.org/p/1") throws -> Result<ProductPage, ParseFault> {
    try read("\(head)<script type='application/ld+json'>\(json)</script>", at: address)
}

extension Result where Success == ProductPage, Failure == ParseFault {
    /// `1299.00 RUB`, or the reason of the failure.
    var brief: String {
        switch self {
        case .success(let page): "\(page.price.decimalText) \(page.price.currency)"
        case .failure(let fault): fault.reason.rawValue
        }
    }

    var page: ProductPage? { try? get() }
}
