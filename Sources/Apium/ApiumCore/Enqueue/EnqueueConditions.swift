/// What must be so for a message to be enqueued. Without conditions a message is pushed by a plain command; with them a script looks
/// and pushes in one step.
public struct EnqueueConditions: Sendable, Hashable {
    /// Enqueues nothing when the message's id is known: an earlier enqueue with this condition is younger than the time that it named, or
    /// the job's result is stored on the broker. The time counts from when the job is due. `nil`: the id is not looked at.
    public var onceWithin: Duration?
    /// Refuses the message when this many are ready in its queue. `nil`: what the broker's own limits say of the queue.
    public var queueLimit: Int?
    /// Enqueues nothing while another job holds this lock; else this one holds it from now on. `nil`: nothing is locked.
    public var lock: UniqueLock?

    /// Makes conditions.
    public init(onceWithin: Duration? = nil, queueLimit: Int? = nil, lock: UniqueLock? = nil) {
        self.onceWithin = onceWithin
        self.queueLimit = queueLimit
        self.lock = lock
    }

    /// Whether nothing is asked.
    public var isEmpty: Bool { onceWithin == nil && queueLimit == nil && lock == nil }
}

/// What is asked of one call of ``Broker/enqueue(_:_:)`` as a whole.
public struct EnqueueTerms: Sendable, Hashable {
    /// What has to hold the messages before the call returns. `nil`: the server's memory.
    public var durability: Durability?
    /// Whether a full queue refuses the whole call with ``QueueFull``, nothing being written; else each message is decided for itself.
    /// Default: `true`.
    public var isAllOrNone: Bool

    /// Makes terms.
    public init(durability: Durability? = nil, isAllOrNone: Bool = true) {
        self.durability = durability
        self.isAllOrNone = isAllOrNone
    }
}

/// What became of one message.
public enum EnqueueOutcome: Sendable, Hashable {
    /// It is on its queue, or waits for its time.
    case enqueued
    /// The id is known: nothing was enqueued.
    case known
    /// Another job holds the lock, the one of this id: nothing was enqueued.
    case duplicate(of: String)
    /// The queue is full: nothing was enqueued.
    case refused(QueueFull)
}

/// The answer to an enqueue.
public struct EnqueueReceipt: Sendable, Hashable {
    /// What became of each message, in order.
    public var outcomes: [EnqueueOutcome]
    /// What has confirmed to hold them; `nil` when nobody asked.
    public var confirmation: Confirmation?

    /// Makes a receipt.
    public init(_ outcomes: [EnqueueOutcome], confirmation: Confirmation? = nil) {
        self.outcomes = outcomes
        self.confirmation = confirmation
    }
}

/// A queue holds as many messages as it may: nothing was enqueued. Try again later.
public struct QueueFull: Error, Sendable, Hashable, CustomStringConvertible {
    /// The queue.
    public var queue: String
    /// How many messages may be ready in it.
    public var limit: Int
    /// How many were.
    public var length: Int

    /// Makes the error.
    public init(queue: String, limit: Int, length: Int) {
        self.queue = queue
        self.limit = limit
        self.length = length
    }

    public var description: String { "queue '\(queue)' is full: \(length) messages are ready, and its limit is \(limit); try again later" }
}
