import ApiumCore

/// What happens to slots that no beat was there for.
public struct CatchUp: Sendable, Hashable {
    /// Which of them are made good.
    public enum Policy: String, Sendable, Hashable, CaseIterable {
        /// None. The default.
        case skip
        /// The newest.
        case once
        /// The newest ``CatchUp/max`` of them, in their order.
        case all
    }

    /// Which slots are made good.
    public var policy: Policy
    /// How many at the most, with ``Policy/all``. Default 100.
    public var max: Int
    /// Slots that are older than this are skipped whatever the policy says. Default a day, at most 31 days.
    public var window: Duration

    /// The greatest window.
    static let longestWindow = Duration.days(31)
    /// The greatest number of slots made good at once.
    static let greatestMax = 10_000

    /// Makes a policy.
    public init(_ policy: Policy, max: Int = 100, window: Duration = .days(1)) {
        self.policy = policy
        self.max = max
        self.window = window
    }

    /// Missed slots are skipped.
    public static let skip = CatchUp(.skip)
    /// The newest missed slot is made good, when it is not older than a day.
    public static let once = CatchUp(.once)
}

/// Which slots of an entry are to be fired now: a pure function of its progress and the time.
enum BeatPlan {
    /// - Parameters:
    ///   - progress: since when the entry is in force as it is now, and its last slot. It has missed nothing before either.
    ///   - tolerance: an older slot counts as missed, and the entry's policy decides.
    /// - Returns: slots in their order.
    static func due(_ entry: ScheduleEntry, _ progress: EntryProgress, now: Timestamp, tolerance: Duration) -> [Timestamp] {
        let fresh = now + (.zero - tolerance)
        // A period of milliseconds has many slots within the tolerance; the newest thousand are enough.
        let known = max(progress.mark ?? progress.since, progress.since)
        let due = slots(of: entry, after: max(known, fresh), until: now, newest: 1_000)
        guard known < fresh else { return due }
        return missed(entry, after: known, until: fresh, now: now, anyDue: !due.isEmpty) + due
    }

    private static func missed(_ entry: ScheduleEntry, after known: Timestamp, until fresh: Timestamp, now: Timestamp, anyDue: Bool) -> [Timestamp] {
        let earliest = max(known, now + (.zero - entry.catchUp.window))
        switch entry.catchUp.policy {
        case .skip: return []
        case .once:
            guard !anyDue, let slot = entry.last(before: fresh), slot > earliest else { return [] }
            return [slot]
        case .all: return slots(of: entry, after: earliest, until: fresh, newest: entry.catchUp.max)
        }
    }

    private static func slots(of entry: ScheduleEntry, after start: Timestamp, until end: Timestamp, newest: Int) -> [Timestamp] {
        var found: [Timestamp] = []
        var cursor = start
        // An interval of milliseconds is not walked through from the start of a long window.
        if case .every(let period) = entry.schedule { cursor = max(cursor, end + (.zero - period * (newest + 1))) }
        while let slot = entry.next(after: cursor), slot <= end {
            found.append(slot)
            cursor = slot
            if found.count > 2 * newest { found.removeFirst(newest) }
        }
        return found.suffix(newest)
    }
}
