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

    private func changed(_ change: (inout EnqueueOptions) -> Void) -> EnqueueOptions {
        var options = self
        change(&options)
        return options
    }
}
