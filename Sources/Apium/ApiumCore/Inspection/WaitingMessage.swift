/// A message that waits to run, as a look saw it: what may be edited, moved or deleted where it lies.
public struct WaitingMessage: Sendable, Hashable {
    /// Where it waits.
    public var place: Place
    /// The queue it is in, or goes to.
    public var queue: String
    /// The message as it was seen.
    public var payload: [UInt8]
    /// By what the broker finds it again; empty for one in a queue.
    public var key: [UInt8]

    /// Makes the value.
    public init(_ place: Place, queue: String, payload: [UInt8], key: [UInt8] = []) {
        self.place = place
        self.queue = queue
        self.payload = payload
        self.key = key
    }

    /// Where a message waits.
    public enum Place: Sendable, Hashable {
        /// In its queue.
        case ready
        /// For its time.
        case scheduled
        /// Beside its queue, for a limit or a pause.
        case held(HoldTarget)
    }
}

/// What becomes of a ``WaitingMessage``.
public enum WaitingMove: Sendable, Hashable {
    /// It is deleted, and its job's lock with it. Nothing is stored: whoever waits for its result is not told.
    case delete
    /// This message stands in its place, in the same order and for the same time. One that a limit or a pause holds back goes to the front of its
    /// queue, and is asked anew.
    case rewrite([UInt8])
    /// This message goes to the back of a queue.
    case send([UInt8], queue: String)
    /// This message waits for a queue until a time on the broker's clock.
    case schedule([UInt8], queue: String, at: Timestamp)
}

/// Who revoked a job, and when.
public struct RevocationRecord: Sendable, Hashable {
    /// When; `nil`: not known.
    public var at: Timestamp?
    /// Who, as they said; `nil`: they did not.
    public var by: String?

    /// Makes the value.
    public init(at: Timestamp? = nil, by: String? = nil) {
        self.at = at
        self.by = by
    }
}
