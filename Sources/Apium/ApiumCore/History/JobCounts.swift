/// What became of some jobs, in numbers that can be added.
public struct JobCounts: Sendable, Hashable {
    /// What stands where in ``values``.
    public enum Field: Int, Sendable, CaseIterable {
        /// Runs that began.
        case started
        /// Runs that returned a value.
        case succeeded
        /// Jobs that failed for good, those that could not run among them.
        case failed
        /// Runs after which the job is tried again.
        case retried
        /// Runs that ended otherwise: snoozed, ignored, replaced, revoked, lost with their child process.
        case endedOtherwise
        /// Messages that were claimed and did not run: revoked, expired, not due, unknown.
        case turnedAway
        /// The microseconds that jobs waited, together: from when they were sent, or due, to their first run.
        case waited
        /// The microseconds that runs took, together.
        case ran
    }

    static let waitBuckets = Field.allCases.count
    static let runBuckets = waitBuckets + DurationHistogram.bucketCount
    /// How many numbers there are.
    public static let size = runBuckets + DurationHistogram.bucketCount

    /// The numbers: the fields in their order, then the buckets of the waits, then those of the runs.
    public private(set) var values: [Int64]

    /// Nothing counted.
    public init() { values = [Int64](repeating: 0, count: Self.size) }

    /// Numbers as ``values`` has them; missing ones are 0.
    public init(values: some Sequence<Int64>) {
        self.init()
        for (place, value) in values.prefix(Self.size).enumerated() { self.values[place] = value }
    }

    /// One number.
    public subscript(field: Field) -> Int64 {
        get { values[field.rawValue] }
        set { values[field.rawValue] = newValue }
    }

    /// Adds others.
    public mutating func add(_ other: JobCounts) {
        for place in values.indices { values[place] &+= other.values[place] }
    }

    /// Whether nothing was counted.
    public var isEmpty: Bool { values.allSatisfy { $0 == 0 } }

    /// How many messages left the queue for a worker.
    public var taken: Int64 { self[.started] + self[.turnedAway] }
    /// How many runs ended, in whatever way.
    public var ended: Int64 { self[.succeeded] + self[.failed] + self[.retried] + self[.endedOtherwise] }

    /// How long jobs waited for their first run, as far as their senders say when they sent them: Celery's do not.
    public var waits: DurationHistogram {
        DurationHistogram(buckets: Array(values[Self.waitBuckets..<Self.runBuckets]), sum: .microseconds(self[.waited]))
    }

    /// How long runs took.
    public var runs: DurationHistogram { DurationHistogram(buckets: Array(values[Self.runBuckets...]), sum: .microseconds(self[.ran])) }

    /// Where a duration is counted that a job waited.
    public static func waitPlace(_ duration: Duration) -> Int { waitBuckets + DurationHistogram.bucket(of: duration) }

    /// Where a duration is counted that a run took.
    public static func runPlace(_ duration: Duration) -> Int { runBuckets + DurationHistogram.bucket(of: duration) }
}

/// Durations, counted in steps of about three from a millisecond to three hours.
public struct DurationHistogram: Sendable, Hashable {
    /// The upper bounds of all buckets but the last, which has none.
    public static let bounds: [Duration] = boundsInMicroseconds.map { .microseconds($0) }
    private static let boundsInMicroseconds: [Int64] = [
        1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 300_000_000, 1_000_000_000, 3_000_000_000,
        10_000_000_000,
    ]
    static let bucketCount = 16

    /// How many durations are in each bucket.
    public var buckets: [Int64]
    /// All durations together.
    public var sum: Duration

    /// How many durations were counted.
    public var count: Int64 { buckets.reduce(0, +) }
    /// The mean; `nil` of none.
    public var mean: Duration? { count > 0 ? sum / Double(count) : nil }

    /// The duration that this part of all does not exceed, as far as the buckets tell it: within a bucket it is interpolated. `nil` of none.
    ///
    /// - Parameter part: 0.5 for the median, 0.95 for the 95th percentile.
    public func quantile(_ part: Double) -> Duration? {
        let count = Double(count)
        guard count > 0 else { return nil }
        let wanted = max(min(part, 1), 0) * count
        var passed = 0.0
        for (place, number) in buckets.enumerated() where number > 0 {
            if passed + Double(number) >= wanted {
                let low = place == 0 ? 0 : Double(Self.boundsInMicroseconds[place - 1])
                let high = Double(Self.boundsInMicroseconds[min(place, Self.boundsInMicroseconds.count - 1)])
                return .microseconds(Int64(low + max(high - low, 0) * (wanted - passed) / Double(number)))
            }
            passed += Double(number)
        }
        return Self.bounds.last
    }

    /// The bucket that a duration is counted in.
    static func bucket(of duration: Duration) -> Int {
        let microseconds = duration.wholeMicroseconds
        var place = 0
        while place < boundsInMicroseconds.count, microseconds > boundsInMicroseconds[place] { place += 1 }
        return place
    }
}
