import ApiumCore

/// What becomes of the slots of an entry up to now: a pure function of its progress and the time. Each slot after the mark is in exactly one
/// of the decisions.
enum BeatPlan {
    /// What becomes of a slot, or of slots that follow one another.
    enum Decision: Equatable {
        case fire(Timestamp, isCaughtUp: Bool)
        case skip(SlotRecord.Reason, first: Timestamp, last: Timestamp, count: Int)

        /// The entry's mark when it is carried out.
        var last: Timestamp {
            switch self {
            case .fire(let slot, _): slot
            case .skip(_, _, let last, _): last
            }
        }
    }

    /// A period of milliseconds has many slots within the tolerance; the newest of them are enough.
    private static let mostDue = 1_000

    /// - Parameters:
    ///   - progress: since when the entry is in force as it is now, and its last slot. It has missed nothing before either.
    ///   - tolerance: an older slot counts as missed, and the entry's policy decides.
    /// - Returns: the decisions in the order of their slots.
    static func decisions(_ entry: ScheduleEntry, _ progress: EntryProgress, now: Timestamp, tolerance: Duration) -> [Decision] {
        let known = max(progress.mark ?? progress.since, progress.since)
        var decisions: [Decision] = []
        if let mark = progress.mark, mark < progress.since { decisions += skip(entry, .notInForce, after: mark, until: min(progress.since, now)) }
        guard entry.isEnabled else { return decisions + skip(entry, .disabled, after: known, until: now) }
        let fresh = max(known, now + (.zero - tolerance))
        let due = fire(entry, after: fresh, until: now, newest: mostDue, isCaughtUp: false)
        return decisions + missed(entry, after: known, until: fresh, now: now, anyDue: !due.isEmpty) + due
    }

    private static func missed(_ entry: ScheduleEntry, after known: Timestamp, until fresh: Timestamp, now: Timestamp, anyDue: Bool) -> [Decision] {
        guard let first = entry.next(after: known), first <= fresh else { return [] }
        let earliest = max(known, now + (.zero - entry.catchUp.window))
        let tooOld = skip(entry, .window, after: known, until: min(earliest, fresh))
        switch entry.catchUp.policy {
        case .skip: return skip(entry, .catchUp, after: known, until: fresh)
        case .once:
            guard !anyDue else { return skip(entry, .catchUp, after: known, until: fresh) }
            guard let slot = entry.last(before: fresh), slot > earliest else { return tooOld }
            return tooOld + skip(entry, .catchUp, after: earliest, until: slot + .microseconds(-1)) + [.fire(slot, isCaughtUp: true)]
        case .all: return tooOld + fire(entry, after: earliest, until: fresh, newest: entry.catchUp.max, isCaughtUp: true)
        }
    }

    /// The newest slots of a span fire, those before are skipped.
    private static func fire(_ entry: ScheduleEntry, after start: Timestamp, until end: Timestamp, newest: Int, isCaughtUp: Bool) -> [Decision] {
        var found: [Timestamp] = []
        var cursor = start
        // An interval of milliseconds is not walked through from the start of a long window.
        if case .every(let period) = entry.schedule { cursor = max(cursor, end + (.zero - period * (newest + 1))) }
        while let slot = entry.next(after: cursor), slot <= end {
            found.append(slot)
            cursor = slot
            if found.count > 2 * newest { found.removeFirst(newest) }
        }
        let fired = found.suffix(newest)
        guard let first = fired.first else { return [] }
        return skip(entry, .limit, after: start, until: first + .microseconds(-1)) + fired.map { .fire($0, isCaughtUp: isCaughtUp) }
    }

    /// The slots of a span as one that is skipped; empty when there are none.
    private static func skip(_ entry: ScheduleEntry, _ reason: SlotRecord.Reason, after start: Timestamp, until end: Timestamp) -> [Decision] {
        guard let first = entry.next(after: start), first <= end, let last = entry.last(before: end), last >= first else { return [] }
        return [.skip(reason, first: first, last: last, count: count(entry, from: first, to: last))]
    }

    private static func count(_ entry: ScheduleEntry, from first: Timestamp, to last: Timestamp) -> Int {
        if case .every(let period) = entry.schedule {
            return Int(min((last - first).wholeMicroseconds / max(period.wholeMicroseconds, 1) + 1, Int64(SlotRecord.greatestCount)))
        }
        var count = 1
        var cursor = first
        while count < SlotRecord.greatestCount, let slot = entry.next(after: cursor), slot <= last {
            count += 1
            cursor = slot
        }
        return count
    }
}
