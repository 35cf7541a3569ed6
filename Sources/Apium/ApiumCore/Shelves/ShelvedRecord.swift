/// Where messages that cannot run now are kept: inspectable, editable, requeueable (invariant 5).
public enum Shelf: String, Sendable, Hashable, CaseIterable {
    /// Undecodable, refused or unknown messages.
    case parked
    /// Jobs that failed for good.
    case dead
    /// Jobs that took their worker down with them.
    case quarantine
}

/// A message that was set aside.
public struct ShelvedRecord: Sendable, Hashable {
    /// Under which it stands on its shelf: the job's id, or a new one for an undecodable message. Another message of an id that is there already stands
    /// as `<id>#2`, and so on.
    public var id: String
    /// The job's name, when known.
    public var task: String?
    /// The queue to go back to.
    public var queue: String
    /// Why, in words.
    public var reason: String
    /// When.
    public var at: Timestamp
    /// How many runs there were.
    public var attempts: Int
    /// The message as it stood on the list.
    public var payload: [UInt8]

    /// Makes a record.
    public init(id: String, task: String?, queue: String, reason: String, at: Timestamp, attempts: Int, payload: [UInt8]) {
        self.id = id
        self.task = task
        self.queue = queue
        self.reason = reason
        self.at = at
        self.attempts = attempts
        self.payload = payload
    }
}
