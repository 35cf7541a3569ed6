import ApiumCore
import ApiumTesting
import Logging
import Synchronization
import Testing

@testable import ApiumWorker

@Suite("Sessions that are lost as soon as they are open", .timeLimit(.minutes(1)))
struct LostSessionTests {
    @Test("a worker that loses one lease after the other waits longer each time before it opens the next session")
    func growing() async throws {
        let broker = InMemoryBroker()
        let (waits, record) = AsyncStream.makeStream(of: String.self)
        let thief = Thief(broker: broker, record: record)
        var configuration = WorkerConfiguration(name: "w@h", queues: ["q"], concurrency: 1, gracePeriod: .zero)
        configuration.reconnectDelay = .milliseconds(1)
        let worker = try Worker(
            client: ApiumClient(broker: broker, results: broker.results), registry: JobRegistry(), configuration: configuration,
            logger: Logger(label: "test") { _ in thief })
        let running = Task { try await worker.run() }
        var seen: [String] = []
        for await wait in waits {
            seen.append(wait)
            if seen.count == 5 { break }
        }
        running.cancel()
        _ = await running.result
        #expect(seen == [1, 2, 4, 8, 16].map { "\(Duration.milliseconds($0))" })
    }
}

/// Takes the lease of every session that begins to serve, as the log says, and writes down for how long the worker waits then.
private struct Thief: LogHandler {
    let broker: InMemoryBroker
    let record: AsyncStream<String>.Continuation
    let sessions = Count()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    final class Count: Sendable {
        private let value = Atomic(0)
        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.message.description.hasPrefix("the lease was lost soon"), let wait = event.metadata?["after"] { record.yield("\(wait)") }
        guard event.message == "serving", let incarnation = event.metadata?["incarnation"] else { return }
        // It never waits.
        if sessions.next() > 50 { record.finish() }
        let broker = broker
        Task { try await broker.handBack(from: "\(incarnation)") }
    }
}
