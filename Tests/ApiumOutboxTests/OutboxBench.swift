import ApiumCore
import ApiumTesting
import Foundation
import Logging
import PostgresClient
import Testing

@testable import ApiumOutbox

/// A schema of its own with the outbox's table, and a broker in memory.
struct OutboxBench: Sendable {
    static let url = ProcessInfo.processInfo.environment["APIUM_TEST_POSTGRES_URL"]
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let postgres: PostgresClient
    let broker: InMemoryBroker
    let outbox = Outbox()

    /// Runs the body; the schema goes afterwards.
    static func with(queueLimits: [String: Int] = [:], _ body: (OutboxBench) async throws -> Void) async throws {
        let url = try #require(url)
        let name = "outbox_\(UInt64.random(in: 0...UInt64.max))"
        let owner = try PostgresClient(configuration: .init(url), logger: logger)
        try await owner.query("create schema \(identifier: name)")
        let separator = url.contains("?") ? "&" : "?"
        let configuration = try PostgresClientConfiguration(url + separator + "options=-csearch_path%3D\(name)")
        let postgres = try PostgresClient(configuration: configuration, logger: logger)
        let result: Result<Void, any Error>
        do {
            try await postgres.query(PostgresQuery(unsafeSQL: Outbox.schema))
            try await postgres.query("create table orders (id bigint primary key)")
            result = .success(try await body(OutboxBench(postgres: postgres, broker: InMemoryBroker(queueLimits: queueLimits))))
        } catch {
            result = .failure(error)
        }
        await postgres.shutdown()
        try await owner.query("drop schema \(identifier: name) cascade")
        await owner.shutdown()
        try result.get()
    }

    func relay(to other: (any Broker)? = nil, options: OutboxRelayOptions = OutboxRelayOptions()) -> OutboxRelay {
        OutboxRelay(from: postgres, to: other ?? broker, options: options, logger: Self.logger)
    }

    /// Commits jobs of these numbers.
    @discardableResult
    func commit(_ numbers: Range<Int>, _ options: EnqueueOptions = EnqueueOptions()) async throws -> [String] {
        try await postgres.transaction { tx in
            try await outbox.enqueue(numbers.map { try TaskCall(Receipt(order: $0), options) }, in: tx)
        }
    }

    func waiting() async throws -> Int { try await relay().backlog().waiting }

    /// The numbers of the jobs in a queue, in the order in which they come out.
    func orders(_ queue: String = "receipts") async throws -> [Int64?] {
        let session = broker.open(WorkerIdentity(name: "w@test", pid: 1, queues: [queue]))
        var orders: [Int64?] = []
        while try await broker.queueLength(queue) > 0 {
            for delivery in try await session.claim(limit: 1000).deliveries {
                orders.append(try Message(decoding: delivery.payload).arguments().kwargs["order"]?.intValue)
                _ = try await session.complete([Completion(delivery.tag, .done)])
            }
        }
        return orders
    }

    /// Waits until something is so.
    func eventually(_ name: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            try #require(ContinuousClock.now < end, "waited in vain: \(name)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

struct Receipt: Job {
    static let name = "shop.send_receipt"
    static let options = JobOptions(queue: "receipts")
    var order: Int
    func run(in context: JobContext) async throws -> NoOutput { NoOutput() }
}

/// A broker at whose enqueues something happens, before or after the real one.
struct TrippedBroker: Broker {
    let broker: InMemoryBroker
    var before: @Sendable ([Outgoing]) async throws -> Void = { _ in }
    var after: @Sendable ([Outgoing]) async throws -> Void = { _ in }

    func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt {
        try await before(messages)
        let receipt = try await broker.enqueue(messages, terms)
        try await after(messages)
        return receipt
    }

    func openSession(_ identity: WorkerIdentity) async throws -> any BrokerSession { broker.open(identity) }
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
}

extension TrippedBroker: ScheduleStore {
    func fire(_ slot: ScheduledSlot) async throws -> FireOutcome { try await broker.fire(slot) }
    func adopt(_ schedule: ScheduleAdoption) async throws -> AdoptionOutcome { try await broker.adopt(schedule) }
    func schedule() async throws -> StoredSchedule { try await broker.schedule() }
    func edit(_ edits: [ScheduleEdit], by editor: ScheduleEditor) async throws -> Int64? { try await broker.edit(edits, by: editor) }
    func ledger(_ query: LedgerQuery) async throws -> [SlotRecord] { try await broker.ledger(query) }
    func scheduleAudit(entry: String?, limit: Int) async throws -> [ScheduleAuditRecord] { try await broker.scheduleAudit(entry: entry, limit: limit) }
    func scheduleChanges() async throws -> AsyncStream<Void> { try await broker.scheduleChanges() }
}
