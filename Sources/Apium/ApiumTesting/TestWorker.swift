import ApiumCore
import ApiumWorker
import Logging
import ServiceLifecycle

/// A worker for tests: it runs beside a test's body, and is stopped when that has ended.
///
/// ```swift
/// var registry = JobRegistry()
/// registry.register(SendMail.self, using: outbox)
/// try await TestWorker.run(registry) { client in
///     let handle = try await client.enqueue(SendMail(to: "ann"))
///     #expect(try await handle.value(within: .seconds(10)) == "sent")
/// }
/// ```
public enum TestWorker {
    /// Runs the body beside a worker with these jobs.
    ///
    /// - Parameters:
    ///   - registry: the jobs.
    ///   - client: whose broker and results the worker serves. Default: those of a new ``InMemoryBroker``.
    ///   - configuration: how the worker runs. Default: four jobs at once, from the queue `celery`.
    ///   - logger: where worker and jobs write. Default: nowhere.
    ///   - body: what the test does; it is given the client.
    /// - Returns: what the body answers.
    /// - Throws: ``ApiumError`` `invalidConfiguration` for a configuration that no worker can have, and what the body throws.
    public static func run<Outcome: Sendable>(
        _ registry: JobRegistry, client: ApiumClient? = nil, configuration: WorkerConfiguration = standard,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, _ body: (ApiumClient) async throws -> Outcome
    ) async throws -> Outcome {
        let client = client ?? inMemoryClient()
        let worker = try Worker(client: client, registry: registry, configuration: configuration, logger: logger)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [worker], logger: logger))
        async let served: Void = group.run()
        let outcome: Outcome
        do {
            outcome = try await body(client)
        } catch {
            await group.triggerGracefulShutdown()
            try? await served
            throw error
        }
        await group.triggerGracefulShutdown()
        try await served
        return outcome
    }

    /// Four jobs at once, from the queue `celery`.
    public static var standard: WorkerConfiguration { WorkerConfiguration(name: "test@localhost", concurrency: 4) }

    private static func inMemoryClient() -> ApiumClient {
        let broker = InMemoryBroker()
        return ApiumClient(broker: broker, results: broker.results)
    }
}
