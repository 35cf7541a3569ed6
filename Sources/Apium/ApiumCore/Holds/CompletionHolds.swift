/// What a job holds when its delivery ends.
public struct CompletionHolds: Sendable {
    /// Whether it was admitted under limits: what it took is given back, whatever becomes of the message, and the next that waits is let go.
    public var givesBack: Bool
    /// The job's lock and id. A job that is done, dead or quarantined has ended: the lock goes. One that waits for another run, or for
    /// somebody to look at it, keeps it.
    public var lock: (lock: UniqueLock, id: String)?

    /// Makes the value.
    public init(givesBack: Bool = false, lock: (lock: UniqueLock, id: String)? = nil) {
        self.givesBack = givesBack
        self.lock = lock
    }

    /// Whether there is nothing to give back.
    public var isEmpty: Bool { !givesBack && lock == nil }
}
