import HTTPFetch

/// What the parser is set up with.
public struct ParserConfiguration: Sendable {
    /// Hosts (`host` or `host:port`) that are fetched although the address guard would refuse them. For tests; empty by default.
    public var allowedHosts: [String]
    /// Bounds of each fetch.
    public var limits: FetchLimits
    /// The base address of Wildberries' cards; `https://card.wb.ru` by default.
    public var wildberriesCardURL: String
    /// Hosts whose `/catalog/<number>/…` links are Wildberries' products.
    public var wildberriesHosts: Set<String>
    /// The base address of Wildberries' pictures, `{basket}` for the server's number. By default the shop's own for the shop's own
    /// cards, else the base of the cards: whoever stands in for the one stands in for the other.
    public var wildberriesPictureURL: String
    /// How many pages are read at once; 2 by default.
    public var readerThreads: Int
    /// Calls under way at once, pages of a batch counted each; more are refused with RESOURCE_EXHAUSTED. 256 by default.
    public var mostAtOnce: Int
    /// What the parser calls itself to shops.
    public var userAgent: String

    /// Makes a configuration from the defaults and what differs from them.
    public init(
        allowedHosts: [String] = [], limits: FetchLimits = FetchLimits(), wildberriesCardURL: String = "https://card.wb.ru",
        wildberriesHosts: Set<String> = ["www.wildberries.ru", "wildberries.ru"],
        wildberriesPictureURL: String? = nil, readerThreads: Int = 2, mostAtOnce: Int = 256,
        userAgent: String = "PriceWatch/1.0 (price tracker)"
    ) {
        self.allowedHosts = allowedHosts
        self.limits = limits
        self.wildberriesCardURL = wildberriesCardURL
        self.wildberriesHosts = wildberriesHosts
        let isOwn = wildberriesCardURL == "https://card.wb.ru"
        self.wildberriesPictureURL = wildberriesPictureURL ?? (isOwn ? "https://basket-{basket}.wbbasket.ru" : wildberriesCardURL)
        self.readerThreads = readerThreads
        self.mostAtOnce = mostAtOnce
        self.userAgent = userAgent
    }

    /// The fetcher's configuration: public addresses and the allowed hosts only.
    /// - Throws: `FetchError` when an allowed host is written wrongly.
    public func fetching() throws -> HTTPFetcher.Configuration {
        HTTPFetcher.Configuration(addressPolicy: try .publicInternet(allowing: allowedHosts), limits: limits, userAgent: userAgent)
    }
}
