import ApiumCore

/// What happens to slots that no beat was there for.
public struct CatchUp: Sendable, Hashable {
    /// Which of them are made good.
    public enum Policy: String, Sendable, Hashable, CaseIterable {
        /// None. The default.
        case skip
        /// The newest.
        case once
        /// The newest ``CatchUp/max`` of them, in their order.
        case all
    }

    /// Which slots are made good.
    public var policy: Policy
    /// How many at the most, with ``Policy/all``. Default 100.
    public var max: Int
    /// Slots that are older than this are skipped whatever the policy says. Default a day, at most 31 days.
    public var window: Duration

    /// The greatest window.
    static let longestWindow = Duration.days(31)
    /// The greatest number of slots made good at once.
    static let greatestMax = 10_000

    /// Makes a policy.
    public init(_ policy: Policy, max: Int = 100, window: Duration = .days(1)) {
        self.policy = policy
        self.max = max
        self.window = window
    }

    /// Missed slots are skipped.
    public static let skip = CatchUp(.skip)
    /// The newest missed slot is made good, when it is not older than a day.
    public static let once = CatchUp(.once)
}
