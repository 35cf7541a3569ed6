/// A day of the Gregorian calendar, without a zone: Python's `date`.
public struct CalendarDate: TypedJSON, Comparable, CustomStringConvertible {
    /// 1 to 9999.
    public let year: Int
    /// 1 to 12.
    public let month: Int
    /// 1 to 28, 29, 30 or 31.
    public let day: Int

    /// Makes a day; `nil` when the calendar has none such.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= CivilDate.days(inMonth: Int64(month), of: Int64(year)) else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// Reads `2026-11-23`, or the day of a whole ISO 8601 time as its own clock shows it.
    public init?(iso8601 text: String) {
        guard let (instant, offset) = Timestamp.zoned(iso8601: text) else { return nil }
        let date = CivilDate(daysSinceEpoch: (instant.microseconds + Int64(offset ?? 0) * 1_000_000).flooredDivision(by: 86_400_000_000).quotient)
        self.init(year: Int(date.year), month: Int(date.month), day: Int(date.day))
    }

    /// `2026-11-23`.
    public var iso8601: String { "\(Digits.padded(year, 4))-\(Digits.padded(month, 2))-\(Digits.padded(day, 2))" }

    public static func < (left: CalendarDate, right: CalendarDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    public var description: String { iso8601 }
    public var typed: TypedValue { .date(self) }

    public init?(typed: TypedValue) {
        guard case .date(let date) = typed else { return nil }
        self = date
    }

    public init?(untagged text: String) { self.init(iso8601: text) }
}
