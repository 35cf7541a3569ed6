import Apium
import ApiumTesting
import ApiumWorker
import DynamicJSON
import Foundation
import Logging
import Testing

/// A program that makes its worker itself, without `WorkerCommand`.
func runProgram(client: ApiumClient, registry: JobRegistry, name: String, logger: Logger) async throws {
    // docs: child
    if ChildMode.isChild {
        try await ChildServer(client: client, registry: registry, name: name, logger: logger).run()
    } else {
        var configuration = WorkerConfiguration(name: name)
        configuration.isolation.isSupported = true
        try await Worker(client: client, registry: registry, configuration: configuration, logger: logger).run()
    }
    // docs: end
}

/// Such a program runs jobs as any other.
@Suite("Example: a program of one's own", .timeLimit(.minutes(1)))
struct ProgramExamples {
    @Test("a program that is no child is a worker")
    func worker() async throws {
        let broker = InMemoryBroker()
        let client = ApiumClient(broker: broker, results: broker.results)
        var registry = JobRegistry()
        registry.register(Add.self)
        try await withThrowingTaskGroup(of: Void.self) { [registry] group in
            group.addTask {
                try await runProgram(
                    client: client, registry: registry, name: "own@localhost", logger: Logger(label: "example") { _ in SwiftLogNoOpLogHandler() })
            }
            let sum = try await client.enqueue(Add(x: 2, y: 3)).value(within: .seconds(20))
            #expect(sum == 5)
            group.cancelAll()
        }
    }
}

/// Jobs that can be killed: they need a program of their own, and so Redis.
@Suite("Example: isolated jobs", .timeLimit(.minutes(1)), .enabled(if: Place.url != nil))
struct IsolationExamples {
    @Test("an endless loop is killed at its hard limit")
    func killed() async throws {
        let url = try #require(Place.url)
        let queue = "example-\(JobID.make())"
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../.build/debug/ExampleWorker")
        let worker = Process()
        worker.executableURL = program.standardizedFileURL
        worker.arguments = ["--broker", url, "--queues", queue, "--concurrency", "1"]
        worker.standardError = FileHandle.nullDevice
        try worker.run()
        defer {
            worker.terminate()
            worker.waitUntilExit()
        }
        let connection = try ApiumConnection(broker: url, logger: Logger(label: "example") { _ in SwiftLogNoOpLogHandler() })
        let handle = try await connection.client.enqueue(task: "media.transcode", .on(queue: queue))
        let failure = await #expect(throws: JobFailure.self) { try await handle.value(within: .seconds(40)) }
        #expect(failure?.isTimeLimit == true)
        try await handle.forget()
        await connection.shutdown()
    }
}
