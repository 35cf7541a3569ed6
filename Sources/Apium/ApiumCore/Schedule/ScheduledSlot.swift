/// What a beat has decided about one slot of an entry, or about a run of slots that it skips.
///
/// It is carried out only if nobody has decided meanwhile: the schedule that was read is still in force, and the entry's mark is the one
/// that was read (``FireOutcome``).
public struct ScheduledSlot: Sendable {
    /// The entry's name: unique within the schedule.
    public var entry: String
    /// The schedule that the decision was made with.
    public var edition: ScheduleEdition
    /// The entry's version, as it was adopted.
    public var version: String
    /// The slot's instant; of several that are skipped the last.
    public var instant: Timestamp
    /// The last slot that was decided before, as the caller knows it; `nil`: none.
    public var mark: Timestamp?
    /// What becomes of the slot.
    public var action: Action

    /// Makes a decision.
    public init(entry: String, edition: ScheduleEdition, version: String, instant: Timestamp, mark: Timestamp?, action: Action) {
        self.entry = entry
        self.edition = edition
        self.version = version
        self.instant = instant
        self.mark = mark
        self.action = action
    }

    /// What becomes of a slot.
    public enum Action: Sendable {
        /// This job is enqueued; `isCaughtUp`: the slot was missed and is made good.
        case fire(Outgoing, isCaughtUp: Bool = false, overlap: Overlap = .allow)
        /// Nothing is enqueued for this many slots, of which this is the first.
        case skip(SlotRecord.Reason, first: Timestamp, count: Int)
    }
}

/// What happens when the job of an entry's last slot still waits or runs.
public struct Overlap: Sendable, Hashable {
    /// The choices.
    public enum Policy: String, Sendable, Hashable, CaseIterable {
        /// The slot fires. The default.
        case allow
        /// The slot is skipped.
        case skip
        /// The slot's job waits, and is enqueued in the step that ends the last one.
        case queue
        /// The last job is cancelled, and the slot fires.
        case cancel
    }

    /// What happens.
    public var policy: Policy
    /// A job that has not ended this long after it was enqueued holds up nobody any more: its queue was purged, or a worker that
    /// stores no result has run it. Default: a day.
    public var limit: Duration

    /// How many jobs of an entry may wait for the last one; the slots beyond are skipped.
    public static let greatestQueue = 100

    /// Makes a choice.
    public init(_ policy: Policy, limit: Duration = .days(1)) {
        self.policy = policy
        self.limit = limit
    }

    /// Slots fire whatever runs.
    public static let allow = Overlap(.allow)
}

/// Which schedule is in force: that of a deployment, with the edits that were made since.
public struct ScheduleEdition: Sendable, Hashable {
    /// Of the deployment: the greatest one is in force. A file's is the time of its last change.
    public var generation: Int64
    /// Counts the edits of the dynamic store.
    public var revision: Int64

    /// Makes an edition.
    public init(generation: Int64, revision: Int64) {
        self.generation = generation
        self.revision = revision
    }
}

/// The answer to firing a slot.
public enum FireOutcome: Sendable, Hashable {
    /// It was done as it was decided.
    case done
    /// The job of an earlier slot, which has this id, still waits or runs: the slot is skipped, by the entry's choice.
    case overlapped(by: String)
    /// The job waits until the one with this id has ended.
    case queued(behind: String)
    /// Somebody else has decided slots meanwhile: this is the entry's mark.
    case moved(mark: Timestamp?)
    /// A newer deployment's schedule is in force.
    case staleGeneration
    /// The dynamic store has been edited.
    case staleRevision
    /// The entry is not in force as it was decided, or not at all.
    case staleVersion
    /// The broker's clock has not reached the slot; come again after this time.
    case early(by: Duration)
}

/// The job of an entry's slot, whose end lets the next one go on.
public struct EntryRun: Sendable, Hashable {
    /// The entry.
    public var entry: String
    /// The job's id.
    public var jobID: String

    /// Makes a run.
    public init(entry: String, jobID: String) {
        self.entry = entry
        self.jobID = jobID
    }

    /// The header that names the entry, in messages of entries that do not let their runs overlap.
    public static let header = "apium_entry"
}

extension Message {
    /// The run of a schedule entry that this message is, if its end is waited for.
    public var entryRun: EntryRun? {
        guard case .string(let entry)? = headers.custom[EntryRun.header] else { return nil }
        return EntryRun(entry: entry, jobID: id)
    }
}
