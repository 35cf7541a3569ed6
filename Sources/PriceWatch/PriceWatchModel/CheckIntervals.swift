/// How often products may be checked, in whole seconds: what a deployment allows, and what it does where nobody says otherwise.
///
/// A product's interval is the shortest that one of its followers wants: what they set for that product, else what they set for
/// all of theirs, else ``standard``; whatever was stored, it stays between ``minimum`` and ``maximum``.
public struct CheckIntervals: Sendable, Hashable, Codable {
    /// Where nobody says otherwise. Default: an hour.
    public var standard: Int
    /// The shortest allowed. Default: five minutes.
    public var minimum: Int
    /// The longest allowed. Default: a week.
    public var maximum: Int

    /// Makes intervals; the defaults are given at the properties.
    public init(standard: Int = 3_600, minimum: Int = 300, maximum: Int = 604_800) {
        self.standard = standard
        self.minimum = minimum
        self.maximum = maximum
    }

    /// Whether a user may have this interval.
    public func admits(_ seconds: Int) -> Bool { (minimum...max(minimum, maximum)).contains(seconds) }
}

/// When products are checked: a value without a clock, so that all of it can be tested. Instants and intervals are microseconds.
///
/// Each product has slots of its own, one interval apart and counted from 1970, at a phase that follows from its id. So the
/// checks of many products are spread evenly over their interval, and stay so through restarts and for all schedulers alike.
public struct CheckPlan: Sendable, Hashable {
    /// What is due longer than this was missed, not late: it is spread instead of being checked at once. Default: two minutes.
    public var grace: Int64 = 120_000_000
    /// How long what was missed is spread over at most; never over more than the product's interval. Default: 30 minutes.
    public var recovery: Int64 = 1_800_000_000

    /// Makes a plan with the defaults that are given at the properties.
    public init() {}

    /// Where in its interval a product's slots lie: from 0 up to the interval.
    ///
    /// Multiplying by 2^64 divided by the golden ratio spreads ids that follow each other as evenly as any number of points
    /// can be (three-distance theorem), and any others as a hash does.
    public static func phase(of product: Int64, in interval: Int64) -> Int64 {
        let spread = UInt64(bitPattern: product) &* 0x9E37_79B9_7F4A_7C15
        return Int64(spread.multipliedFullWidth(by: UInt64(max(interval, 1))).high)
    }

    /// The next check of a product that was checked, or got its interval, just now: its first slot that is a quarter of the
    /// interval away or more, moved by the jitter.
    ///
    /// - Parameter jitter: from -1 to 1: of a twentieth of the interval, at most 30 seconds, so that a shop does not see the same second each time.
    ///   Never so far that a slot would come twice.
    public static func next(of product: Int64, after now: Int64, interval: Int64, jitter: Double) -> Int64 {
        let interval = max(interval, 1)
        let earliest = now + interval / 4
        let behind = (earliest - phase(of: product, in: interval)) % interval
        let slot = earliest + (behind == 0 ? 0 : (behind > 0 ? interval - behind : -behind))
        return slot + Int64(Double(min(interval / 20, 30_000_000)) * min(max(jitter, -1), 1))
    }

    /// When a product is checked whose slot passed while nothing ran: anywhere in the time of recovery, by its phase.
    public func recovered(_ product: Int64, at now: Int64, interval: Int64) -> Int64 {
        now + 1 + Self.phase(of: product, in: min(max(interval, 1), recovery))
    }

    /// How long a check that was handed out may take before the product counts as due again: the interval, but from two to 30 minutes.
    public static func lease(interval: Int64) -> Int64 { min(max(interval, 120_000_000), 1_800_000_000) }
}
