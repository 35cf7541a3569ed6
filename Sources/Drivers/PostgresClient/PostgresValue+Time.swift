import FoundationEssentials

/// `timestamptz` as `Date`, to the microsecond; years 1 to 9999, no infinities.
extension Date: PostgresEncodable, PostgresDecodable {
    /// `timestamp with time zone`.
    public static var postgresType: PostgresType { .timestamptz }

    /// Appends the instant in UTC; a date outside of the years 1 to 9999 is cut to them.
    public func encodePostgres(into bytes: inout [UInt8]) {
        bytes.append(contentsOf: TimestampText.text(microseconds: TimestampText.microseconds(of: self)).utf8)
    }

    /// Reads `2026-11-23 10:00:00.25+00`.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> Date? {
        guard let text, let microseconds = TimestampText.microseconds(text) else { return nil }
        return Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
    }
}

/// The server's ISO form of timestamps.
enum TimestampText {
    private static let perDay: Int64 = 86_400_000_000
    /// 0001-01-01 and the last microsecond of 9999, counted from 1970.
    private static let range: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    static func microseconds(of date: Date) -> Int64 {
        let value = (date.timeIntervalSince1970 * 1_000_000).rounded()
        guard value.isFinite else { return value < 0 ? range.lowerBound : range.upperBound }
        return Int64(min(max(value, Double(range.lowerBound)), 253_402_300_799_000_000))
    }

    static func text(microseconds: Int64) -> String {
        var (days, rest) = microseconds.quotientAndRemainder(dividingBy: perDay)
        if rest < 0 { (days, rest) = (days - 1, rest + perDay) }
        let (year, month, day) = civil(days: days)
        let (seconds, fraction) = rest.quotientAndRemainder(dividingBy: 1_000_000)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2)) \(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):"
            + "\(padded(seconds % 60, 2)).\(padded(fraction, 6))+00"
    }

    static func microseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        var scanner = DigitScanner(bytes: text)
        guard let year = scanner.number(), scanner.skip("-"), let month = scanner.number(), (1...12).contains(month), scanner.skip("-"),
            let day = scanner.number(), (1...31).contains(day), (1...9999).contains(year)
        else { return nil }
        let midnight = days(year: year, month: month, day: day) * perDay
        guard scanner.skip(" ") || scanner.skip("T") else { return scanner.isAtEnd ? midnight : nil }
        guard let hour = scanner.number(), scanner.skip(":"), let minute = scanner.number(), scanner.skip(":"), let second = scanner.number(),
            hour < 25, minute < 60, second < 61
        else { return nil }
        let fraction = scanner.skip(".") ? scanner.fraction() : 0
        guard let offset = zone(&scanner), scanner.isAtEnd else { return nil }
        return midnight + (hour * 3600 + minute * 60 + second - offset) * 1_000_000 + fraction
    }

    /// Seconds east of UTC; none written means UTC.
    private static func zone(_ scanner: inout DigitScanner) -> Int64? {
        if scanner.isAtEnd || scanner.skip("Z") { return 0 }
        let sign: Int64 = scanner.skip("-") ? -1 : 1
        guard sign < 0 || scanner.skip("+"), let hours = scanner.number(), hours < 16 else { return nil }
        let minutes = scanner.skip(":") ? scanner.number() : 0
        let seconds = scanner.skip(":") ? scanner.number() : 0
        guard let minutes, let seconds, minutes < 60, seconds < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60 + seconds)
    }

    /// Days since 1970 of a date in the Gregorian calendar: whole eras of 400 years, years counted from March.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The inverse of `days(year:month:day:)`.
    static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Reads numbers off a run of ASCII.
private struct DigitScanner {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    var isAtEnd: Bool { index == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    mutating func digit() -> Int64? {
        guard index < bytes.count, case let value = bytes[index], (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(value) else { return nil }
        index += 1
        return Int64(value - UInt8(ascii: "0"))
    }

    /// One to six digits.
    mutating func number() -> Int64? {
        guard var value = digit() else { return nil }
        var count = 1
        while count < 6, let next = digit() { (value, count) = (value * 10 + next, count + 1) }
        return value
    }

    /// The digits after the point as microseconds; digits past the sixth are dropped.
    mutating func fraction() -> Int64 {
        var value: Int64 = 0
        var weight: Int64 = 100_000
        while let next = digit() { (value, weight) = (value + next * weight, weight / 10) }
        return value
    }
}
