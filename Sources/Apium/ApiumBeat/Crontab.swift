import ApiumCore

/// A schedule in Celery's crontab syntax: minute, hour, day of month, month, day of week.
///
/// Each field takes `*`, numbers, ranges `a-b` (also wrapping: `22-2`), steps `*/n` and `a-b/n`, lists, and the names of months and
/// days (`jan`, `mon`). As in Celery, *both* day fields must fit, unlike in Unix cron.
public struct Crontab: Sendable, Hashable, CustomStringConvertible {
    /// The text it was read from.
    public let description: String
    let minutes: Set<Int>
    let hours: Set<Int>
    let daysOfMonth: Set<Int>
    let months: Set<Int>
    let daysOfWeek: Set<Int>
    private let sortedMinutes: [Int]
    private let sortedHours: [Int]

    /// Reads an expression of five fields.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration`, naming the field, what stands there and what may.
    public init(_ text: String) throws {
        let fields = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == 5 else {
            throw ApiumError(.invalidConfiguration, "crontab \"\(text)\" has \(fields.count) fields; it takes five: minute hour day-of-month month day-of-week")
        }
        description = fields.joined(separator: " ")
        minutes = try CrontabField.minute.values(fields[0])
        hours = try CrontabField.hour.values(fields[1])
        sortedMinutes = minutes.sorted()
        sortedHours = hours.sorted()
        daysOfMonth = try CrontabField.dayOfMonth.values(fields[2])
        months = try CrontabField.month.values(fields[3])
        daysOfWeek = try CrontabField.dayOfWeek.values(fields[4])
    }

    /// The first slot after an instant, in a zone; `nil` when there is none within 30 years (31 February).
    ///
    /// - Parameter change: what happens to slots in a skipped or repeated hour.
    public func next(after instant: Timestamp, in zone: ScheduleZone, change: ClockChange = ClockChange()) -> Timestamp? {
        let second = instant.flooredSecond
        let start = zone.wall(at: second)
        // A day is looked at once more than needed: a repeated hour may lie behind the present wall time.
        for day in (start.day - 1)...(start.day + 366 * 30) {
            guard let found = first(on: day, after: second, in: zone, change) else { continue }
            // Where the clock goes back over midnight, the next day begins before the last slot of this one.
            let rival = zone.steadyOffset(on: day) == nil ? first(on: day + 1, after: second, in: zone, change) : nil
            return Timestamp(wholeSeconds: min(found, rival ?? found))
        }
        return nil
    }

    private func fits(day: Int) -> Bool {
        let date = CivilDate(dayNumber: day)
        return months.contains(date.month) && daysOfMonth.contains(date.day) && daysOfWeek.contains(date.weekday)
    }

    private func first(on day: Int, after second: Int, in zone: ScheduleZone, _ change: ClockChange) -> Int? {
        guard fits(day: day) else { return nil }
        guard let offset = zone.steadyOffset(on: day) else { return slots(on: day, in: zone, change).first { $0 > second } }
        let midnight = day * 86_400 - offset
        for hour in sortedHours where midnight + hour * 3600 + 3540 > second {
            if let minute = sortedMinutes.first(where: { midnight + hour * 3600 + $0 * 60 > second }) { return midnight + hour * 3600 + minute * 60 }
        }
        return nil
    }

    /// The instants of one day's slots in order. Slots that are moved to the end of a gap meet there, and are one.
    private func slots(on day: Int, in zone: ScheduleZone, _ change: ClockChange) -> [Int] {
        let repeated = change.repeatedHour ?? (hours.count == 24 ? .both : .first)
        var found: Set<Int> = []
        for hour in hours {
            for minute in minutes {
                let wall = WallTime(day: day, second: hour * 3600 + minute * 60)
                let instants = zone.instants(of: wall)
                if let first = instants.first {
                    found.formUnion(repeated == .both ? instants : [first])
                } else if change.skippedHour == .next {
                    found.insert(zone.endOfGap(wall))
                }
            }
        }
        return found.sorted()
    }
}

/// One of the five fields: its bounds and its names.
struct CrontabField {
    let name: String
    let range: ClosedRange<Int>
    let names: [String: Int]

    static let minute = CrontabField(name: "minute", range: 0...59, names: [:])
    static let hour = CrontabField(name: "hour", range: 0...23, names: [:])
    static let dayOfMonth = CrontabField(name: "day of month", range: 1...31, names: [:])
    static let month = CrontabField(
        name: "month", range: 1...12,
        names: names(["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"], from: 1))
    static let dayOfWeek = CrontabField(
        name: "day of week", range: 0...6, names: names(["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"], from: 0))

    /// The values that a field's text allows.
    func values(_ text: String) throws -> Set<Int> {
        var values: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { values.formUnion(try partValues(String(part))) }
        return values
    }

    private func partValues(_ text: String) throws -> Set<Int> {
        let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var step = 1
        if halves.count == 2 {
            guard let number = Int(halves[1]), number > 0 else { throw fault(text, "a step is a whole number above 0") }
            step = number
        }
        guard halves.count == 1 || halves[0] == "*" || halves[0].contains("-") else { throw fault(text, "a step follows * or a range") }
        let span = try self.span(halves[0], in: text)
        return Set(span.enumerated().filter { $0.offset % step == 0 }.map(\.element))
    }

    private func span(_ text: String, in whole: String) throws -> [Int] {
        if text == "*" { return Array(range) }
        let ends = try text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { try number(String($0), in: whole) }
        guard ends.count == 2 else { return ends }
        // A range may wrap: 22-2 is 22, 23, 0, 1, 2.
        return ends[0] <= ends[1] ? Array(ends[0]...ends[1]) : Array(ends[0]...range.upperBound) + Array(range.lowerBound...ends[1])
    }

    private func number(_ text: String, in whole: String) throws -> Int {
        if let number = Int(text) {
            guard range.contains(number) else { throw fault(whole, "\(number) is out of bounds") }
            return number
        }
        guard let named = names[text.lowercased()] else { throw fault(whole, "\"\(text)\" is no number or name") }
        return named
    }

    private func fault(_ text: String, _ why: String) -> ApiumError {
        ApiumError(
            .invalidConfiguration,
            "the crontab field \(name) is \"\(text)\": \(why); it takes \(range.lowerBound) to \(range.upperBound), *, lists, ranges and steps")
    }

    private static func names(_ words: [String], from first: Int) -> [String: Int] {
        var names: [String: Int] = [:]
        for (index, word) in words.enumerated() {
            names[word] = first + index
            names[String(word.prefix(3))] = first + index
        }
        return names
    }
}
