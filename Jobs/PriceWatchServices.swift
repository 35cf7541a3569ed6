import PriceWatchModel

/// What the jobs work with; the worker's main chooses the adapters.
public struct PriceWatchServices: Sendable {
    /// The database.
    public var store: any JobStore
    /// The page reader.
    public var parser: any ProductParser
    /// The rules that a deployment may set.
    public var rules: Rules

    /// Makes the services.
    public init(store: any JobStore, parser: any ProductParser, rules: Rules = Rules()) {
        self.store = store
        self.parser = parser
        self.rules = rules
    }

    /// Reads the page behind a link.
    ///
    /// - Throws: ``PageTrouble``, also for an amount that is not above zero: nonsense never enters the history.
    func read(_ link: String) async throws(PageTrouble) -> ProductPage {
        let page = try await parser.parse(link, within: rules.parseDeadline)
        guard page.price.minorUnits > 0 else { throw PageTrouble(.noPrice) }
        return page
    }

    /// The rules that a deployment may set, and the sizes of batches.
    public struct Rules: Sendable {
        /// How often a product may be checked. Default: each hour, between five minutes and a week.
        public var intervals: CheckIntervals
        /// How many products one user may follow. Default: 100.
        public var watchesPerUser: Int
        /// How long one page may take. Default: 20 seconds.
        public var parseDeadline: Duration
        /// For how many days every price is kept; older ones are rolled up by day. Default: 90.
        public var historyDays: Int
        /// For how many days sent notifications, ended sessions and ended tokens are kept. Default: 30.
        public var sentDays: Int
        /// How many products one batch of ``CheckDue`` takes. Default: 500.
        public var dueBatch = 500
        /// How many batches one run of ``CheckDue`` takes. Default: 10.
        public var dueBatches = 10
        /// How many digests are written in one transaction. Default: 100.
        public var digestBatch = 100
        /// How many notifications ``RelayOutbox`` enqueues in one transaction. Default: 500.
        public var relayBatch = 500
        /// How many rows ``TidyUp`` takes in one transaction. Default: 1,000.
        public var upkeepBatch = 1_000
        /// How many transactions of a kind one run of ``TidyUp``, ``SendDigests`` or ``RelayOutbox`` makes. Default: 200.
        public var upkeepBatches = 200

        /// Makes rules; the defaults are given at the properties.
        public init(
            intervals: CheckIntervals = CheckIntervals(), watchesPerUser: Int = 100, parseDeadline: Duration = .seconds(20), historyDays: Int = 90,
            sentDays: Int = 30
        ) {
            self.intervals = intervals
            self.watchesPerUser = watchesPerUser
            self.parseDeadline = parseDeadline
            self.historyDays = historyDays
            self.sentDays = sentDays
        }
    }
}
