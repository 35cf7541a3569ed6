import PriceWatchModel

/// What the jobs work with; the worker's main chooses the adapters.
public struct PriceWatchServices: Sendable {
    /// The database.
    public var store: any PriceStore
    /// The page reader.
    public var parser: any ProductParser
    /// The rules that a deployment may set.
    public var rules: Rules

    /// Makes the services.
    public init(store: any PriceStore, parser: any ProductParser, rules: Rules = Rules()) {
        self.store = store
        self.parser = parser
        self.rules = rules
    }

    /// The rules that a deployment may set.
    public struct Rules: Sendable {
        /// How often a product is checked. Default: an hour.
        public var checkInterval: Duration
        /// How many products one user may follow. Default: 100.
        public var watchesPerUser: Int
        /// How long one page may take. Default: 20 seconds.
        public var parseDeadline: Duration
        /// How many products one run of ``CheckDue`` takes. Default: 500.
        public var dueBatch: Int

        /// Makes rules; the defaults are given at the properties.
        public init(checkInterval: Duration = .seconds(3600), watchesPerUser: Int = 100, parseDeadline: Duration = .seconds(20), dueBatch: Int = 500) {
            self.checkInterval = checkInterval
            self.watchesPerUser = watchesPerUser
            self.parseDeadline = parseDeadline
            self.dueBatch = dueBatch
        }
    }
}
