/// What failed checks of one product lead to. A value: the store asks it, with the failures it has counted.
///
/// | failure | first pause, in intervals of the product | counts towards the pause of the product |
/// |---|---|---|
/// | timed out, unreachable | 1 | no |
/// | no price | 2 | no |
/// | blocked (403, 429, captcha) | 4, or what `Retry-After` says | no |
/// | gone (404, 410), no product, refused address | 4 | yes |
/// | the parser is away | 1, and nothing is counted: it is not the link's fault | no |
///
/// Each further failure doubles the pause, up to ``longest`` or the product's interval, whichever is longer.
public struct CheckBackoff: Sendable, Hashable {
    /// How many failures in a row it takes until the followers are told. Default: 3.
    public var failuresUntilTold: Int
    /// How many failures in a row it takes until a product is paused whose last failure is permanent. Default: 6.
    public var failuresUntilPaused: Int
    /// The longest pause, in seconds. Default: a day.
    public var longest: Int

    /// Makes a back-off; the defaults are given at the properties.
    public init(failuresUntilTold: Int = 3, failuresUntilPaused: Int = 6, longest: Int = 86_400) {
        self.failuresUntilTold = failuresUntilTold
        self.failuresUntilPaused = failuresUntilPaused
        self.longest = longest
    }

    /// What to do after a failure.
    public struct Step: Sendable, Hashable {
        /// Failures in a row, this one included.
        public var failures: Int
        /// Seconds until the next check.
        public var delay: Int
        /// Whether it has failed often enough for the followers to be told, if they have not been.
        public var isWorthTelling: Bool
        /// Whether the product is to be paused: no more checks until somebody asks for one.
        public var isPaused: Bool
    }

    /// The step after a failure.
    ///
    /// - Parameters:
    ///   - failure: what failed.
    ///   - before: how many checks failed before this one, in a row.
    ///   - interval: the product's interval in seconds.
    ///   - retryAfter: how long the shop asks to be left alone, in seconds; believed up to a week.
    public func step(after failure: ParseFailure, before: Int, interval: Int, retryAfter: Int? = nil) -> Step {
        guard failure.isOfTheLink else { return Step(failures: before, delay: interval, isWorthTelling: false, isPaused: false) }
        let failures = max(before, 0) + 1
        let doublings = min(failures - 1, 40)
        let (grown, isOver) = (max(interval, 1) * failure.firstPause).multipliedReportingOverflow(by: 1 << doublings)
        let delay = min(isOver ? Int.max : grown, max(interval, longest))
        return Step(
            failures: failures, delay: max(delay, min(retryAfter ?? 0, 604_800)), isWorthTelling: failures >= failuresUntilTold,
            isPaused: failure.isPermanent && failures >= failuresUntilPaused)
    }
}

extension ParseFailure {
    /// Whether the link is to blame, or at least its shop; a parser that cannot be reached says nothing of a link.
    public var isOfTheLink: Bool { self != .parserUnavailable }

    /// Whether waiting is not likely to help: the page is gone, or never was a product.
    public var isPermanent: Bool {
        switch self {
        case .notFound, .notAProduct, .refusedAddress: true
        case .blocked, .noPrice, .timedOut, .unreachable, .parserUnavailable: false
        }
    }

    /// The pause after the first failure, in intervals of the product.
    var firstPause: Int {
        switch self {
        case .timedOut, .unreachable, .parserUnavailable: 1
        case .noPrice: 2
        case .blocked, .notFound, .notAProduct, .refusedAddress: 4
        }
    }
}

/// Why a page could not be read, and what the shop said about coming back.
public struct PageTrouble: Error, Sendable, Hashable {
    /// What failed.
    public var failure: ParseFailure
    /// How long the shop asks to be left alone (`Retry-After`), in seconds.
    public var retryAfter: Int?

    /// Makes a trouble.
    public init(_ failure: ParseFailure, retryAfter: Int? = nil) {
        self.failure = failure
        self.retryAfter = retryAfter
    }
}
