import Metrics
import PriceWatchModel

/// What the parser counts: outcomes, by kind and source, and how long a page takes.
struct ParserMetrics: Sendable {
    /// Counts one outcome.
    func record(_ result: Result<ProductPage, ParseFault>, took duration: Duration) {
        let dimensions: [(String, String)] =
            switch result {
            case .success(let page): [("outcome", "found"), ("source", page.source)]
            case .failure(let fault): [("outcome", fault.reason.rawValue), ("source", "")]
            }
        Counter(label: "pricewatch_parser_pages", dimensions: dimensions).increment()
        let (seconds, attoseconds) = duration.components
        Timer(label: "pricewatch_parser_page_duration").recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
