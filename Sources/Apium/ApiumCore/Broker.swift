/// Where jobs wait: the producer's side and the door for workers.
///
/// Two implementations pass one conformance suite (`ApiumTesting`): `RedisBroker` and `InMemoryBroker`. What they must
/// never break is written at each requirement; the numbers are those of "What the engine never breaks" in docs/internals.
public protocol Broker: ScheduleStore, HoldingBroker, HistoryStore {
    /// Puts messages on their queues, or into the scheduled set when they have a delay; in order. All or none of one call, but for those
    /// whose ``Outgoing/conditions`` are not met; looking at the conditions and pushing is one step.
    ///
    /// A message to a named exchange goes to each queue that is bound with its routing key.
    ///
    /// - Throws: ``ApiumError`` `unroutable` when nothing is bound: the message would be lost; `notAvailable` for a durability that the
    ///   server cannot confirm; ``QueueFull`` under ``EnqueueTerms/isAllOrNone``. After these nothing was written.
    func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt

    /// Registers a worker process and gives it its own in-flight records and lease.
    func openSession(_ identity: WorkerIdentity) async throws -> any BrokerSession

    /// The broker's clock. Shared state is compared with this one only (invariant 13).
    func serverTime() async throws -> Timestamp

    /// How many messages wait in a queue, all priorities together.
    func queueLength(_ queue: String) async throws -> Int

    /// Deletes what waits in a queue; answers how many messages that were. In-flight and scheduled jobs stay.
    func purge(_ queue: String) async throws -> Int

    /// Revokes jobs by id or by stamp: kept in the broker for 7 days, effective with no worker up (invariant 8).
    func revoke(_ revocation: Revocation) async throws

    /// Records set aside in one of the broker's sets, newest first, as far as the filter lets them through; at most `limit`.
    func records(in shelf: Shelf, matching filter: ShelfFilter, limit: Int) async throws -> [ShelvedRecord]

    /// One shelved record; `nil` when it is not there.
    func record(_ id: String, in shelf: Shelf) async throws -> ShelvedRecord?

    /// Puts another record, of the same id, in the place of one that stands there as it was read; it keeps its place in the order.
    /// False when that one is no longer there, or is another.
    func replace(_ record: ShelvedRecord, with edited: ShelvedRecord, in shelf: Shelf) async throws -> Bool

    /// Puts a shelved record, or what it was edited to, on its queue, and takes it off the shelf in the same step. False when `record` no longer
    /// stands there as it was read.
    func requeue(_ record: ShelvedRecord, as edited: ShelvedRecord, from shelf: Shelf) async throws -> Bool

    /// Deletes a shelved record. False when it is not there.
    func discard(_ id: String, from shelf: Shelf) async throws -> Bool

    /// How many jobs wait for their time.
    func scheduledCount() async throws -> Int

    /// The jobs that wait for their time and belong to one of the queues, the earliest first; also those that still stand in a
    /// queue and carry a later ETA. At most `limit`.
    func scheduledJobs(on queues: [String], limit: Int) async throws -> [ScheduledJob]

    /// How remote control reaches workers; `nil`: not with this broker.
    var controlTransport: (any ControlTransport)? { get }

    /// How events get out; `nil`: not with this broker.
    var eventTransport: (any EventTransport)? { get }
}

extension Broker {
    /// Puts messages on their queues, all or none of them; see ``enqueue(_:_:)``.
    public func enqueue(_ messages: [Outgoing]) async throws { _ = try await enqueue(messages, EnqueueTerms()) }

    /// Cancels jobs by id: those that wait never run, those that run are told to stop.
    ///
    /// - Parameter by: who does it, for whoever asks why a job did not run. Default: not said.
    public func revoke(_ ids: [String], by: String? = nil) async throws { try await revoke(Revocation(ids: ids, terminate: true, by: by)) }

    /// Records set aside in one of the broker's sets, newest first.
    public func records(in shelf: Shelf, limit: Int) async throws -> [ShelvedRecord] {
        try await records(in: shelf, matching: ShelfFilter(), limit: limit)
    }

    /// Puts a shelved record back on its queue in one step. False when it is no longer there.
    public func requeue(_ id: String, from shelf: Shelf) async throws -> Bool {
        // A record that is replaced between the look and the step is looked at again.
        while let record = try await record(id, in: shelf) {
            if try await requeue(record, as: record, from: shelf) { return true }
        }
        return false
    }

    public func scheduledJobs(on queues: [String], limit: Int) async throws -> [ScheduledJob] { [] }

    public var controlTransport: (any ControlTransport)? { nil }

    public var eventTransport: (any EventTransport)? { nil }
}

/// A job that waits for its time.
public struct ScheduledJob: Sendable, Hashable {
    /// When it is due, on the broker's clock.
    public var due: Timestamp
    /// The queue it goes to then.
    public var queue: String
    /// The message.
    public var message: Message

    /// Makes the value.
    public init(due: Timestamp, queue: String, message: Message) {
        self.due = due
        self.queue = queue
        self.message = message
    }
}

/// One worker process' connection to the broker: its in-flight records live under ``incarnation``.
public protocol BrokerSession: Sendable {
    /// The id of this process start; in-flight records and the lease are its (invariant 2).
    var incarnation: String { get }

    /// Claims up to `limit` jobs: out of the ready list and into this session's in-flight records in one step
    /// (invariant 1). Waits while there are none; throws `CancellationError` when the calling task is cancelled, and
    /// nothing is then left claimed that ``close(_:)`` would not hand back. Call it from one task at a time.
    /// Never throws for a lost connection: it backs off and connects again (invariant 11); ``health`` tells.
    func claim(limit: Int) async throws -> Claim

    /// Ends deliveries: each completion is one step with its result, its follow-ups and the removal of the in-flight
    /// record (invariant 6). Safe to repeat after a cut reply. The answers are in the order of the completions.
    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome]

    /// Marks deliveries as acknowledged before their run (Celery's early ack): should this worker die, they end in the
    /// dead set as `WorkerLostError` instead of running again (invariant 3).
    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome]

    /// Asks whether deliveries may run now, in their order, under limits and pauses. One that may not leaves the session in the same step, and
    /// waits beside its queue. The answers are in the order of the questions. Safe to repeat after a cut reply.
    func admit(_ admissions: [Admission]) async throws -> [AdmissionOutcome]

    /// What operators and cancellers want, all of it.
    func control() async throws -> ControlState

    /// The same for somebody who knows it as it was at an epoch: read again when ``Claim/controlEpoch`` has changed. Of the revoked ids it has
    /// those that are new since then (``ControlState/since``), or all: when it is not known any more what is new, or when there are far fewer
    /// than the caller knows, because the others have expired.
    ///
    /// - Parameters:
    ///   - epoch: what the caller knows; `nil`: nothing.
    ///   - ids: how many revoked ids the caller knows.
    func control(since epoch: Int64?, knowing ids: Int) async throws -> ControlState

    /// Serves these queues from now on, in this order, and declares bindings. What was claimed from others stays claimed.
    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws

    /// Whether another live worker that serves this queue knows a job of this name, as workers said when they opened their sessions
    /// (invariant 5).
    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool

    /// What happens to the session itself; one consumer.
    var events: AsyncStream<SessionEvent> { get }

    /// One round of the shared duties, if this session holds the janitor lease: move due jobs to their queues, return
    /// the jobs of dead workers.
    func maintain() async throws -> MaintenanceReport

    /// Waits until another round of ``maintain()`` is due: at most this long, sooner when something comes up. Default: so long.
    func untilMaintenance(atMost limit: Duration) async

    /// Whether the session is able to fetch, for readiness.
    var health: SessionHealth { get }

    /// Where the loops that claim and complete run best: the thread that reads the broker's replies, for one. Never for jobs.
    /// Default: `nil`, anywhere.
    var executor: (any TaskExecutor)? { get }

    /// Ends the session: unfinished deliveries go back to the front of their queues, in order, marked redelivered.
    func close() async throws
}

extension BrokerSession {
    public var executor: (any TaskExecutor)? { nil }

    public func untilMaintenance(atMost limit: Duration) async { try? await Task.sleep(for: limit) }

    /// All of it, each time.
    public func control(since epoch: Int64?, knowing ids: Int) async throws -> ControlState { try await control() }
}

/// A worker process as others see it.
public struct WorkerIdentity: Sendable, Hashable {
    /// The node name, `name@host`.
    public var name: String
    /// The process id.
    public var pid: Int32
    /// The queues it serves, in order.
    public var queues: [String]
    /// The bindings it declares for them. Default: each queue to an exchange of its own name, as Celery's automatic queues.
    public var bindings: [QueueBinding]
    /// The names of the jobs it knows.
    public var jobs: [String]
    /// After this time without a renewal its jobs run elsewhere. Default: 5 seconds.
    public var lease: Duration

    /// Makes an identity.
    public init(
        name: String, pid: Int32, queues: [String], bindings: [QueueBinding]? = nil, jobs: [String] = [], lease: Duration = .seconds(5)
    ) {
        self.name = name
        self.pid = pid
        self.queues = queues
        self.bindings = bindings ?? queues.map { QueueBinding(exchange: $0, routingKey: $0, queue: $0) }
        self.jobs = jobs
        self.lease = lease
    }
}

/// A message on its way into a queue.
public struct Outgoing: Sendable, Hashable {
    /// The message; the broker fills in its delivery information.
    public var message: Message
    /// The named direct exchange; empty for the anonymous one, which hands to the queue of that name.
    public var exchange: String
    /// The queue's name; with a named exchange the routing key, by which the broker finds the queues that are bound.
    public var queue: String
    /// Not before this much time has passed on the broker's clock; `nil`: now.
    public var delay: Duration?
    /// What must be so for it to be enqueued; of no account for what follows a job that ends, or a schedule sends. Default: nothing.
    public var conditions = EnqueueConditions()

    /// Makes an outgoing message; its priority is in the message's properties.
    public init(_ message: Message, to queue: String, after delay: Duration? = nil) {
        self.message = message
        exchange = ""
        self.queue = queue
        self.delay = delay
    }

    /// Makes an outgoing message of what a ``Router`` has decided; the priority is the destination's.
    public init(_ message: Message, to destination: Destination, after delay: Duration? = nil) {
        self.init(message, to: destination.routingKey, after: delay)
        exchange = destination.exchange
        var properties = message.properties
        let asWritten = (properties.exchange, properties.routingKey, properties.priority)
        guard asWritten != (destination.exchange, destination.routingKey, destination.priority) else { return }
        (properties.exchange, properties.routingKey, properties.priority) = (destination.exchange, destination.routingKey, destination.priority)
        self.message.properties = properties
    }
}

/// Names one in-flight record of a session: the claim batch, and the place in it.
public struct DeliveryTag: Sendable, Hashable {
    /// The number of the claim batch, growing within a session.
    public var batch: Int
    /// The place in the batch.
    public var index: Int

    /// Makes a tag.
    public init(batch: Int, index: Int) {
        self.batch = batch
        self.index = index
    }
}

/// One claimed message.
public struct Delivery: Sendable {
    /// The in-flight record.
    public var tag: DeliveryTag
    /// The queue it came from.
    public var queue: String
    /// A number that grows with every claim anywhere: a later run of the same job has a greater one (invariant 3).
    public var fence: Int64
    /// The bytes as they stood on the list: not decoded, because they may be anything.
    public var payload: [UInt8]
    /// Whether it was admitted under limits, so that its end gives back what it took. Default: `false`.
    public var isAdmitted = false

    /// Makes a delivery.
    public init(tag: DeliveryTag, queue: String, fence: Int64, payload: [UInt8]) {
        self.tag = tag
        self.queue = queue
        self.fence = fence
        self.payload = payload
    }
}

/// The answer to a claim.
public struct Claim: Sendable {
    /// At least one delivery.
    public var deliveries: [Delivery]
    /// Changes when revokes, pauses or limits have changed.
    public var controlEpoch: Int64

    /// Makes a claim.
    public init(deliveries: [Delivery], controlEpoch: Int64) {
        self.deliveries = deliveries
        self.controlEpoch = controlEpoch
    }
}

/// How a delivery ends.
public struct Completion: Sendable {
    /// The delivery.
    public var tag: DeliveryTag
    /// What becomes of the message.
    public var disposition: Disposition
    /// The results to store and to publish, when the result backend is the broker itself: the job's own, and those of what
    /// can no longer run after it.
    public var results: [ResultDocument]
    /// The chord parts that this end is, when the result backend is the broker itself. Whoever brings the last part of a
    /// chord claims its join: the answer is then ``CompletionOutcome/joining(_:)``, and the delivery stays in flight.
    public var parts: [ChordPart]
    /// The joins that this call ends: it counts only while all these claims are still the caller's, else nothing is stored
    /// or sent and the delivery just ends. The chords' keys go. Joins of several chords are best ended by a call each, for a
    /// claim that was lost takes the others of its call with it.
    public var closes: [ChordClaim]
    /// The joins that this call gives up after an error: as ``closes``, but of the chords only the sizes go, and the parts stay
    /// to be read until they expire.
    public var abandons: [ChordClaim]
    /// Jobs to enqueue in the same step: callbacks, the next step of a chain, the body of a chord.
    public var followUps: [Outgoing]
    /// The run of a schedule entry that ends with this: the job that waits for it is enqueued in the same step.
    public var endedRun: EntryRun?
    /// What the job holds, so that it is given back in the same step. Default: nothing.
    public var holds = CompletionHolds()
    /// Whether the record that is set aside holds the message as it was claimed: a broker that has it still need not be sent it again. Default: no.
    public var keepsMessage = false

    /// Makes a completion.
    public init(
        _ tag: DeliveryTag, _ disposition: Disposition, results: [ResultDocument] = [], parts: [ChordPart] = [], closes: [ChordClaim] = [],
        abandons: [ChordClaim] = [], followUps: [Outgoing] = [], endedRun: EntryRun? = nil
    ) {
        self.tag = tag
        self.disposition = disposition
        self.results = results
        self.parts = parts
        self.closes = closes
        self.abandons = abandons
        self.followUps = followUps
        self.endedRun = endedRun
    }

    /// What becomes of the message.
    public enum Disposition: Sendable {
        /// It is done with: the in-flight record goes.
        case done
        /// This message takes its place in the scheduled set, due after the delay: retry, snooze, ETA.
        case schedule(Message, queue: String, after: Duration)
        /// This message goes to the back of the queue (`Reject(requeue:)`).
        case requeue(Message, queue: String)
        /// The bytes are set aside with a reason (invariant 5).
        case shelve(Shelf, ShelvedRecord)
    }
}

/// The answer to a completion.
public enum CompletionOutcome: Sendable, Hashable {
    /// This call ended it.
    case done
    /// An earlier call with the same tag ended it: a repeated call after a cut reply.
    case alreadyDone
    /// The lease was lost and the job is somebody else's now: nothing was stored, nothing was sent.
    case taken
    /// Everything was done, and the parts were the last of these chords: the caller builds their bodies and completes the
    /// same tag again, closing the claims (the disposition of the first call was done with it: the second says `done`). Until
    /// then the delivery is in flight as `joining`: should this worker die, the message comes back with ``Message/joining``, and
    /// whoever claims it resumes the joins without running the job again (invariant 9).
    case joining([ChordClaim])
}

/// What happens to a session.
public enum SessionEvent: Sendable, Hashable {
    /// The lease was lost: all in-flight jobs are somebody else's. Cancel them and open a new session.
    case leaseLost
    /// The control epoch changed (push, or seen at a renewal).
    case controlChanged(epoch: Int64)
}

/// What one round of maintenance did.
public struct MaintenanceReport: Sendable, Hashable {
    /// Whether this session holds the janitor lease.
    public var isJanitor = false
    /// Scheduled jobs moved to their queues.
    public var promoted = 0
    /// Jobs of dead workers put back.
    public var reaped = 0
    /// Jobs of dead workers quarantined.
    public var quarantined = 0
    /// Deliveries that Python workers held and lost, put back.
    public var restored = 0
    /// When to come again at the latest.
    public var next: Duration = .milliseconds(20)

    /// Makes an empty report.
    public init() {}
}

/// Whether a session fetches.
public struct SessionHealth: Sendable, Hashable {
    /// How long ago the last fetch round trip succeeded; `nil`: never.
    public var sinceLastFetch: Duration?
    /// How long ago the lease was last renewed; `nil`: never.
    public var sinceLastRenewal: Duration?
    /// What went wrong last, if something is wrong now.
    public var lastError: String?

    /// Makes a health value.
    public init(sinceLastFetch: Duration? = nil, sinceLastRenewal: Duration? = nil, lastError: String? = nil) {
        self.sinceLastFetch = sinceLastFetch
        self.sinceLastRenewal = sinceLastRenewal
        self.lastError = lastError
    }
}
