import Synchronization

/// How many requests a token may make.
public struct RateLimit: Sendable, Hashable {
    /// Requests per second in the long run.
    public var perSecond: Double
    /// Requests at once.
    public var burst: Double

    /// Makes a limit; both are at least 1.
    public init(perSecond: Double, burst: Double) {
        self.perSecond = max(1, perSecond)
        self.burst = max(1, burst)
    }
}

/// One token bucket per caller: it fills with time, a request takes one out.
final class TokenBuckets: Sendable {
    private struct Bucket {
        var level: Double
        var at: ContinuousClock.Instant
    }

    /// Full buckets are as good as none, so that emptying the table at this size only forgives.
    private static let tableSize = 10_000

    private let buckets = Mutex<[Int64: Bucket]>([:])

    /// Takes one; answers how long to wait when there is none.
    func take(from caller: Int64, limit: RateLimit, now: ContinuousClock.Instant = .now) -> Duration? {
        buckets.withLock { buckets in
            if buckets.count >= Self.tableSize { buckets.removeAll(keepingCapacity: true) }
            var bucket = buckets[caller] ?? Bucket(level: limit.burst, at: now)
            let passed = bucket.at.duration(to: now)
            bucket.level = min(limit.burst, bucket.level + passed.seconds * limit.perSecond)
            bucket.at = now
            defer { buckets[caller] = bucket }
            guard bucket.level >= 1 else { return .seconds((1 - bucket.level) / limit.perSecond) }
            bucket.level -= 1
            return nil
        }
    }
}

extension Duration {
    /// In seconds; never negative.
    var seconds: Double { max(0, Double(components.seconds) + Double(components.attoseconds) / 1e18) }
}
