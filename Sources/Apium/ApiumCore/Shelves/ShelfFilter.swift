/// Which records of a shelf are meant; what is not said lets all through.
public struct ShelfFilter: Sendable, Hashable {
    /// The task's name, or a pattern with `*` and `?`.
    public var task: String?
    /// The queue they came from.
    public var queue: String?
    /// A text in the reason, whatever its case.
    public var reason: String?
    /// Not older than this.
    public var since: Timestamp?
    /// Older than this.
    public var before: Timestamp?

    /// Makes a filter.
    public init(task: String? = nil, queue: String? = nil, reason: String? = nil, since: Timestamp? = nil, before: Timestamp? = nil) {
        self.task = task
        self.queue = queue
        self.reason = reason
        self.since = since
        self.before = before
    }

    /// Whether nothing is said.
    public var isEmpty: Bool { self == ShelfFilter() }

    /// Whether a record is meant.
    public func takes(_ record: ShelvedRecord) -> Bool {
        if let task, !(record.task.map { GlobPattern(task).matches($0) } ?? false) { return false }
        if let queue, record.queue != queue { return false }
        if let reason, !record.reason.lowercased().contains(reason.lowercased()) { return false }
        if let since, record.at < since { return false }
        if let before, record.at >= before { return false }
        return true
    }
}
