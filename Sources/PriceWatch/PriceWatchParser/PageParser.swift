import HTMLDocument
import HTTPFetch
import Logging
import PriceWatchModel

/// The road of one link: fetch, decode, collect candidates, choose, report.
public struct PageParser: Sendable {
    private let fetcher: HTTPFetcher
    private let reader: HTMLReader
    private let wildberries: Wildberries
    private let limits: FetchLimits

    /// Makes a parser that fetches with the fetcher, whose address policy is thereby the parser's.
    public init(fetcher: HTTPFetcher, configuration: ParserConfiguration) {
        self.fetcher = fetcher
        reader = HTMLReader(threads: configuration.readerThreads, limits: HTMLLimits(bytes: configuration.limits.bodyBytes * 3))
        wildberries = Wildberries(
            cardBase: configuration.wildberriesCardURL, hosts: configuration.wildberriesHosts, pictureBase: configuration.wildberriesPictureURL)
        limits = configuration.limits
    }

    /// Fetches and reads the page behind a link.
    /// - Throws: `CancellationError` when the task is cancelled; anything a page or a shop does is an outcome.
    func parse(_ text: String) async throws -> Result<ProductPage, ParseFault> {
        let trimmed = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        do {
            let link = ProductLink(try FetchURL(trimmed))
            if let article = wildberries.article(of: link) { return try await parseCard(article, link: link) }
            return try await parsePage(trimmed)
        } catch let error as FetchError {
            if error.code == .cancelled || error.code == .closed { throw CancellationError() }
            return .failure(ParseFault(error))
        } catch let fault as ParseFault {
            return .failure(fault)
        }
    }

    private func parseCard(_ article: Int64, link: ProductLink) async throws -> Result<ProductPage, ParseFault> {
        let response = try await fetcher.fetch(FetchRequest(url: wildberries.cardAddress(article), headers: ["Accept": "application/json"], limits: limits))
        guard (200..<300).contains(response.status) else {
            try ResponseGate.check(response, host: link.host)
            throw ParseFault(.unreachable, "\(link.host) answers \(response.status)")
        }
        return wildberries.report(response.body, article: article, link: link)
    }

    private func parsePage(_ text: String) async throws -> Result<ProductPage, ParseFault> {
        let headers: FetchHeaders = ["Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1", "Accept-Language": "ru,en;q=0.8"]
        let response = try await fetcher.fetch(FetchRequest(url: text, headers: headers, limits: limits))
        guard let address = ProductLink(response.effectiveURL) else { throw ParseFault(.unreachable, "the answer has no address") }
        try ResponseGate.check(response, host: address.host)
        do {
            let content = try await reader.read(response.body, contentType: response.headers["Content-Type"]) {
                try PageContent($0, address: response.effectiveURL)
            }
            return PageReport.report(content, address: address)
        } catch let error as HTMLError {
            let reason: ParseFailure = error.code == .empty ? .notAProduct : .unreachable
            throw ParseFault(reason, "the page of \(address.host) can't be read: \(error.message)")
        }
    }
}
