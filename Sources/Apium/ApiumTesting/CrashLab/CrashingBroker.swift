import ApiumCore
import DynamicJSON

/// The broker of a worker that dies by a script.
struct CrashingBroker: Broker {
    let broker: InMemoryBroker
    let script: CrashScript

    func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt {
        try await script.perform(.sent(tasks: messages.map(\.message.task))) { try await broker.enqueue(messages, terms) }
    }

    func openSession(_ identity: WorkerIdentity) async throws -> any BrokerSession {
        try await script.live()
        let session = broker.open(identity)
        script.watch(session)
        return CrashingSession(session: session, script: script)
    }

    func revoke(_ revocation: Revocation) async throws {
        try await script.perform(.other("a revocation")) { try await broker.revoke(revocation) }
    }

    func serverTime() async throws -> Timestamp { try await alive { try await broker.serverTime() } }
    func queueLength(_ queue: String) async throws -> Int { try await alive { try await broker.queueLength(queue) } }
    func purge(_ queue: String) async throws -> Int { try await alive { try await broker.purge(queue) } }
    func discard(_ id: String, from shelf: Shelf) async throws -> Bool { try await alive { try await broker.discard(id, from: shelf) } }
    func scheduledCount() async throws -> Int { try await alive { try await broker.scheduledCount() } }
    func record(_ id: String, in shelf: Shelf) async throws -> ShelvedRecord? { try await alive { try await broker.record(id, in: shelf) } }

    func records(in shelf: Shelf, matching filter: ShelfFilter, limit: Int) async throws -> [ShelvedRecord] {
        try await alive { try await broker.records(in: shelf, matching: filter, limit: limit) }
    }

    func replace(_ record: ShelvedRecord, with edited: ShelvedRecord, in shelf: Shelf) async throws -> Bool {
        try await alive { try await broker.replace(record, with: edited, in: shelf) }
    }

    func requeue(_ record: ShelvedRecord, as edited: ShelvedRecord, from shelf: Shelf) async throws -> Bool {
        try await alive { try await broker.requeue(record, as: edited, from: shelf) }
    }

    func record(_ report: HistoryReport) async throws { try await alive { try await broker.record(report) } }

    func history(_ resolution: HistoryResolution, slots: Int) async throws -> [HistorySlot] {
        try await alive { try await broker.history(resolution, slots: slots) }
    }

    private func alive<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await script.live()
        return try await body()
    }
}

extension CrashingBroker: ScheduleStore {
    func fire(_ slot: ScheduledSlot) async throws -> FireOutcome { try await alive { try await broker.fire(slot) } }
    func adopt(_ schedule: ScheduleAdoption) async throws -> AdoptionOutcome { try await alive { try await broker.adopt(schedule) } }
    func schedule() async throws -> StoredSchedule { try await alive { try await broker.schedule() } }
    func ledger(_ query: LedgerQuery) async throws -> [SlotRecord] { try await alive { try await broker.ledger(query) } }
    func scheduleChanges() async throws -> AsyncStream<Void> { try await alive { try await broker.scheduleChanges() } }

    func edit(_ edits: [ScheduleEdit], by editor: ScheduleEditor) async throws -> Int64? {
        try await alive { try await broker.edit(edits, by: editor) }
    }

    func scheduleAudit(entry: String?, limit: Int) async throws -> [ScheduleAuditRecord] {
        try await alive { try await broker.scheduleAudit(entry: entry, limit: limit) }
    }
}

/// Its session: silent from the moment of its death on, as a process that was killed.
private struct CrashingSession: BrokerSession {
    let session: InMemorySession
    let script: CrashScript

    var incarnation: String { session.incarnation }
    var events: AsyncStream<SessionEvent> { session.events }
    var health: SessionHealth { session.health }

    func claim(limit: Int) async throws -> Claim {
        try await live()
        let claim = try await session.claim(limit: limit)
        try await script.perform(.began(task: claim.deliveries.map(\.task).joined(separator: ", "))) {}
        return claim
    }

    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] {
        let tasks = completions.compactMap { session.task(of: $0.tag) }
        return try await script.perform(.ended(task: tasks.joined(separator: ", "))) { try await session.complete(completions) }
    }

    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] {
        try await script.perform(.other("an early acknowledgement")) { try await session.acknowledgeEarly(tags) }
    }

    func admit(_ admissions: [Admission]) async throws -> [AdmissionOutcome] {
        try await live()
        return try await session.admit(admissions)
    }

    func control() async throws -> ControlState {
        try await live()
        return try await session.control()
    }

    func control(since epoch: Int64?, knowing ids: Int) async throws -> ControlState {
        try await live()
        return try await session.control(since: epoch, knowing: ids)
    }

    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool {
        try await live()
        return try await session.isKnownElsewhere(task, on: queue)
    }

    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws {
        try await live()
        try await session.serve(queues, binding: bindings)
    }

    func maintain() async throws -> MaintenanceReport {
        try await live()
        return try await session.maintain()
    }

    func close() async throws {
        try await live()
        try await session.close()
    }

    private func live() async throws { try await script.live() }
}

extension Delivery {
    fileprivate var task: String { (try? Message(decoding: payload))?.task ?? "an unreadable message" }
}
