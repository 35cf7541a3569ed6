extension Timestamp {
    /// The instant as Python writes it, in UTC with microseconds: `2026-11-22T23:14:38.112215+00:00`.
    ///
    /// Instants outside of the years 1 to 9999, which Python cannot read, are written as the first or the last of them.
    public var iso8601: String {
        let clamped = min(max(microseconds, Timestamp.first), Timestamp.last)
        let (second, fraction) = clamped.flooredDivision(by: 1_000_000)
        let (day, secondOfDay) = second.flooredDivision(by: 86_400)
        let date = CivilDate(daysSinceEpoch: day)
        return String(unsafeUninitializedCapacity: 32) { output in
            var place = 0
            func write(_ number: Int64, _ width: Int, _ end: Unicode.Scalar) {
                var rest = number
                for index in stride(from: place + width - 1, through: place, by: -1) {
                    output[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                output[place + width] = UInt8(ascii: end)
                place += width + 1
            }
            write(date.year, 4, "-")
            write(date.month, 2, "-")
            write(date.day, 2, "T")
            write(secondOfDay / 3600, 2, ":")
            write(secondOfDay / 60 % 60, 2, ":")
            write(secondOfDay % 60, 2, ".")
            write(fraction, 6, "+")
            for byte in "00:00".utf8 {
                output[place] = byte
                place += 1
            }
            return place
        }
    }

    /// Reads any ISO 8601 instant: calendar, ordinal and week dates, with or without separators, a time, a fraction (digits
    /// after the sixth are dropped) and an offset. Without an offset it is UTC; without a time it is midnight.
    public init?(iso8601 text: String) {
        guard let (instant, _) = Timestamp.zoned(iso8601: text) else { return nil }
        self = instant
    }

    /// Reads an instant and the seconds east of UTC that its text names; see ``init(iso8601:)``.
    static func zoned(iso8601 text: String) -> (instant: Timestamp, offset: Int?)? {
        var parser = ISO8601Parser(text)
        return parser.instant()
    }

    /// 0001-01-01T00:00:00Z.
    private static let first = CivilDate(year: 1, month: 1, day: 1).daysSinceEpoch * 86_400_000_000
    /// The last microsecond of 9999.
    private static let last = CivilDate(year: 10_000, month: 1, day: 1).daysSinceEpoch * 86_400_000_000 - 1
}

/// A day of the proleptic Gregorian calendar.
struct CivilDate: Hashable {
    var year: Int64
    var month: Int64
    var day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day `days` after 1970-01-01. Years are counted from March, so that the leap day is the last.
    init(daysSinceEpoch days: Int64) {
        // 719 468 days lie between 0000-03-01 and the epoch; 146 097 are in 400 years.
        let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        month = shifted < 10 ? shifted + 3 : shifted - 9
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }

    /// Days from 1970-01-01 to this day.
    var daysSinceEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredDivision(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Whether a year has 366 days.
    static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// How many days a month has.
    static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads the parts of an ISO 8601 text from left to right.
private struct ISO8601Parser {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        let trimmed = text.utf8.prefix(64)
        bytes = trimmed.count == text.utf8.count ? Array(trimmed) : []
    }

    private var isAtEnd: Bool { position == bytes.count }
    private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func instant() -> (Timestamp, Int?)? {
        guard let days = date() else { return nil }
        let midnight = days * 86_400_000_000
        if isAtEnd { return (Timestamp(microseconds: midnight), nil) }
        guard accept("T") || accept("t") || accept(" "), let time = timeOfDay() else { return nil }
        if isAtEnd { return (Timestamp(microseconds: midnight + time), nil) }
        guard let offset = offset(), isAtEnd else { return nil }
        return (Timestamp(microseconds: midnight + time - offset * 1_000_000), Int(offset))
    }

    /// Days since the epoch.
    private mutating func date() -> Int64? {
        guard let year = digits(4), year >= 1 else { return nil }
        let separated = accept("-")
        if accept("W") { return week(of: year, separated) }
        switch digitsAhead {
        case 0 where !separated && isAtEnd: return CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
        case 3: return ordinal(of: year)
        default: return month(of: year, separated)
        }
    }

    private mutating func month(of year: Int64, _ separated: Bool) -> Int64? {
        guard let month = digits(2), (1...12).contains(month) else { return nil }
        var day: Int64 = 1
        // `2026-11` names a month; `202611` would be taken for a time or a short year.
        if separated ? accept("-") : true {
            guard let number = digits(2), number >= 1, number <= CivilDate.days(inMonth: month, of: year) else { return nil }
            day = number
        }
        return CivilDate(year: year, month: month, day: day).daysSinceEpoch
    }

    private mutating func ordinal(of year: Int64) -> Int64? {
        guard let day = digits(3), day >= 1, day <= (CivilDate.isLeap(year) ? 366 : 365) else { return nil }
        return CivilDate(year: year, month: 1, day: 1).daysSinceEpoch + day - 1
    }

    private mutating func week(of year: Int64, _ separated: Bool) -> Int64? {
        guard let week = digits(2), (1...53).contains(week) else { return nil }
        var weekday: Int64 = 1
        if separated ? accept("-") : digitsAhead > 0 {
            guard let number = digits(1), (1...7).contains(number) else { return nil }
            weekday = number
        }
        // Week 1 is the one with 4 January; 1970-01-01 was a Thursday, so (days + 3) mod 7 is 0 on Mondays.
        let fourth = CivilDate(year: year, month: 1, day: 4).daysSinceEpoch
        let monday = fourth - (fourth + 3).flooredDivision(by: 7).remainder
        let day = monday + (week - 1) * 7 + weekday - 1
        // Week 53 exists only in a year whose Thursday of that week is still in it.
        return CivilDate(daysSinceEpoch: monday + (week - 1) * 7 + 3).year == year ? day : nil
    }

    /// Microseconds since midnight.
    private mutating func timeOfDay() -> Int64? {
        guard let hour = digits(2), hour <= 24 else { return nil }
        var (minute, second, fraction): (Int64, Int64, Int64) = (0, 0, 0)
        let separated = accept(":")
        if separated || digitsAhead > 0 {
            guard let number = digits(2), number < 60 else { return nil }
            minute = number
            if separated ? accept(":") : digitsAhead > 0 {
                guard let number = digits(2), number < 60 else { return nil }
                second = number
                if accept(".") || accept(",") {
                    guard let number = microseconds() else { return nil }
                    fraction = number
                }
            }
        }
        if hour == 24, minute + second + fraction > 0 { return nil }
        return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    }

    /// Seconds east of UTC.
    private mutating func offset() -> Int64? {
        if accept("Z") || accept("z") { return 0 }
        let east = accept("+")
        guard east || accept("-"), let hour = digits(2), hour < 24 else { return nil }
        var (minute, second): (Int64, Int64) = (0, 0)
        if accept(":") || digitsAhead > 0 {
            guard let number = digits(2), number < 60 else { return nil }
            minute = number
            // Python writes seconds for the local mean times of old days.
            if accept(":") {
                guard let number = digits(2), number < 60 else { return nil }
                second = number
            }
        }
        return ((hour * 60 + minute) * 60 + second) * (east ? 1 : -1)
    }

    private mutating func microseconds() -> Int64? {
        var number: Int64 = 0
        var count = 0
        while isDigit(next) {
            if count < 6 { number = number * 10 + Int64(next - UInt8(ascii: "0")) }
            count += 1
            position += 1
        }
        guard count > 0 else { return nil }
        while count < 6 {
            number *= 10
            count += 1
        }
        return number
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private var digitsAhead: Int { bytes[position...].prefix(while: isDigit).count }

    private mutating func digits(_ count: Int) -> Int64? {
        guard position + count <= bytes.count else { return nil }
        var number: Int64 = 0
        for byte in bytes[position..<position + count] {
            guard isDigit(byte) else { return nil }
            number = number * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        position += count
        return number
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character), !isAtEnd else { return false }
        position += 1
        return true
    }
}

extension Int64 {
    /// Division that rounds down, so that the remainder is never negative.
    func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
