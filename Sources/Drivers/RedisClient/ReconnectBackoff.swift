import NIOCore

/// How long to wait before the next attempt to connect: doubling from `first` to `longest`, each shortened by up to a half at
/// random, so that the clients of a server that comes back don't all arrive at once.
public struct ReconnectBackoff: Sendable, Hashable {
    /// The wait after the first failed attempt. Default 50 ms.
    public var first: Duration
    /// The longest wait. Default 5 s.
    public var longest: Duration

    /// Waits from `first` to `longest`.
    public init(first: Duration = .milliseconds(50), longest: Duration = .seconds(5)) {
        self.first = first
        self.longest = longest
    }

    /// The wait after `failures` failed attempts in a row (from 1).
    func delay(failures: Int) -> TimeAmount {
        let whole = min(longest, first * (1 << min(max(failures, 1) - 1, 20)))
        return TimeAmount(whole * Double.random(in: 0.5...1))
    }
}
