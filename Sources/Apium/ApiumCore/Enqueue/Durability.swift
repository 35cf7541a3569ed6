/// What has to hold an enqueued message before the call returns.
///
/// Redis answers a write when it is in memory. It confirms more on request: `WAIT` counts the replicas that have it in memory, `WAITAOF`
/// (Redis 7.2, Valkey) the append-only files that have it on disk. What was not confirmed in time is enqueued all the same: the
/// ``Confirmation`` says what is known.
public struct Durability: Sendable, Hashable {
    /// How many replicas must have it.
    public var replicas: Int
    /// Whether it must be on disk: in the append-only file of the server itself, and in those of the ``replicas``.
    public var isOnDisk: Bool
    /// How long to wait for it; at least a millisecond.
    public var timeout: Duration

    /// Makes the value.
    public init(replicas: Int, isOnDisk: Bool, timeout: Duration) {
        self.replicas = replicas
        self.isOnDisk = isOnDisk
        self.timeout = timeout
    }

    /// In the memory of this many replicas.
    public static func replicas(_ count: Int, within timeout: Duration = .seconds(1)) -> Durability {
        Durability(replicas: count, isOnDisk: false, timeout: timeout)
    }

    /// In the server's append-only file, and in those of this many replicas.
    public static func onDisk(replicas: Int = 0, within timeout: Duration = .seconds(2)) -> Durability {
        Durability(replicas: replicas, isOnDisk: true, timeout: timeout)
    }

    /// What satisfies both.
    func merged(with other: Durability?) -> Durability {
        guard let other else { return self }
        return Durability(
            replicas: max(replicas, other.replicas), isOnDisk: isOnDisk || other.isOnDisk, timeout: max(timeout, other.timeout))
    }
}

/// What has confirmed to hold the messages of a call.
public struct Confirmation: Sendable, Hashable {
    /// What was asked.
    public var asked: Durability
    /// How many replicas have confirmed: in memory, or on disk when that was asked.
    public var replicas: Int
    /// Whether the server's own append-only file is written; `false` also when that was not asked.
    public var isOnDisk: Bool

    /// Makes the value.
    public init(asked: Durability, replicas: Int, isOnDisk: Bool) {
        self.asked = asked
        self.replicas = replicas
        self.isOnDisk = isOnDisk
    }

    /// Whether all that was asked is confirmed.
    public var isComplete: Bool { replicas >= asked.replicas && (isOnDisk || !asked.isOnDisk) }
}
