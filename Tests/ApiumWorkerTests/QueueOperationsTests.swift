import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import Synchronization
import Testing

@testable import ApiumWorker

@Suite("Changes of a worker's queues", .timeLimit(.minutes(1)))
struct QueueOperationsTests {
    @Test("a queue that is added or cancelled while a session is being opened is served or left once it is open")
    func whileOpening() async throws {
        let door = Doorkeeper()
        try await door.run { ask in
            await door.opening.wait(for: "first")
            _ = try await ask("add_consumer", ["queue": "added"])
            _ = try await ask("cancel_consumer", ["queue": "gone"])
            _ = try await ask("pool_grow", ["n": 2])
            try await door.eventually("the orders are taken") { try await ask("active_queues", [:])?.arrayValue?.map { $0["name"] } == ["kept", "added"] }
            door.gate.send("open")
            try await door.eventually("the session serves what was ordered") { door.served == ["kept", "added"] }
            let handle = try await door.client.enqueue(task: "echo", args: [5], .on(queue: "added"))
            #expect(try await handle.value(within: .seconds(10)) == 5)
            _ = try await door.client.enqueue(task: "echo", .on(queue: "gone"))
            // Three jobs at once, where the session was made for one: each waits until all of them run.
            let many = try await [1, 2, 3].asyncMap { try await door.client.enqueue(task: "meet", args: [.int($0)], .on(queue: "kept")) }
            for handle in many { _ = try await handle.value(within: .seconds(10)) }
            #expect(try await door.broker.queueLength("gone") == 1)
        }
    }

    @Test("what a session could not be told it is told again, and the order is pending until then")
    func failing() async throws {
        let door = Doorkeeper(failures: 3)
        door.gate.send("open")
        try await door.run { ask in
            try await door.eventually("a session is open") { !door.served.isEmpty }
            _ = try await ask("add_consumer", ["queue": "added"])
            try await door.eventually("it is told") { door.served.contains("added") }
            #expect(door.refusals == 3)
            try await door.eventually("nothing is pending") { try await ask("pending", [:]) == 0 }
            _ = try await ask("cancel_consumer", ["queue": "added"])
            try await door.eventually("the queue is left") { door.served == ["kept", "gone"] }
        }
    }
}

extension Sequence where Element: Sendable {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}

/// A broker that opens its sessions when it is let, and whose sessions refuse so many changes of their queues.
private final class Doorkeeper: Broker {
    let broker = InMemoryBroker()
    let client: ApiumClient
    /// A session is being opened.
    let opening = Events()
    /// Where openers wait.
    let gate = Events()
    private let state: Mutex<(failures: Int, refusals: Int, served: [String])>

    init(failures: Int = 0) {
        state = Mutex((failures, 0, []))
        client = ApiumClient(broker: broker, results: broker.results)
    }

    var served: [String] { state.withLock(\.served) }
    var refusals: Int { state.withLock(\.refusals) }

    /// Runs `body` beside a worker, with what asks it.
    func run(_ body: (_ ask: @Sendable (String, [String: JSONValue]) async throws -> JSONValue?) async throws -> Void) async throws {
        var registry = JobRegistry()
        let met = Mutex(0)
        registry.register("echo") { arguments, _ in arguments.args.first ?? .null }
        registry.register("meet") { _, _ in
            met.withLock { $0 += 1 }
            while met.withLock({ $0 }) < 3 { try await Task.sleep(for: .milliseconds(2)) }
            return .null
        }
        registry.registerControlCommand("pending") { _, worker in .int(Int64(worker.pendingOperations)) }
        let worker = try Worker(
            client: ApiumClient(broker: self, results: broker.results), registry: registry,
            configuration: WorkerConfiguration(name: "w@h", queues: ["kept", "gone"], concurrency: 1, gracePeriod: .zero),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await worker.run() }
        let control = broker.control
        let ask = { @Sendable (method: String, arguments: [String: JSONValue]) in
            // What listens not yet hears no ping.
            let limit: Duration = method == "ping" ? .milliseconds(50) : .seconds(10)
            return try await control.ask(
                ControlRequest(method, arguments: arguments, destination: ["w@h"]), exchange: "celery.pidbox", within: limit, limit: 1
            ).first?.value
        }
        let outcome: Result<Void, any Error>
        do {
            try await eventually("the worker answers") { try await ask("ping", [:]) != nil }
            outcome = .success(try await body(ask))
        } catch {
            outcome = .failure(error)
        }
        running.cancel()
        gate.send("open")
        _ = await running.result
        try outcome.get()
    }

    func eventually(_ name: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            try #require(ContinuousClock.now < end, "waited in vain: \(name)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    fileprivate func told(_ queues: [String]) { state.withLock { $0.served = queues } }

    fileprivate func refuses() -> Bool {
        state.withLock { state in
            guard state.refusals < state.failures else { return false }
            state.refusals += 1
            return true
        }
    }

    // MARK: Broker

    var controlTransport: (any ControlTransport)? { broker.controlTransport }

    func openSession(_ identity: WorkerIdentity) async throws -> any BrokerSession {
        opening.send("first")
        await gate.wait(for: "open")
        told(identity.queues)
        return WatchedSession(session: broker.open(identity), door: self)
    }

    func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt { try await broker.enqueue(messages, terms) }
    func serverTime() async throws -> Timestamp { try await broker.serverTime() }
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
    func fire(_ slot: ScheduledSlot) async throws -> FireOutcome { try await broker.fire(slot) }
    func adopt(_ schedule: ScheduleAdoption) async throws -> AdoptionOutcome { try await broker.adopt(schedule) }
    func schedule() async throws -> StoredSchedule { try await broker.schedule() }
    func edit(_ edits: [ScheduleEdit], by editor: ScheduleEditor) async throws -> Int64? { try await broker.edit(edits, by: editor) }
    func ledger(_ query: LedgerQuery) async throws -> [SlotRecord] { try await broker.ledger(query) }
    func scheduleAudit(entry: String?, limit: Int) async throws -> [ScheduleAuditRecord] { try await broker.scheduleAudit(entry: entry, limit: limit) }
    func scheduleChanges() async throws -> AsyncStream<Void> { try await broker.scheduleChanges() }
}

private struct WatchedSession: BrokerSession {
    let session: InMemorySession
    let door: Doorkeeper

    var incarnation: String { session.incarnation }
    var events: AsyncStream<SessionEvent> { session.events }
    var health: SessionHealth { session.health }
    func claim(limit: Int) async throws -> Claim { try await session.claim(limit: limit) }
    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] { try await session.complete(completions) }
    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] { try await session.acknowledgeEarly(tags) }
    func control() async throws -> ControlState { try await session.control() }
    func maintain() async throws -> MaintenanceReport { try await session.maintain() }
    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool { try await session.isKnownElsewhere(task, on: queue) }
    func close() async throws { try await session.close() }

    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws {
        if door.refuses() { throw ApiumError(.unavailable, "Redis can't do it at the moment") }
        try await session.serve(queues, binding: bindings)
        door.told(queues)
    }
}
