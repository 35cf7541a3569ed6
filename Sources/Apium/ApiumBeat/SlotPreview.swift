import ApiumCore

/// A slot to come, as people read it.
public struct SlotPreview: Sendable, Hashable, CustomStringConvertible {
    /// The slot.
    public let slot: Timestamp
    /// The slot in the entry's zone with its offset from UTC: `2026-03-29T03:00:00+02:00`.
    public let local: String
    /// What the clock does around the slot; `nil`: nothing.
    public let note: Note?

    /// What the clock does around a slot; offsets are those from UTC, `+02:00`.
    public enum Note: Sendable, Hashable, CustomStringConvertible {
        /// The clock shows this hour twice, and this is the first time.
        case firstOfTwo
        /// The clock shows this hour twice, and this is the second time.
        case secondOfTwo
        /// The clock was changed since the slot before.
        case changed(from: String, to: String)

        public var description: String {
            switch self {
            case .firstOfTwo: "the first time this hour is shown"
            case .secondOfTwo: "the second time this hour is shown"
            case .changed(let old, let new): "the clock was changed from \(old) to \(new)"
            }
        }
    }

    public var description: String { note.map { "\(local)  \($0)" } ?? local }

    /// A slot by itself: there is no slot before, since which the clock might have been changed.
    public init(slot: Timestamp, zone: ScheduleZone) { self.init(slot: slot, zone: zone, since: slot) }

    init(slot: Timestamp, zone: ScheduleZone, since last: Timestamp) {
        self.slot = slot
        let offset = zone.offset(at: slot)
        let wall = zone.wall(at: slot.flooredSecond)
        local = Self.text(of: slot, offset: offset)
        if zone.instants(of: wall).count == 2 {
            note = zone.instants(of: wall)[0] == slot.flooredSecond ? .firstOfTwo : .secondOfTwo
        } else if offset != zone.offset(at: last) {
            note = .changed(from: Self.text(ofOffset: zone.offset(at: last)), to: Self.text(ofOffset: offset))
        } else {
            note = nil
        }
    }

    private static func text(of slot: Timestamp, offset: Int) -> String {
        let digits = (slot + .seconds(offset)).iso8601.prefix(26)
        return (digits.hasSuffix(".000000") ? digits.dropLast(7) : digits) + text(ofOffset: offset)
    }

    private static func text(ofOffset offset: Int) -> String {
        let minutes = abs(offset) / 60
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let seconds = abs(offset) % 60
        return (offset < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60) + (seconds == 0 ? "" : ":" + two(seconds))
    }
}

extension ScheduleEntry {
    /// The next slots after an instant.
    ///
    /// - Parameter count: how many at the most; an entry that ends has fewer.
    public func preview(count: Int, after instant: Timestamp) -> [SlotPreview] {
        var slots: [SlotPreview] = []
        var cursor = instant
        while slots.count < count, let slot = next(after: cursor) {
            slots.append(SlotPreview(slot: slot, zone: zone, since: cursor))
            cursor = slot
        }
        return slots
    }
}
