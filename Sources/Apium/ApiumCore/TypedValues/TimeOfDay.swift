/// A time of the day, with or without an offset: Python's `time`.
public struct TimeOfDay: TypedJSON, CustomStringConvertible {
    /// Microseconds since midnight: 0 to 86,399,999,999.
    public let microseconds: Int64
    /// Seconds east of UTC; `nil` for none.
    public let offset: Int?

    /// Makes a time; `nil` when the day has none such.
    public init?(hour: Int, minute: Int, second: Int = 0, microsecond: Int = 0, offset: Int? = nil) {
        guard (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second), (0..<1_000_000).contains(microsecond) else { return nil }
        guard abs(offset ?? 0) < 86_400 else { return nil }
        microseconds = Int64((hour * 60 + minute) * 60 + second) * 1_000_000 + Int64(microsecond)
        self.offset = offset
    }

    /// Reads `07:30`, `07:30:15`, `07:30:15.25`, each with or without an offset.
    public init?(iso8601 text: String) {
        guard text.utf8.count <= 40, let (instant, offset) = Timestamp.zoned(iso8601: "1970-01-02T" + text) else { return nil }
        let time = instant.microseconds + Int64(offset ?? 0) * 1_000_000 - 86_400_000_000
        // 24:00 is the next day's.
        guard (0..<86_400_000_000).contains(time) else { return nil }
        (microseconds, self.offset) = (time, offset)
    }

    /// The hour, 0 to 23.
    public var hour: Int { Int(microseconds / 3_600_000_000) }
    /// The minute, 0 to 59.
    public var minute: Int { Int(microseconds / 60_000_000 % 60) }
    /// The second, 0 to 59.
    public var second: Int { Int(microseconds / 1_000_000 % 60) }
    /// The microsecond, 0 to 999,999.
    public var microsecond: Int { Int(microseconds % 1_000_000) }

    /// The time as Python writes it: `07:30:00`, with a fraction only when there is one.
    public var iso8601: String {
        let fraction = microsecond == 0 ? "" : "." + Digits.padded(microsecond, 6)
        let clock = [hour, minute, second].map { Digits.padded($0, 2) }.joined(separator: ":")
        return clock + fraction + (offset.map { UTCOffset.text($0) } ?? "")
    }

    public var description: String { iso8601 }
    public var typed: TypedValue { .time(self) }

    public init?(typed: TypedValue) {
        guard case .time(let time) = typed else { return nil }
        self = time
    }

    public init?(untagged text: String) { self.init(iso8601: text) }
}
