/// A point in time in whole microseconds since 1970-01-01T00:00:00Z.
///
/// What Redis' `TIME` answers, what a message's `eta` and a result's `date_done` carry. Shared state is compared with the
/// broker's clock (``Broker/serverTime()``), never with the clock of one machine.
/// In a job's arguments and results it is Python's `datetime` in UTC (``TypedValue``); ``ZonedTime`` keeps the zone.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since the epoch; negative before it.
    public var microseconds: Int64

    /// Makes an instant from microseconds since the epoch.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Makes an instant from seconds since the epoch; out-of-range values are clamped.
    public init(seconds: Double) { microseconds = Int64(clamping: seconds * 1_000_000) }

    /// Seconds since the epoch.
    public var seconds: Double { Double(microseconds) / 1_000_000 }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// The instant `duration` after `time`; saturates instead of overflowing.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflow) = time.microseconds.addingReportingOverflow(duration.wholeMicroseconds)
        return Timestamp(microseconds: overflow ? .max : sum)
    }

    /// The time from `right` to `left`; saturates instead of overflowing.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        let (difference, overflow) = left.microseconds.subtractingReportingOverflow(right.microseconds)
        return .microseconds(overflow ? (left < right ? .min : .max) : difference)
    }
}

extension Int64 {
    /// The nearest 64-bit integer of a floating-point number; NaN is 0.
    init(clamping value: Double) {
        if value.isNaN {
            self = 0
        } else if value >= 9.2e18 {
            self = .max
        } else if value <= -9.2e18 {
            self = .min
        } else {
            self = Int64(value.rounded())
        }
    }
}

extension Duration {
    /// The duration in whole microseconds, saturating.
    public var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, isBeyond) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return isBeyond ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds.
    public var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// A duration of minutes.
    public static func minutes(_ minutes: Int64) -> Duration { .seconds(minutes * 60) }

    /// A duration of hours.
    public static func hours(_ hours: Int64) -> Duration { .seconds(hours * 3600) }

    /// A duration of days of 24 hours.
    public static func days(_ days: Int64) -> Duration { .seconds(days * 86_400) }
}
