/// The read side of a broker: what waits, what runs and who works. Every look is bounded, so that somebody who asks holds nobody up.
///
/// What the records mean is worked out by `ApiumInspect`, in the same way for every broker. A look is no transaction: a job that moves
/// while several are taken may be seen twice, or not at all.
public protocol InspectableBroker: Broker {
    /// The queues that somebody has declared, or a live worker serves, or that hold messages.
    func findQueues() async throws -> FoundQueues

    /// The registered worker processes of ours. Celery's workers are in no register.
    func registeredWorkers() async throws -> [RegisteredWorker]

    /// What worker processes hold, those that are gone included; in no order. At most `limit`.
    ///
    /// - Parameter texts: only messages in whose bytes one of these stands. Default: all.
    func flights(mentioning texts: [String], limit: Int) async throws -> [FlightRecord]

    /// Ready messages of a queue, in the order in which they will be claimed.
    func readyMessages(in queue: String, _ window: ScanWindow) async throws -> ScanPage<ReadyRecord>

    /// Messages that wait for their time, the earliest first.
    func scheduledMessages(_ window: ScanWindow) async throws -> ScanPage<ScheduledRecord>

    /// Records that were set aside, the newest first. ``ScanWindow/mentioning`` is of no account: records are found by id.
    func shelvedRecords(in shelf: Shelf, _ window: ScanWindow) async throws -> ScanPage<ShelvedRecord>

    /// How many records were set aside.
    func shelvedCount(in shelf: Shelf) async throws -> Int

    /// What operators and cancellers have said.
    func controlState() async throws -> ControlState

    /// Whether somebody does the shared duties: moves what is due, returns what the dead held.
    func hasJanitor() async throws -> Bool

    /// Edits, moves or deletes a message that waits, in one step. False when it does not wait there any more as it was seen: it was claimed, moved
    /// or edited meanwhile, and nothing has changed.
    func move(_ message: WaitingMessage, _ move: WaitingMove) async throws -> Bool

    /// Who revoked a job by its id; `nil`: nobody, as far as is known.
    func revocation(of id: String) async throws -> RevocationRecord?
}

extension InspectableBroker {
    /// The names of the queues that were found, sorted; see ``findQueues()``.
    public func inspectableQueues() async throws -> [String] { try await findQueues().names }

    /// What worker processes hold; see ``flights(mentioning:limit:)``.
    public func flights(limit: Int) async throws -> [FlightRecord] { try await flights(mentioning: [], limit: limit) }
}

/// The queues that a look found.
public struct FoundQueues: Sendable, Hashable {
    /// Their names, sorted.
    public var names: [String]
    /// Whether there are no others: those that nobody has declared are looked for among the server's keys, and not among all of very many.
    public var isComplete: Bool

    /// Makes a value.
    public init(names: [String], isComplete: Bool = true) {
        self.names = names
        self.isComplete = isComplete
    }
}

/// A part of something long that is looked at.
public struct ScanWindow: Sendable, Hashable {
    /// How many are passed over: 0 begins at the front.
    public var from: Int
    /// How many are looked at, at most.
    public var count: Int
    /// Only messages in whose bytes one of these stands are answered; the others are looked at where they are, and not sent. Default: all.
    public var mentioning: [String]

    /// Makes a window.
    public init(from: Int = 0, count: Int = 200, mentioning: [String] = []) {
        // Whoever works with them adds them.
        self.from = min(max(0, from), Int.max / 4)
        self.count = min(max(0, count), Int.max / 4)
        self.mentioning = mentioning
    }
}

/// What was seen through a ``ScanWindow``.
public struct ScanPage<Record: Sendable>: Sendable {
    /// What was found, in order.
    public var records: [Record]
    /// How many were looked at; fewer than the window has room for at the end.
    public var looked: Int

    /// Makes a page.
    public init(records: [Record], looked: Int) {
        self.records = records
        self.looked = looked
    }
}

/// A message in a queue.
public struct ReadyRecord: Sendable, Hashable {
    /// The queue.
    public var queue: String
    /// How many messages of the queue are claimed before it: 0 is next. Several queues of a worker take turns.
    public var position: Int
    /// The message as it stands there.
    public var payload: [UInt8]

    /// Makes a record.
    public init(queue: String, position: Int, payload: [UInt8]) {
        self.queue = queue
        self.position = position
        self.payload = payload
    }
}

/// A message that waits for its time.
public struct ScheduledRecord: Sendable, Hashable {
    /// When it is due, on the broker's clock.
    public var due: Timestamp
    /// The queue it goes to then.
    public var queue: String
    /// The message.
    public var payload: [UInt8]
    /// By what the broker finds it again.
    public var key: [UInt8]

    /// Makes a record.
    public init(due: Timestamp, queue: String, payload: [UInt8], key: [UInt8] = []) {
        self.due = due
        self.queue = queue
        self.payload = payload
        self.key = key
    }
}

/// A message that a worker process holds.
public struct FlightRecord: Sendable, Hashable {
    /// The process' id.
    public var incarnation: String
    /// Whether that process is registered; else it was lost or has closed, and the message goes back.
    public var isRegistered: Bool
    /// The queue it came from.
    public var queue: String
    /// What the process does with it.
    public var activity: Activity
    /// The message.
    public var payload: [UInt8]

    /// Makes a record.
    public init(incarnation: String, isRegistered: Bool, queue: String, activity: Activity, payload: [UInt8]) {
        self.incarnation = incarnation
        self.isRegistered = isRegistered
        self.queue = queue
        self.activity = activity
        self.payload = payload
    }

    /// What a process does with a message that it holds.
    public enum Activity: Sendable, Hashable {
        /// It has claimed it, and runs it as soon as it has a free slot.
        case claimed
        /// The same, acknowledged before its run: should the process die, the job ends as lost.
        case acknowledged
        /// The job has ended; the bodies of these chords are being sent.
        case joining([ChordClaim])
    }
}

/// A registered worker process.
public struct RegisteredWorker: Sendable, Hashable {
    /// The id of the process start.
    public var incarnation: String
    /// The node name, `name@host`.
    public var name: String
    /// The process id on its host.
    public var pid: Int32
    /// The queues it serves.
    public var queues: [String]
    /// The names of the jobs it knows.
    public var jobs: [String]
    /// After this time without a renewal its jobs run elsewhere.
    public var lease: Duration
    /// When it started, on its own clock.
    public var started: Timestamp?
    /// Another value with each renewal: a worker whose value stands still for a lease is lost.
    public var renewals: Int64

    /// Makes a value.
    public init(
        incarnation: String, name: String, pid: Int32, queues: [String], jobs: [String], lease: Duration, started: Timestamp?, renewals: Int64
    ) {
        self.incarnation = incarnation
        self.name = name
        self.pid = pid
        self.queues = queues
        self.jobs = jobs
        self.lease = lease
        self.started = started
        self.renewals = renewals
    }

    /// The host's part of the name.
    public var host: String { name.split(separator: "@", maxSplits: 1).last.map(String.init) ?? name }
}
