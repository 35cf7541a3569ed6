/// The rule of a POSIX TZ string, such as `CET-1CEST,M3.5.0,M10.5.0/3`: the offsets of a zone beyond its last listed transition.
///
/// The grammar is that of POSIX (base definitions, chapter 8) with the extension of RFC 8536 that a change may be at -167 to 167 hours.
struct ZoneRule: Sendable, Hashable {
    /// Seconds east of UTC in standard time.
    let standard: Int
    /// Summer time: its offset, its begin and its end.
    let summer: Summer?

    /// The half of the year with another offset.
    struct Summer: Sendable, Hashable {
        var offset: Int
        var begin: Change
        var end: Change
    }

    /// When in a year the offset changes.
    struct Change: Sendable, Hashable {
        enum Day: Sendable, Hashable {
            /// `Jn`: 1 to 365, never counting 29 February.
            case julian(Int)
            /// `n`: 0 to 365, counting it.
            case zeroBased(Int)
            /// `Mm.w.d`: the w-th (5: the last) weekday d of month m.
            case weekday(month: Int, week: Int, day: Int)
        }

        var day: Day
        /// Seconds after midnight on the clock before the change.
        var time: Int

        /// Seconds since 1970 on the clock before the change.
        func wall(in year: Int) -> Int { dayNumber(in: year) * 86_400 + time }

        private func dayNumber(in year: Int) -> Int {
            switch day {
            case .zeroBased(let number): return CivilDate.dayNumber(year, 1, 1) + number
            case .julian(let number):
                let isLeap = CivilDate.dayNumber(year, 3, 1) - CivilDate.dayNumber(year, 2, 28) == 2
                return CivilDate.dayNumber(year, 1, 1) + number - 1 + (isLeap && number >= 60 ? 1 : 0)
            case .weekday(let month, let week, let day):
                let first = CivilDate.dayNumber(year, month, 1)
                let found = first + (day - CivilDate(dayNumber: first).weekday + 7) % 7 + (week - 1) * 7
                let next = month == 12 ? CivilDate.dayNumber(year + 1, 1, 1) : CivilDate.dayNumber(year, month + 1, 1)
                return found < next ? found : found - 7
            }
        }
    }

    /// Reads a TZ string; `nil` when it is none.
    init?(_ text: String) {
        var parser = RuleParser(text)
        guard parser.name(), let west = parser.time(), ZoneInfo.isOffset(-west) else { return nil }
        standard = -west
        guard !parser.isAtEnd else {
            summer = nil
            return
        }
        guard parser.name() else { return nil }
        let offset = parser.isNext(",") ? standard + 3600 : parser.time().map { -$0 }
        guard let offset, ZoneInfo.isOffset(offset), let begin = parser.change(), let end = parser.change(), parser.isAtEnd else { return nil }
        summer = Summer(offset: offset, begin: begin, end: end)
    }

    /// Seconds east of UTC at an instant.
    func offset(at second: Int) -> Int {
        guard let summer else { return standard }
        let year = CivilDate(dayNumber: WallTime(total: second + standard).day).year
        let begin = summer.begin.wall(in: year) - standard
        let end = summer.end.wall(in: year) - summer.offset
        let isSummer = begin < end ? second >= begin && second < end : !(second >= end && second < begin)
        return isSummer ? summer.offset : standard
    }
}

/// Walks over a TZ string.
private struct RuleParser {
    private var rest: Substring

    init(_ text: String) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }
    func isNext(_ character: Character) -> Bool { rest.first == character }

    private mutating func accept(_ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        rest.removeFirst(digits.count)
        return digits.count <= 3 ? Int(digits) : nil
    }

    /// An abbreviation, which nobody here needs: letters, or anything in angle brackets.
    mutating func name() -> Bool {
        if accept("<") {
            guard let end = rest.firstIndex(of: ">") else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let letters = rest.prefix(while: \.isLetter)
        rest.removeFirst(letters.count)
        return letters.count >= 3
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int? {
        let sign = accept("-") ? -1 : 1
        if sign == 1 { _ = accept("+") }
        guard var total = number().map({ $0 * 3600 }) else { return nil }
        for unit in [60, 1] where accept(":") {
            guard let part = number() else { return nil }
            total += part * unit
        }
        return sign * total
    }

    /// `,date[/time]`; the time is 02:00 where none is given.
    mutating func change() -> ZoneRule.Change? {
        guard accept(","), let day = day() else { return nil }
        guard accept("/") else { return ZoneRule.Change(day: day, time: 7200) }
        return time().map { ZoneRule.Change(day: day, time: $0) }
    }

    private mutating func day() -> ZoneRule.Change.Day? {
        if accept("J") { return number().flatMap { (1...365).contains($0) ? .julian($0) : nil } }
        guard accept("M") else { return number().flatMap { (0...365).contains($0) ? .zeroBased($0) : nil } }
        guard let month = number(), accept("."), let week = number(), accept("."), let day = number() else { return nil }
        guard (1...12).contains(month), (1...5).contains(week), (0...6).contains(day) else { return nil }
        return .weekday(month: month, week: week, day: day)
    }
}
