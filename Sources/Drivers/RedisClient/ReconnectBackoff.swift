import NIOCore

/// How long to wait before the next attempt to connect: doubling from `first` to `longest`, each shortened by up to a half at
/// random, so that the clients of a server that comes back don't all arrive at once.
public struct ReconnectBackoff: Sendable, Hashable {
    /// The wait after the first failed attempt. Default 50 ms.
    public var first: Duration
    /// The longest wait. Default 5 s.
    public var longest: Duration
    /// How soon after a failed attempt a caller's command may begin the next one, whatever is left of the wait. Default 50 ms.
    public var onDemand: Duration

    /// Waits from `first` to `longest`, cut short by commands that come later than `onDemand`.
    public init(first: Duration = .milliseconds(50), longest: Duration = .seconds(5), onDemand: Duration = .milliseconds(50)) {
        self.first = first
        self.longest = longest
        self.onDemand = onDemand
    }

    /// The wait after `failures` failed attempts in a row (from 1).
    func delay(failures: Int) -> TimeAmount {
        let whole = min(longest, first * (1 << min(max(failures, 1) - 1, 20)))
        return TimeAmount(whole * Double.random(in: 0.5...1))
    }
}
