import ApiumCore
import Foundation

/// A calendar day and a time of day without a zone, in the proleptic Gregorian calendar.
struct WallTime: Hashable, Comparable {
    /// Days since 1970-01-01.
    var day: Int
    /// Seconds since midnight, 0 ..< 86400.
    var second: Int

    static func < (left: WallTime, right: WallTime) -> Bool { (left.day, left.second) < (right.day, right.second) }

    /// Seconds since 1970-01-01T00:00:00 on a clock that never changes its offset.
    var total: Int { day * 86_400 + second }

    init(day: Int, second: Int) {
        self.day = day
        self.second = second
    }

    init(total: Int) {
        day = Int((Double(total) / 86_400).rounded(.down))
        second = total - day * 86_400
    }
}

/// Year, month, day and weekday of a day number (Howard Hinnant's civil-from-days arithmetic).
struct CivilDate: Hashable {
    var year: Int
    /// 1 to 12.
    var month: Int
    /// 1 to 31.
    var day: Int
    /// 0 Sunday to 6 Saturday, as in a crontab.
    var weekday: Int

    init(dayNumber: Int) {
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        weekday = ((dayNumber + 4) % 7 + 7) % 7
    }
}

/// A time zone as arithmetic: the offset at an instant, and the instants of a wall time.
public struct ScheduleZone: Sendable, Hashable {
    private let zone: TimeZone

    /// Coordinated universal time.
    public static let utc = ScheduleZone(TimeZone(secondsFromGMT: 0) ?? .gmt)

    private init(_ zone: TimeZone) { self.zone = zone }

    /// A zone of the system's database by its IANA name; `nil` when it has none of that name.
    public init?(_ name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.init(zone)
    }

    /// Seconds east of UTC at an instant of whole seconds.
    func offset(at second: Int) -> Int { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))) }

    /// The wall time at an instant.
    func wall(at second: Int) -> WallTime { WallTime(total: second + offset(at: second)) }

    /// The instants that show this wall time, in order: none in a skipped hour, two in a repeated one.
    func instants(of wall: WallTime) -> [Int] {
        // Offsets change by less than a day; the two sides of any change near this wall time are seen a day off.
        let offsets = Set([offset(at: wall.total - 86_400), offset(at: wall.total + 86_400)])
        return offsets.map { wall.total - $0 }.filter { self.wall(at: $0) == wall }.sorted()
    }
}
