import ApiumCore

/// A time zone as arithmetic: the offset at an instant, and the instants of a wall time.
///
/// The rules come from the system's tz database (package `tzdata`), so that an update of the system is enough when a country changes its
/// clock; no other copy is linked.
public struct ScheduleZone: Sendable, Hashable, CustomStringConvertible {
    /// The zone's IANA name.
    public let name: String
    private let info: ZoneInfo

    /// Coordinated universal time.
    public static let utc = ScheduleZone(name: "UTC", info: .utc)

    init(name: String, info: ZoneInfo) {
        self.name = name
        self.info = info
    }

    /// A zone of the system's database by its IANA name; `nil` when it has none of that name.
    public init?(_ name: String) {
        if name == "UTC" {
            self = .utc
        } else if let info = ZoneInfo.load(name) {
            self.init(name: name, info: info)
        } else {
            return nil
        }
    }

    public var description: String { name }
    public static func == (left: ScheduleZone, right: ScheduleZone) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// Seconds east of UTC at an instant.
    public func offset(at instant: Timestamp) -> Int { offset(at: instant.flooredSecond) }

    /// Seconds east of UTC at an instant of whole seconds.
    func offset(at second: Int) -> Int { info.offset(at: second) }

    /// The wall time at an instant.
    func wall(at second: Int) -> WallTime { WallTime(total: second + offset(at: second)) }

    /// The instants that show this wall time, in order: none in a skipped hour, two in a repeated one.
    func instants(of wall: WallTime) -> [Int] {
        // Offsets change by less than a day; the two sides of any change near this wall time are seen a day off.
        let before = offset(at: wall.total - 86_400)
        let after = offset(at: wall.total + 86_400)
        if before == after { return [wall.total - before] }
        return [wall.total - max(before, after), wall.total - min(before, after)].filter { self.wall(at: $0) == wall }
    }

    /// The offset of a whole day with the days around it; `nil` when it changes near that day.
    func steadyOffset(on day: Int) -> Int? {
        let offset = offset(at: (day - 1) * 86_400)
        return (0...2).allSatisfy { self.offset(at: (day + $0) * 86_400) == offset } ? offset : nil
    }

    /// The first instant after the gap that swallows this wall time: where the offset changes.
    func endOfGap(_ wall: WallTime) -> Int {
        var low = wall.total - offset(at: wall.total + 86_400) - 86_400
        var high = low + 2 * 86_400
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if self.wall(at: middle) < wall { low = middle } else { high = middle }
        }
        return high
    }
}

/// What a crontab does where the clock is changed.
public struct ClockChange: Sendable, Hashable {
    /// A slot whose wall time is left out when the clock goes forward.
    public enum Skipped: String, Sendable, Hashable, CaseIterable {
        /// It fires at the first instant after the gap. The default.
        case next
        /// It does not fire.
        case skip
    }

    /// A slot whose wall time comes twice when the clock goes back.
    public enum Repeated: String, Sendable, Hashable, CaseIterable {
        /// It fires the first time. The default where the crontab names hours.
        case first
        /// It fires both times. The default where the hour is `*`: such a schedule means a distance, and no hour is left out.
        case both
    }

    /// For wall times that do not exist.
    public var skippedHour: Skipped
    /// For wall times that exist twice; `nil`: by the crontab, as ``Repeated`` says.
    public var repeatedHour: Repeated?

    /// Makes a policy.
    public init(skippedHour: Skipped = .next, repeatedHour: Repeated? = nil) {
        self.skippedHour = skippedHour
        self.repeatedHour = repeatedHour
    }
}

extension Timestamp {
    /// Whole seconds since 1970 at or before the instant.
    var flooredSecond: Int { Int(microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000) }

    /// An instant of whole seconds since 1970.
    init(wholeSeconds: Int) { self.init(microseconds: Int64(wholeSeconds) * 1_000_000) }
}
