/// How many jobs may run, counted over all workers.
public struct Limit: Sendable, Hashable {
    /// How many may begin in a time. `nil`: any number.
    public var rate: Rate?
    /// How many may run at once. `nil`: any number.
    public var concurrency: Int?

    /// Makes a limit; a job has to keep both bounds.
    public init(rate: Rate? = nil, concurrency: Int? = nil) {
        self.rate = rate
        self.concurrency = concurrency
    }

    /// A limit of jobs that begin in a time.
    public static func rate(_ rate: Rate) -> Limit { Limit(rate: rate) }

    /// A limit of jobs that run at once.
    public static func concurrency(_ jobs: Int) -> Limit { Limit(concurrency: jobs) }

    /// So many jobs in a time: a token bucket.
    public struct Rate: Sendable, Hashable {
        /// The time in which one token comes. At least a microsecond.
        public var interval: Duration
        /// How many tokens the bucket holds: so many jobs may begin at once after a pause. Default: 1, so that jobs begin evenly.
        public var burst: Int

        /// A token each `interval`.
        public init(every interval: Duration, burst: Int = 1) {
            self.interval = interval
            self.burst = burst
        }

        /// So many jobs in a second.
        public static func perSecond(_ jobs: Double, burst: Int = 1) -> Rate { Rate(every: .seconds(1 / jobs), burst: burst) }
        /// So many jobs in a minute.
        public static func perMinute(_ jobs: Double, burst: Int = 1) -> Rate { Rate(every: .seconds(60 / jobs), burst: burst) }
        /// So many jobs in an hour.
        public static func perHour(_ jobs: Double, burst: Int = 1) -> Rate { Rate(every: .seconds(3600 / jobs), burst: burst) }

        /// Reads a text as Celery's `rate_limit` has it: `10/s`, `30/m`, `0.5/h`; a number alone is per second.
        ///
        /// - Throws: ``ApiumError`` `badArguments` when it is anything else.
        public init(text: String, burst: Int = 1) throws {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let units: [Substring: Double] = ["s": 1, "m": 60, "h": 3600]
            guard let count = parts.first.flatMap({ Double($0) }), count.isFinite, count > 0, let unit = parts.count == 2 ? units[parts[1]] : 1 else {
                throw ApiumError(.badArguments, "'\(text.prefix(100))' is no rate; say how many jobs in a second, a minute or an hour: 10/s, 30/m, 5/h")
            }
            self.init(every: .seconds(min(unit / count, 365 * 86_400)), burst: burst)
        }

        /// The rate as people read it: `30/m`, or `1 each 90.0 s` where no unit fits.
        public var text: String {
            for (unit, seconds) in [("s", 1.0), ("m", 60), ("h", 3600)] {
                let count = seconds / interval.inSeconds
                if count >= 0.999_999, abs(count - count.rounded()) < 0.001 { return "\(Int(count.rounded()))/\(unit)" }
            }
            return "1 each \(interval.inSeconds) s"
        }
    }

    /// - Throws: ``ApiumError`` `badArguments`, naming what is out of bounds.
    public func validate() throws {
        if rate == nil, concurrency == nil { throw ApiumError(.badArguments, "a limit has a rate, a concurrency or both; clear it where there shall be none") }
        if let concurrency, concurrency < 1 || concurrency > 1_000_000 {
            throw ApiumError(.badArguments, "a concurrency limit is \(concurrency); 1 to 1000000 are possible. Pause what shall not run at all")
        }
        if let rate, rate.interval < .microseconds(1) || rate.interval > .days(365) {
            throw ApiumError(.badArguments, "a rate limit lets a job begin each \(rate.interval); between a microsecond and a year is possible")
        }
        if let rate, rate.burst < 1 || rate.burst > 1_000_000 { throw ApiumError(.badArguments, "a burst is \(rate.burst); 1 to 1000000 are possible") }
    }

    /// The limit as the broker keeps it: microseconds between two jobs, burst, jobs at once; 0 is no bound.
    package var stored: String { "\(rate?.interval.wholeMicroseconds ?? 0) \(rate?.burst ?? 0) \(concurrency ?? 0)" }

    /// Reads ``stored``; `nil` when it is none or bounds nothing.
    package init?(stored: String) {
        let numbers = stored.split(separator: " ").compactMap { Int64($0) }
        guard numbers.count == 3, numbers[0] > 0 || numbers[2] > 0 else { return nil }
        rate = numbers[0] > 0 ? Rate(every: .microseconds(numbers[0]), burst: Int(max(numbers[1], 1))) : nil
        concurrency = numbers[2] > 0 ? Int(numbers[2]) : nil
    }
}
