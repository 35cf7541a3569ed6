import Apium
import ApiumOutbox
import ApiumTesting
import Foundation
import Logging
import PostgresClient
import ServiceLifecycle
import Testing

struct SendReceipt: Job {
    static let name = "shop.send_receipt"
    var order: Int64
    func run(in context: JobContext) async throws -> String { "receipt of order \(order)" }
}

private let postgresURL = ProcessInfo.processInfo.environment["APIUM_TEST_POSTGRES_URL"]

/// Jobs that exist if, and only if, a Postgres transaction commits.
@Suite("Example: the outbox", .timeLimit(.minutes(1)), .enabled(if: postgresURL != nil))
struct OutboxExamples {
    @Test("a job in a transaction, and the relay that hands it over")
    func transaction() async throws {
        var registry = JobRegistry()
        registry.register(SendReceipt.self)
        let logger = Logger(label: "example") { _ in SwiftLogNoOpLogHandler() }
        try await Self.withPostgres { postgres in
            try await TestWorker.run(registry) { client in
                // docs: relay
                let relay = OutboxRelay(from: postgres, to: client.broker, logger: logger)
                let services = ServiceGroup(services: [relay], logger: logger)
                // docs: end
                let relaying = Task { try await services.run() }
                let order: Int64 = 7
                // docs: enqueue
                let outbox = Outbox()
                let id = try await postgres.transaction { tx in
                    try await tx.query("insert into orders (id) values (\(order))")
                    return try await outbox.enqueue(SendReceipt(order: order), in: tx)
                }
                let receipt = try await client.handle(id, as: String.self).value(within: .seconds(20))
                // docs: end
                #expect(receipt == "receipt of order 7")
                // The job may have ended before the relay's transaction has: a relay that has ended has done both.
                await services.triggerGracefulShutdown()
                try await relaying.value
                #expect(try await relay.backlog().waiting == 0)
            }
        }
    }

    /// A schema of the example's own.
    private static func withPostgres(_ body: (PostgresClient) async throws -> Void) async throws {
        let url = try #require(postgresURL)
        let logger = Logger(label: "example") { _ in SwiftLogNoOpLogHandler() }
        let name = "example_\(UInt64.random(in: 0...UInt64.max))"
        let owner = try PostgresClient(configuration: .init(url), logger: logger)
        try await owner.query("create schema \(identifier: name)")
        let postgres = try PostgresClient(configuration: .init(url + (url.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(name)"), logger: logger)
        try await postgres.query("create table orders (id bigint primary key)")
        // docs: schema
        try await postgres.query(PostgresQuery(unsafeSQL: Outbox.schema))
        // docs: end
        let result: Result<Void, any Error>
        do { result = .success(try await body(postgres)) } catch { result = .failure(error) }
        await postgres.shutdown()
        try await owner.query("drop schema \(identifier: name) cascade")
        await owner.shutdown()
        try result.get()
    }
}
