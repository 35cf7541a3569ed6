import DynamicJSON

/// Options are built from what is said about a call, by the words that signatures have:
///
/// ```swift
/// try await client.enqueue(job, .after(.minutes(5)).priority(3).expiring(in: .hours(1)))
/// ```
extension EnqueueOptions {
    /// Not before this much time has passed after it was sent.
    public static func after(_ delay: Duration) -> EnqueueOptions { with { $0.delay = delay } }

    /// Not before this instant.
    public static func at(_ instant: Timestamp) -> EnqueueOptions { with { $0.eta = instant } }

    /// On this queue.
    public static func on(queue: String) -> EnqueueOptions { with { $0.queue = queue } }

    /// With this id.
    public static func id(_ id: String) -> EnqueueOptions { with { $0.id = id } }

    /// With this priority, 0 (first) to 9.
    public static func priority(_ priority: Int) -> EnqueueOptions { with { $0.priority = priority } }

    /// Dropped as REVOKED when it has not started within this time after it was sent.
    public static func expiring(in time: Duration) -> EnqueueOptions { with { $0.expires = time } }

    /// With headers of the caller's own, beside Celery's.
    public static func headers(_ headers: [String: JSONValue]) -> EnqueueOptions { with { $0.headers = headers } }

    /// With this id, and only if it is not known: see ``once(within:)``.
    public static func once(_ id: String, within time: Duration = .days(1)) -> EnqueueOptions { .id(id).once(within: time) }

    /// Only while fewer than this many messages are ready in its queue; else ``QueueFull`` is thrown.
    public static func queueLimit(_ limit: Int) -> EnqueueOptions { with { $0.conditions.queueLimit = limit } }

    /// Returning when that much holds the job; what was confirmed stands in ``JobHandle/receipt``.
    public static func confirmed(_ durability: Durability) -> EnqueueOptions { with { $0.durability = durability } }

    /// On this queue.
    public func on(queue: String) -> EnqueueOptions { changed { $0.queue = queue } }

    /// With this id.
    public func id(_ id: String) -> EnqueueOptions { changed { $0.id = id } }

    /// With this priority, 0 (first) to 9.
    public func priority(_ priority: Int) -> EnqueueOptions { changed { $0.priority = priority } }

    /// Dropped as REVOKED when it has not started within this time after it was sent.
    public func expiring(in time: Duration) -> EnqueueOptions { changed { $0.expires = time } }

    /// With headers of the caller's own, beside Celery's; those that were said before stay unless they are named again.
    public func headers(_ headers: [String: JSONValue]) -> EnqueueOptions { changed { $0.headers.merge(headers) { $1 } } }

    /// Whether the result is thrown away.
    public func ignoringResult(_ flag: Bool = true) -> EnqueueOptions { changed { $0.ignoreResult = flag } }

    /// Only if the id, which has to be given, is not known: no enqueue with this word and id within this time before, and no result of it on the
    /// broker. Else nothing is enqueued, and ``JobHandle/receipt`` says so. The time counts from when the job is due.
    public func once(within time: Duration = .days(1)) -> EnqueueOptions { changed { $0.conditions.onceWithin = time } }

    /// Only while fewer than this many messages are ready in its queue; else ``QueueFull`` is thrown.
    public func queueLimit(_ limit: Int) -> EnqueueOptions { changed { $0.conditions.queueLimit = limit } }

    /// Returning when that much holds the job; what was confirmed stands in ``JobHandle/receipt``.
    public func confirmed(_ durability: Durability) -> EnqueueOptions { changed { $0.durability = durability } }

    private func changed(_ change: (inout EnqueueOptions) -> Void) -> EnqueueOptions {
        var options = self
        change(&options)
        return options
    }
}
