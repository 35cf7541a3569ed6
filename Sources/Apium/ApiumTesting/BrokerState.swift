import ApiumCore
import DynamicJSON

/// Everything an in-memory broker knows, as a value: each transition is one method, so the broker's lock makes it one step.
struct BrokerState {
    /// A job that takes its workers down this often is quarantined.
    static let crashLimit = 3
    /// The header that counts how often a job's worker died.
    static let crashHeader = "apium_crashes"
    /// Revokes older than this are forgotten.
    static let revokeLife = Duration.days(7)

    var queues: [String: Queue] = [:]
    var bindings: Set<QueueBinding> = []
    var scheduled: [Scheduled] = []
    var sessions: [String: SessionState] = [:]
    var shelves: [Shelf: [ShelvedRecord]] = [:]
    /// How many messages may be ready in a queue.
    var queueLimits: [String: Int] = [:]
    /// Ids that were enqueued once, until when.
    var known: [String: Timestamp] = [:]
    var results: [String: [UInt8]] = [:]
    /// Whether the results are those of another broker: this one then hands out what it would store.
    var resultsAreElsewhere = false
    var groups: [String: JSONValue] = [:]
    var chords: [String: ChordState] = [:]
    var revoked: [(at: Timestamp, epoch: Int64, order: Revocation)] = []
    var epoch: Int64 = 0
    var lastFence: Int64 = 0
    var sequence = 0
    var janitor: String?
    var schedule = ScheduleState()
    var holds = HoldBook()
    var history = HistoryBook()
    /// The locks of unique jobs, and when they end by themselves.
    var locks: [String: (id: String, until: Timestamp, isForTime: Bool)] = [:]

    /// A message that waits for its time.
    struct Scheduled {
        var due: Timestamp
        /// Keeps messages of the same instant in order.
        var sequence: Int
        var queue: String
        var list: Int
        var payload: [UInt8]
    }

    /// A claimed message.
    struct InFlight {
        var queue: String
        var list: Int
        var payload: [UInt8]
        var acknowledged = false
        /// The joins that are left to end, when the job has ended.
        var joining: [ChordClaim] = []
        /// What it was admitted under.
        var targets: [HoldTarget] = []
    }

    /// One worker process.
    struct SessionState {
        var identity: WorkerIdentity
        /// The order of service; the queue served last stands last.
        var rotation: [String]
        var lastBatch = 0
        var flight: [DeliveryTag: InFlight] = [:]
        /// `nil` while the session renews its lease.
        var silentSince: Timestamp?

        /// Whether the lease has run out.
        func hasExpired(at now: Timestamp) -> Bool { silentSince.map { now - $0 >= identity.lease } ?? false }
    }

    // MARK: Into the queues

    mutating func enqueue(_ messages: [Outgoing], at now: Timestamp) {
        for outgoing in messages {
            let targets = targets(of: outgoing)
            if targets.isEmpty { park(outgoing, at: now) }
            for queue in targets { enqueue(outgoing, in: queue, at: now) }
        }
    }

    mutating func enqueue(_ outgoing: Outgoing, in queue: String, at now: Timestamp) {
        var message = outgoing.message
        message.properties.exchange = outgoing.exchange
        message.properties.routingKey = outgoing.queue
        let list = Queue.listIndex(priority: message.properties.priority)
        if let delay = outgoing.delay, delay > .zero {
            schedule(message.encoded(), on: queue, list, due: now + delay)
        } else {
            queues[queue, default: Queue()][list].pushBack(message.encoded())
        }
    }

    /// The queues that a message goes to: its own, or those bound to its exchange with its routing key.
    func targets(of outgoing: Outgoing) -> [String] {
        guard !outgoing.exchange.isEmpty else { return [outgoing.queue] }
        return Set(bindings.filter { $0.exchange == outgoing.exchange && $0.routingKey == outgoing.queue }.map(\.queue)).sorted()
    }

    /// - Throws: ``ApiumError`` `unroutable` when one of the messages would reach no queue.
    func checkRoutable(_ messages: [Outgoing]) throws {
        guard let lost = messages.first(where: { targets(of: $0).isEmpty }) else { return }
        throw ApiumError(.unroutable, "no queue is bound to exchange '\(lost.exchange)' with routing key '\(lost.queue)', so the message would be lost")
    }

    /// Sets aside what a job that has ended wanted to send to nobody.
    private mutating func park(_ outgoing: Outgoing, at now: Timestamp) {
        let reason = "no queue is bound to exchange '\(outgoing.exchange)' with routing key '\(outgoing.queue)'"
        let message = outgoing.message
        let record = ShelvedRecord(
            id: message.id, task: message.task, queue: outgoing.queue, reason: reason, at: now, attempts: 0, payload: message.encoded())
        shelve(record, in: .parked)
    }

    private mutating func schedule(_ payload: [UInt8], on queue: String, _ list: Int, due: Timestamp) {
        sequence += 1
        scheduled.append(Scheduled(due: due, sequence: sequence, queue: queue, list: list, payload: payload))
    }

    /// Moves what is due to the backs of its queues, the earliest first.
    mutating func promote(at now: Timestamp) -> Int {
        let due = scheduled.filter { $0.due <= now }.sorted { ($0.due, $0.sequence) < ($1.due, $1.sequence) }
        guard !due.isEmpty else { return 0 }
        scheduled.removeAll { $0.due <= now }
        for entry in due { queues[entry.queue, default: Queue()][entry.list].pushBack(entry.payload) }
        return due.count
    }

    // MARK: Out of the queues

    /// Takes up to `limit` messages: lower lists first, round robin over the session's queues. `nil` when there are none.
    mutating func claim(_ limit: Int, by incarnation: String, at now: Timestamp) -> [Delivery]? {
        guard var session = sessions[incarnation] else { return nil }
        var deliveries: [Delivery] = []
        for list in Queue.steps.indices {
            while deliveries.count < limit,
                let place = session.rotation.firstIndex(where: { queues[$0]?[list].isEmpty == false && holds.paused[.queue($0)] == nil })
            {
                let queue = session.rotation.remove(at: place)
                session.rotation.append(queue)
                guard let payload = queues[queue]?[list].popFront() else { continue }
                let tag = DeliveryTag(batch: session.lastBatch + 1, index: deliveries.count)
                session.flight[tag] = InFlight(queue: queue, list: list, payload: payload)
                lastFence = max(lastFence + 1, now.microseconds)
                deliveries.append(Delivery(tag: tag, queue: queue, fence: lastFence, payload: payload))
            }
        }
        guard !deliveries.isEmpty else { return nil }
        session.lastBatch += 1
        sessions[incarnation] = session
        return deliveries
    }

    // MARK: Ends

    mutating func complete(_ completion: Completion, by incarnation: String, at now: Timestamp) -> CompletionOutcome {
        let outcome = outcome(of: completion.tag, by: incarnation)
        guard outcome == .done else { return outcome }
        let before = sessions[incarnation]?.flight[completion.tag]?.joining ?? []
        let ends = completion.closes + completion.abandons
        // A call that ends none of the joins, or one that is ended, is a repeated one.
        if !before.isEmpty && (ends.isEmpty || !ends.allSatisfy(before.contains)) { return .joining(before) }
        settle(completion, by: incarnation, at: now)
        var joins = before.filter { !ends.contains($0) }
        if ends.allSatisfy({ holds($0, at: now) }) { joins += perform(completion, at: now) }
        if joins.isEmpty {
            sessions[incarnation]?.flight[completion.tag] = nil
            return .done
        }
        sessions[incarnation]?.flight[completion.tag]?.joining = joins
        return .joining(joins)
    }

    /// Does all that a completion says; answers the joins that it claims.
    private mutating func perform(_ completion: Completion, at now: Timestamp) -> [ChordClaim] {
        for claim in completion.closes { _ = close(claim, at: now) }
        for claim in completion.abandons { abandon(claim.group) }
        for result in completion.results { store(result) }
        enqueue(completion.followUps, at: now)
        switch completion.disposition {
        case .done: break
        case .schedule(let message, let queue, let delay): enqueue([Outgoing(message, to: queue, after: delay)], at: now)
        case .requeue(let message, let queue): enqueue([Outgoing(message, to: queue)], at: now)
        case .shelve(let shelf, let shelved): shelve(shelved, in: shelf)
        }
        if let run = completion.endedRun, schedule.runs[run.entry]?.job == run.jobID { advance(run.entry, at: now) }
        return bring(completion.parts, at: now)
    }

    /// `done` when the tag is in flight: nothing is changed yet.
    private func outcome(of tag: DeliveryTag, by incarnation: String) -> CompletionOutcome {
        guard let session = sessions[incarnation] else { return .taken }
        if session.flight[tag] != nil { return .done }
        // What was claimed, and is in flight no more, has been ended: nothing else takes records from a session that is open.
        return tag.batch <= session.lastBatch ? .alreadyDone : .taken
    }

    mutating func acknowledgeEarly(_ tag: DeliveryTag, by incarnation: String) -> CompletionOutcome {
        let outcome = outcome(of: tag, by: incarnation)
        guard outcome == .done, let record = sessions[incarnation]?.flight[tag] else { return outcome }
        if record.acknowledged || !record.joining.isEmpty { return .alreadyDone }
        sessions[incarnation]?.flight[tag]?.acknowledged = true
        return .done
    }

    /// Sets a record aside. Where another message of that id is there already, the later one is kept as `<id>#2`, and so on up to `#100`.
    mutating func shelve(_ record: ShelvedRecord, in shelf: Shelf) {
        var (named, number) = (record, 1)
        while number < 100, let stored = shelves[shelf]?.first(where: { $0.id == named.id }), stored.payload != record.payload {
            number += 1
            named.id = "\(record.id)#\(number)"
        }
        shelves[shelf, default: []].removeAll { $0.id == named.id }
        shelves[shelf, default: []].append(named)
    }

    // MARK: Results

    /// Stores a document unless SUCCESS is stored.
    mutating func store(_ document: ResultDocument) {
        if let stored = results[document.id].flatMap({ try? ResultDocument(decoding: $0) }), stored.state == .success { return }
        results[document.id] = document.encoded()
    }

    func document(_ id: String) throws -> ResultDocument? { try results[id].map { try ResultDocument(decoding: $0) } }
}
