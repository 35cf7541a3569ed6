import ApiumCore

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

extension CivilDate {
    /// Days from 1970-01-01 to a date (the inverse of ``init(dayNumber:)``).
    static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
