/// What became of a slot: a line of the ledger. Slots that follow one another and are skipped for one reason share a record.
public struct SlotRecord: Sendable, Hashable {
    /// The entry.
    public var entry: String
    /// The slot; of several the last.
    public var slot: Timestamp
    /// The first of the slots that the record speaks of.
    public var first: Timestamp
    /// How many these are. Where there are more than ``greatestCount``, at least so many.
    public var count: Int
    /// What became of them.
    public var outcome: Outcome
    /// Why they were skipped.
    public var reason: Reason?
    /// The job.
    public var jobID: String?
    /// The job of an earlier slot that stood in the way, was waited for, or was cancelled.
    public var blocker: String?
    /// When it was decided, on the broker's clock.
    public var decided: Timestamp

    /// How late the slot fired.
    public var lateness: Duration { decided - slot }

    /// The greatest count.
    public static let greatestCount = 10_000
    /// How many records are kept of an entry, about.
    public static let kept = 1_000

    /// Makes a record.
    public init(
        entry: String, slot: Timestamp, first: Timestamp? = nil, count: Int = 1, outcome: Outcome, reason: Reason? = nil, jobID: String? = nil,
        blocker: String? = nil, decided: Timestamp
    ) {
        self.entry = entry
        self.slot = slot
        self.first = first ?? slot
        self.count = count
        self.outcome = outcome
        self.reason = reason
        self.jobID = jobID
        self.blocker = blocker
        self.decided = decided
    }

    /// What becomes of a slot.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// Its job was enqueued in time.
        case fired
        /// It was missed, and its job was enqueued later.
        case caughtUp = "caught_up"
        /// It has no job.
        case skipped
    }

    /// Why a slot has no job.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// The job of an earlier slot still waited or ran.
        case overlap
        /// Too many jobs of the entry waited for the last one already.
        case queueFull = "queue_full"
        /// It was missed, and the entry makes no missed slot good, or a newer one.
        case catchUp = "catch_up"
        /// It was missed longer ago than the entry makes slots good.
        case window
        /// More slots were due or missed than may fire at once.
        case limit
        /// The entry was not enabled.
        case disabled
        /// The entry was edited, enabled or brought back after the slot.
        case notInForce = "not_in_force"
    }
}

/// Which records of the ledger are wanted.
public struct LedgerQuery: Sendable, Hashable {
    /// Only of this entry; `nil`: of all entries that have records.
    public var entry: String?
    /// Only with one of these outcomes; empty: all.
    public var outcomes: Set<SlotRecord.Outcome>
    /// Only slots from this instant on.
    public var since: Timestamp?
    /// Only slots up to this instant.
    public var until: Timestamp?
    /// How many at the most, the newest first. Default: 100.
    public var limit: Int

    /// Makes a query.
    public init(
        entry: String? = nil, outcomes: Set<SlotRecord.Outcome> = [], since: Timestamp? = nil, until: Timestamp? = nil, limit: Int = 100
    ) {
        self.entry = entry
        self.outcomes = outcomes
        self.since = since
        self.until = until
        self.limit = limit
    }

    /// Whether a record is wanted.
    public func fits(_ record: SlotRecord) -> Bool {
        (entry.map { $0 == record.entry } ?? true) && (outcomes.isEmpty || outcomes.contains(record.outcome)) && (since.map { record.slot >= $0 } ?? true)
            && (until.map { record.first <= $0 } ?? true)
    }
}
