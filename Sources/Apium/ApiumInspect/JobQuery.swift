import ApiumCore

/// Which jobs are asked for.
public struct JobQuery: Sendable, Hashable {
    /// The states. Default: all but the shelves.
    public var states: Set<JobPlace> = [.inFlight, .ready, .held, .scheduled]
    /// A pattern of the job's name, as a shell has them: `shop.*`. Default: any.
    public var name: String?
    /// The queue. Default: any.
    public var queue: String?
    /// The key that limits the jobs: all of a name, or one. Default: any, and none.
    public var key: KeyFilter?
    /// At least so old: since it was sent, or set aside. One whose sender does not say when fits no age. Default: any.
    public var olderThan: Duration?
    /// At most so old. Default: any.
    public var youngerThan: Duration?
    /// How many are answered. Default: 50.
    public var limit = 50
    /// Where to go on: ``JobPage/next`` of the page before. Default: at the beginning.
    public var cursor: JobCursor?

    /// Asks for all that waits or runs.
    public init() {}

    /// Which keys of limits are meant.
    public struct KeyFilter: Sendable, Hashable {
        /// The kind of key.
        public var name: String
        /// Its value; `nil`: any.
        public var value: String?

        /// Makes a filter.
        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }

        /// Whether a key is meant.
        public func takes(_ key: LimitKey?) -> Bool { key.map { $0.name == name && (value ?? $0.value) == $0.value } ?? false }
    }
}

/// Where a job may be.
public enum JobPlace: String, Sendable, Hashable, CaseIterable {
    /// A worker holds it.
    case inFlight = "in-flight"
    /// It is in a queue.
    case ready
    /// A limit or a pause holds it back.
    case held
    /// It waits for its time.
    case scheduled
    /// It was set aside in ``Shelf/quarantine``.
    case quarantine
    /// It was set aside in ``Shelf/dead``.
    case dead
    /// It was set aside in ``Shelf/parked``.
    case parked

    /// The shelf, if it is one.
    public var shelf: Shelf? { Shelf(rawValue: rawValue) }
}

/// A place in the list of all jobs: what was looked at before it may have moved meanwhile.
public struct JobCursor: Sendable, Hashable {
    /// The place that is looked at.
    public var place: JobPlace
    /// The queue, of ready jobs; the target's text, of held ones.
    public var queue: String
    /// How many were looked at there.
    public var offset: Int

    /// Makes a cursor.
    public init(place: JobPlace, queue: String = "", offset: Int = 0) {
        self.place = place
        self.queue = queue
        self.offset = offset
    }

    /// Reads what ``text`` writes.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` when it is no cursor.
    public init(text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let place = JobPlace(rawValue: parts[0]), let offset = Int(parts[1]),
            (0...1_000_000_000_000).contains(offset)
        else {
            throw ApiumError(.invalidConfiguration, "'\(text.prefix(100))' is no cursor; take the one that the list before ended with")
        }
        self.init(place: place, queue: parts[2], offset: offset)
    }

    /// The cursor as a text: `ready:500:celery`.
    public var text: String { "\(place.rawValue):\(offset):\(queue)" }
}
