/// One slot of a schedule entry, ready to fire.
public struct ScheduledSlot: Sendable {
    /// The entry's key: unique within the schedule.
    public var entry: String
    /// The schedule's generation: a newer deployment's is greater, and an older one is refused.
    public var generation: Int64
    /// The slot's instant.
    public var instant: Timestamp
    /// The job to enqueue; `nil` moves the mark without one (a slot that is skipped by policy).
    public var job: Outgoing?

    /// Makes a slot.
    public init(entry: String, generation: Int64, instant: Timestamp, job: Outgoing?) {
        self.entry = entry
        self.generation = generation
        self.instant = instant
        self.job = job
    }
}

/// The answer to firing a slot.
public enum FireOutcome: Sendable, Hashable {
    /// This call fired it.
    case fired
    /// It had fired already.
    case alreadyFired
    /// A newer schedule is in force.
    case staleGeneration
    /// The broker's clock has not reached the slot; come again after this time.
    case early(by: Duration)
}

/// The entries of a schedule, as the broker knows them.
public struct ScheduleAdoption: Sendable {
    /// The schedule's generation: the greatest one is in force.
    public var generation: Int64
    /// Each entry's version: a text that changes with what the entry says.
    public var versions: [String: String]

    /// Makes an adoption.
    public init(generation: Int64, versions: [String: String]) {
        self.generation = generation
        self.versions = versions
    }
}

/// From where an entry goes on.
public struct EntryProgress: Sendable, Hashable {
    /// When the entry, as it is now, came into force on the broker's clock. It has missed no slot before: neither a new entry, nor an
    /// edit, nor enabling makes slots good.
    public var since: Timestamp
    /// The last slot fired or skipped under that name; `nil`: none.
    public var mark: Timestamp?

    /// Makes a progress.
    public init(since: Timestamp, mark: Timestamp?) {
        self.since = since
        self.mark = mark
    }
}
