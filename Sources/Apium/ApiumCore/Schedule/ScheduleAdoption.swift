/// The entries of a schedule that a beat puts in force.
public struct ScheduleAdoption: Sendable {
    /// The deployment's generation, and the revision of the edits that were read.
    public var edition: ScheduleEdition
    /// The entries by name, also those that are not enabled.
    public var entries: [String: Entry]

    /// Makes an adoption.
    public init(edition: ScheduleEdition, entries: [String: Entry]) {
        self.edition = edition
        self.entries = entries
    }

    /// One entry.
    public struct Entry: Sendable, Hashable {
        /// A text that changes with all that decides which slots there are: an entry of another version begins anew.
        public var version: String
        /// The definition that a deployment brings, for others to read; `nil` for an entry of the dynamic store.
        public var document: String?
        /// Whether jobs may wait for one another: those whose turn has come are then enqueued.
        public var queues: Bool

        /// Makes an entry.
        public init(version: String, document: String? = nil, queues: Bool = false) {
            self.version = version
            self.document = document
            self.queues = queues
        }
    }
}

/// The answer to an adoption.
public enum AdoptionOutcome: Sendable, Hashable {
    /// The entries are in force; each goes on from here.
    case adopted([String: EntryProgress])
    /// A newer deployment's schedule is in force.
    case staleGeneration
    /// The dynamic store has been edited since it was read.
    case staleRevision
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
