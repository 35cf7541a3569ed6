import DynamicJSON

/// The lock of a unique job: while it holds, no other job of the key is enqueued.
public struct UniqueLock: Sendable, Hashable {
    /// The key, with the job's name in front.
    public var key: String
    /// When it ends.
    public var scope: Scope

    /// Makes a lock.
    public init(key: String, scope: Scope) {
        self.key = key
        self.scope = scope
    }

    /// How long a lock holds.
    public enum Scope: String, Sendable, Hashable {
        /// Until the job begins to run.
        case queued
        /// While it runs: jobs of the key are enqueued, and run one after another.
        case running
        /// Until the job has ended for good.
        case ended
    }

    /// How long a lock lives that nobody ends, from when its job is due: where a worker of another kind ran the job.
    package static let longestLife = Duration.days(7)
}
