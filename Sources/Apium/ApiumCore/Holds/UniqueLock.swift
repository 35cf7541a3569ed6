/// The lock of a unique job: while it holds, no other job of the key is enqueued.
public struct UniqueLock: Sendable, Hashable {
    /// The key, with the job's name in front.
    public var key: String
    /// When it ends.
    public var scope: Scope
    /// How long it lives where nobody ends it, from when its job is due; of one for a time that time.
    public var life: Duration

    /// Makes a lock.
    public init(key: String, scope: Scope, life: Duration = UniqueLock.longestLife) {
        self.key = key
        self.scope = scope
        self.life = life
    }

    /// How long a lock holds.
    public enum Scope: String, Sendable, Hashable {
        /// Until the job begins to run.
        case queued
        /// While it runs: jobs of the key are enqueued, and run one after another.
        case running
        /// Until the job has ended for good.
        case ended
        /// For a time, whatever becomes of the job.
        case time
    }

    /// How long a lock lives that nobody ends: 7 days.
    public static let longestLife = Duration.days(7)

    /// Whether it is taken when the job is enqueued.
    package var isTakenAtEnqueue: Bool { scope != .running }

    /// How long it is taken for when its job is due after a delay, in whole milliseconds, at least 1.
    package func milliseconds(after delay: Duration?) -> Int64 {
        max((life + (scope == .time ? .zero : max(delay ?? .zero, .zero))).wholeMicroseconds / 1000, 1)
    }
}

/// Which jobs count as the same, and how long no other of them is enqueued.
///
/// ```swift
/// static let options = JobOptions(unique: .untilEnded)               // by its arguments
/// try await client.enqueue(job, .unique(.whileQueued.by("report")))   // by a key
/// ```
public struct Unique: Sendable, Hashable {
    /// When the lock ends.
    public var scope: UniqueLock.Scope
    /// What tells the jobs of one name apart. `nil`: what the job's type says (``JobDefinition/uniqueKey``), else the arguments.
    public var key: String?
    /// How long the lock lives at most, from when its job is due: a Python worker that runs the job does not end it. Default: 7 days.
    public var life: Duration

    /// From being enqueued until it has ended for good: retries and the loss of a worker don't end it.
    public static let untilEnded = Unique(.ended)
    /// Until it begins to run: what is enqueued then is not the same any more.
    public static let whileQueued = Unique(.queued)
    /// While it runs. All are enqueued; of those of one key one runs at a time, in order.
    public static let whileRunning = Unique(.running)
    /// For so long from being enqueued, whatever becomes of the job.
    public static func within(_ time: Duration) -> Unique { Unique(.time, life: time) }

    /// Makes the value.
    public init(_ scope: UniqueLock.Scope, key: String? = nil, life: Duration = UniqueLock.longestLife) {
        self.scope = scope
        self.key = key
        self.life = life
    }

    /// Told apart by this key in place of the arguments.
    public func by(_ key: String) -> Unique { Unique(scope, key: key, life: life) }

    /// With another end for the case that nobody ends it.
    public func lasting(atMost life: Duration) -> Unique { Unique(scope, key: key, life: life) }
}
