/// An instant as a clock in some zone shows it: Python's `datetime`. Use ``Timestamp`` where the zone does not matter.
public struct ZonedTime: TypedJSON, CustomStringConvertible {
    /// The instant; a time without an offset is taken as UTC.
    public var instant: Timestamp
    /// Seconds east of UTC; `nil` for Python's naive `datetime`.
    public var offset: Int?

    /// Makes a time; an offset of a day or more, which Python does not take, is brought below one.
    public init(_ instant: Timestamp, offset: Int? = nil) {
        self.instant = instant
        self.offset = offset.map { min(max($0, -86_399), 86_399) }
    }

    /// Reads any ISO 8601 time; see ``Timestamp/init(iso8601:)``.
    public init?(iso8601 text: String) {
        guard let (instant, offset) = Timestamp.zoned(iso8601: text) else { return nil }
        self.init(instant, offset: offset)
    }

    /// The time as Python's `isoformat()` writes it: `2026-11-23T00:14:38.112215+01:00`, a fraction only when there is one.
    public var iso8601: String {
        let wall = Timestamp(microseconds: instant.microseconds.addingReportingOverflow(Int64(offset ?? 0) * 1_000_000).partialValue)
        let text = wall.iso8601.dropLast(6)
        return (text.hasSuffix(".000000") ? text.dropLast(7) : text) + (offset.map { UTCOffset.text($0) } ?? "")
    }

    public var description: String { iso8601 }
    public var typed: TypedValue { .datetime(self) }

    public init?(typed: TypedValue) {
        guard case .datetime(let time) = typed else { return nil }
        self = time
    }

    public init?(untagged text: String) { self.init(iso8601: text) }
}

/// Offsets as Python writes them.
enum UTCOffset {
    /// `+01:00`, or `+00:09:21` when there are seconds.
    static func text(_ seconds: Int) -> String {
        let size = abs(seconds)
        let parts = [size / 3600, size / 60 % 60] + (size % 60 == 0 ? [] : [size % 60])
        return (seconds < 0 ? "-" : "+") + parts.map { Digits.padded($0, 2) }.joined(separator: ":")
    }
}

/// Numbers of fixed width.
enum Digits {
    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }
}
