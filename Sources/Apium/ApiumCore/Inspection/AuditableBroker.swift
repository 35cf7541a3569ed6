/// What `doctor` asks of a broker whose records could get out of order: a server that others write to, and that may lose what it holds.
public protocol AuditableBroker: InspectableBroker {
    /// What the server says of itself.
    func serverFacts() async throws -> ServerFacts

    /// Looks through the broker's own keys for those without an owner or an end.
    ///
    /// - Parameter limit: how many keys are looked at.
    func audit(limit: Int) async throws -> KeyAudit

    /// The nodes that Celery's workers bound to remote control, by their names: one that was killed leaves its binding behind.
    ///
    /// - Parameter exchange: the exchange of remote control, `celery.pidbox`.
    func boundNodes(to exchange: String) async throws -> [String]

    /// Takes bindings of nodes to remote control away. Nothing is routed by them, so a node that lives is steered as before.
    ///
    /// - Returns: how many there were.
    func unbind(_ nodes: [String], from exchange: String) async throws -> Int

    /// Puts one fault right, if that loses nothing whatever has happened since it was found. False when there was nothing to do any more, or
    /// when a person has to decide.
    func repair(_ fault: KeyFault) async throws -> Bool
}

/// A server, by what it says of itself. What it does not tell us is `nil`.
public struct ServerFacts: Sendable, Hashable {
    /// The version, `7.4.1`.
    public var version: String?
    /// Whether the server has what the engine needs; else why not.
    public var refusal: String?
    /// Whether it is a replica: nothing can be written to it.
    public var isReplica = false
    /// The memory in use, in bytes.
    public var usedMemory: Int?
    /// The most it may use, in bytes; 0: no bound.
    public var memoryLimit: Int?
    /// What happens when memory is full: `noeviction`, `allkeys-lru` and the like.
    public var evictionPolicy: String?
    /// Whether writes go to an append-only file.
    public var isAppendOnly: Bool?
    /// When snapshots are taken, as the server's `save` says; empty: never.
    public var snapshots: String?
    /// What failed when it last wrote to disk, in words.
    public var persistenceFailure: String?
    /// The replicas.
    public var replicas: [Replica] = []
    /// The version of the layout of our keys; `nil`: none of our workers was here yet.
    public var layout: Int?
    /// The version that this release knows.
    public var knownLayout = 1

    /// Makes a value that says nothing.
    public init() {}

    /// A server that follows.
    public struct Replica: Sendable, Hashable {
        /// Its address.
        public var address: String
        /// Whether it follows at the moment.
        public var isOnline: Bool
        /// How many bytes it is behind.
        public var behind: Int

        /// Makes a value.
        public init(address: String, isOnline: Bool, behind: Int) {
            self.address = address
            self.isOnline = isOnline
            self.behind = behind
        }
    }
}

/// What a look through the keys found.
public struct KeyAudit: Sendable, Hashable {
    /// The faults.
    public var faults: [KeyFault]
    /// How many keys were looked at.
    public var looked: Int
    /// Whether those were all.
    public var isComplete: Bool

    /// Makes a value.
    public init(faults: [KeyFault], looked: Int, isComplete: Bool) {
        self.faults = faults
        self.looked = looked
        self.isComplete = isComplete
    }
}

/// Keys that are not as the table of keys in docs/internals says.
public enum KeyFault: Sendable, Hashable {
    /// Messages of a process that is neither registered nor known as lost: nobody would return them.
    case unownedFlight(incarnation: String, messages: Int)
    /// Messages in a batch that its process did not register: nobody would find them.
    case unregisteredBatch(incarnation: String, batch: Int, messages: Int)
    /// What is left of a batch that is gone: it holds no message.
    case strayMarks(key: String)
    /// Permits under a limit whose jobs run no more: so many fewer run at once than the limit lets.
    case strayPermits(target: HoldTarget, holders: [String])
    /// The record of a process that is not registered.
    case strayWorkerRecord(incarnation: String)
    /// Ids in a set whose messages are gone: they name nothing.
    case idsWithoutMessage(set: String, count: Int)
    /// Messages that no set names: they would never be found.
    case messagesWithoutID(set: String, count: Int)
    /// A key that should end by itself, and has no end.
    case endless(key: String)
    /// A key among ours that this release does not know.
    case unknown(key: String)
    /// A binding table of kombu's past its deadline: all whose queues stood in it are gone.
    case overdueBindings(exchange: String)
    /// Replies to remote control whose asker has gone, and that have no end.
    case endlessReplies(key: String)
    /// Deliveries that workers of Celery took so long ago that they should be back: how many, and the time of the oldest.
    case overdueUnacked(count: Int, oldest: Timestamp)
}
