import ApiumCore
import Testing

@testable import ApiumWorker

@Suite("Whether a worker is ready")
struct HealthTests {
    private let status = WorkerStatus(WorkerConfiguration(concurrency: 4), [])
    private let leaks = LeakedSlots(limit: 4)

    /// The worker's word while its session says this and so many jobs run.
    private func health(_ session: SessionHealth, running count: Int = 0) -> WorkerHealth {
        let board = HealthBoard(lease: .seconds(5), status, leaks)
        board.opened(HealthOnly(health: session)) { count }
        return board.health
    }

    @Test("a fetch and a renewal lately: ready")
    func ready() { #expect(health(SessionHealth(sinceLastFetch: .seconds(6), sinceLastRenewal: .seconds(1))).isReady) }

    @Test("what the broker refuses is told at once")
    func refused() {
        let health = health(SessionHealth(sinceLastFetch: .zero, sinceLastRenewal: .zero, lastError: "READONLY"))
        #expect(!health.isReady && health.reason?.contains("READONLY") == true)
    }

    @Test("no fetch lately: not ready, unless all slots are busy, however many those are by now")
    func full() throws {
        let silent = SessionHealth(sinceLastFetch: .seconds(60), sinceLastRenewal: .seconds(1))
        #expect(!health(silent).isReady)
        #expect(!health(silent, running: 3).isReady)
        #expect(health(silent, running: 4).isReady)
        try status.resize(by: -3)
        #expect(health(silent, running: 1).isReady)
        #expect(health(silent, running: 1).concurrency == 1)
        try status.resize(by: 1)
        #expect(!health(silent, running: 1).isReady)
        leaks.leaked()
        #expect(health(silent, running: 1).isReady)
    }

    @Test("no renewal for a lease: not ready")
    func silent() { #expect(!health(SessionHealth(sinceLastFetch: .zero, sinceLastRenewal: .seconds(6))).isReady) }
}

/// A session that only says how it is.
private struct HealthOnly: BrokerSession {
    let health: SessionHealth
    var incarnation: String { "i" }
    var events: AsyncStream<SessionEvent> { AsyncStream { $0.finish() } }
    private static var nothing: ApiumError { ApiumError(.notAvailable, "this session does nothing") }

    func claim(limit: Int) async throws -> Claim { throw Self.nothing }
    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] { throw Self.nothing }
    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] { throw Self.nothing }
    func control() async throws -> ControlState { throw Self.nothing }
    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws {}
    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool { false }
    func maintain() async throws -> MaintenanceReport { throw Self.nothing }
    func close() async throws {}
}
