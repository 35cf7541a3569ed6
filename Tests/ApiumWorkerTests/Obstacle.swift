import ApiumCore
import ApiumTesting
import Synchronization

/// A count that several tasks change.
final class Counter: Sendable {
    private let guarded = Mutex(0)
    var value: Int { guarded.withLock { $0 } }

    @discardableResult
    func increment() -> Int {
        guarded.withLock { count in
            count += 1
            return count
        }
    }
}

/// A broker whose sessions answer as after bad luck: each acknowledgement looks repeated, the control state cannot be read
/// the first two times, and a completion of the job `refused` is refused with all that come with it, and so is one that is too long.
/// As a real connection it answers no task that was cancelled.
struct Obstacle: Broker {
    let broker: InMemoryBroker
    var opened = OpenedSessions()
    var unreadable = 2

    func openSession(_ identity: WorkerIdentity) async throws -> any BrokerSession {
        let session = broker.open(identity)
        opened.add(session)
        return ObstacleSession(session: session, claimsEnded: opened.claimsEnded, unreadable: unreadable)
    }
    func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt {
        try Task.checkCancellation()
        return try await broker.enqueue(messages, terms)
    }
    func serverTime() async throws -> Timestamp {
        try Task.checkCancellation()
        return try await broker.serverTime()
    }
    func queueLength(_ queue: String) async throws -> Int { try await broker.queueLength(queue) }
    func purge(_ queue: String) async throws -> Int { try await broker.purge(queue) }
    func revoke(_ revocation: Revocation) async throws { try await broker.revoke(revocation) }
    func records(in shelf: Shelf, matching filter: ShelfFilter, limit: Int) async throws -> [ShelvedRecord] {
        try await broker.records(in: shelf, matching: filter, limit: limit)
    }
    func record(_ id: String, in shelf: Shelf) async throws -> ShelvedRecord? { try await broker.record(id, in: shelf) }
    func replace(_ record: ShelvedRecord, with edited: ShelvedRecord, in shelf: Shelf) async throws -> Bool {
        try await broker.replace(record, with: edited, in: shelf)
    }
    func requeue(_ record: ShelvedRecord, as edited: ShelvedRecord, from shelf: Shelf) async throws -> Bool {
        try await broker.requeue(record, as: edited, from: shelf)
    }
    func discard(_ id: String, from shelf: Shelf) async throws -> Bool { try await broker.discard(id, from: shelf) }
    func scheduledCount() async throws -> Int { try await broker.scheduledCount() }
}

extension Obstacle: ScheduleStore {
    func fire(_ slot: ScheduledSlot) async throws -> FireOutcome { try await broker.fire(slot) }
    func adopt(_ schedule: ScheduleAdoption) async throws -> AdoptionOutcome { try await broker.adopt(schedule) }
    func schedule() async throws -> StoredSchedule { try await broker.schedule() }
    func edit(_ edits: [ScheduleEdit], by editor: ScheduleEditor) async throws -> Int64? { try await broker.edit(edits, by: editor) }
    func ledger(_ query: LedgerQuery) async throws -> [SlotRecord] { try await broker.ledger(query) }
    func scheduleAudit(entry: String?, limit: Int) async throws -> [ScheduleAuditRecord] { try await broker.scheduleAudit(entry: entry, limit: limit) }
    func scheduleChanges() async throws -> AsyncStream<Void> { try await broker.scheduleChanges() }
}

/// The sessions that a broker has opened.
final class OpenedSessions: Sendable {
    private let guarded = Mutex<[InMemorySession]>([])
    /// How often a claim was given up.
    let claimsEnded = Counter()
    func add(_ session: InMemorySession) { guarded.withLock { $0.append(session) } }

    /// None of them renews its lease any more.
    func silence() {
        for session in guarded.withLock({ $0 }) { session.silence() }
    }
}

struct ObstacleSession: BrokerSession {
    let session: InMemorySession
    let claimsEnded: Counter
    let unreadable: Int
    let reads = Counter()
    let refusedTags = TagSet()

    var incarnation: String { session.incarnation }
    var events: AsyncStream<SessionEvent> { session.events }
    var health: SessionHealth { session.health }
    func maintain() async throws -> MaintenanceReport { try await session.maintain() }
    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws { try await session.serve(queues, binding: bindings) }
    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool { try await session.isKnownElsewhere(task, on: queue) }
    func close() async throws { try await session.close() }

    func claim(limit: Int) async throws -> Claim {
        let claim: Claim
        do {
            claim = try await session.claim(limit: limit)
        } catch {
            claimsEnded.increment()
            throw error
        }
        refusedTags.insert(claim.deliveries.filter { (try? Message(decoding: $0.payload))?.id == "refused" }.map(\.tag))
        return claim
    }

    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] {
        if completions.contains(where: { refusedTags.contains($0.tag) }) { throw ApiumError(.notAvailable, "the server refuses this") }
        if completions.contains(where: { $0.length > 10_000 }) { throw ApiumError(.tooLong, "the server takes 10,000 bytes") }
        return try await session.complete(completions)
    }

    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] {
        try await session.acknowledgeEarly(tags).map { $0 == .done ? .alreadyDone : $0 }
    }

    func control() async throws -> ControlState {
        if reads.increment() <= unreadable { throw ApiumError(.unavailable, "the connection was lost") }
        return try await session.control()
    }
}

final class TagSet: Sendable {
    private let guarded = Mutex<Set<DeliveryTag>>([])
    func insert(_ tags: [DeliveryTag]) { guarded.withLock { $0.formUnion(tags) } }
    func contains(_ tag: DeliveryTag) -> Bool { guarded.withLock { $0.contains(tag) } }
}

extension Completion {
    /// About how many bytes it brings.
    fileprivate var length: Int {
        results.reduce(0) { $0 + $1.encoded().count } + followUps.reduce(0) { $0 + $1.message.body.bytes.count }
            + parts.reduce(0) { $0 + $1.result.encoded().count }
    }
}
