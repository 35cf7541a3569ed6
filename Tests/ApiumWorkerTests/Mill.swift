import ApiumCore
import ApiumTesting
import ApiumWorker
import DynamicJSON
import Logging
import Synchronization
import Testing

/// What jobs have seen, in order.
final class Seen: Sendable {
    private let guarded = Mutex<[JSONValue]>([])
    var values: [JSONValue] { guarded.withLock { $0 } }
    func note(_ value: JSONValue) { guarded.withLock { $0.append(value) } }
}

/// A worker on an in-memory broker that runs small workflows.
final class Mill: Sendable {
    let broker = InMemoryBroker()
    let registry = Mutex(JobRegistry())
    let configuration: WorkerConfiguration
    let seen = Seen()
    var results: InMemoryResults { broker.results }
    /// The results as the worker sees them.
    private let backend: any ResultBackend

    init(
        resultsTravel: Bool = true, concurrency: Int = 4, joinTimeout: Duration = .seconds(3), backend: (InMemoryResults) -> any ResultBackend = { $0 }
    ) {
        self.backend = backend(broker.results)
        configuration = WorkerConfiguration(
            queues: ["celery"], concurrency: concurrency, gracePeriod: .milliseconds(500), cancellationPeriod: .milliseconds(200),
            resultsTravelWithCompletion: resultsTravel, joinTimeout: joinTimeout)
        register("add") { arguments, _ in .int(arguments.args.compactMap(\.intValue).reduce(0, +)) }
        register("sum") { arguments, _ in .int((arguments.args.first?.arrayValue ?? []).compactMap(\.intValue).reduce(0, +)) }
        register("echo") { arguments, _ in arguments.args.first ?? .null }
        register("fail") { _, _ in throw JobFailure(type: "ValueError", arguments: ["no"]) }
        register("see") { [seen] arguments, _ in
            seen.note(arguments.args.first ?? .null)
            return .null
        }
        register("see.inline", errback: .inline(parameters: 3) { [seen] call in seen.note(.string("inline \(call.request.id)")) }) { _, _ in
            .null
        }
    }

    func register(
        _ name: String, options: JobOptions = JobOptions(), errback: ErrbackStyle = .task,
        _ run: @escaping @Sendable (TaskArguments, JobContext) async throws -> JSONValue
    ) {
        registry.withLock { $0.register(name, options: options, errback: errback, run: run) }
    }

    var worker: Worker {
        get throws {
            try Worker(
                client: ApiumClient(broker: broker, results: backend), registry: registry.withLock { $0 }, configuration: configuration,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
    }

    /// Runs `body` beside a worker, and stops the worker then.
    func run(_ body: () async throws -> Void) async throws {
        let worker = try worker
        let running = Task { try await worker.run() }
        do {
            try await body()
        } catch {
            running.cancel()
            _ = await running.result
            throw error
        }
        running.cancel()
        try await running.value
    }

    @discardableResult
    func send(_ signature: Signature) async throws -> ResultTuple {
        let plan = try Dispatcher(now: try await broker.serverTime()).plan(signature)
        try await results.open(plan.chords)
        try await broker.enqueue(plan.messages)
        return try #require(plan.result)
    }

    func document(_ id: String) async throws -> ResultDocument {
        try #require(try await results.wait(for: id, within: .seconds(20)), "no result of \(id)")
    }

    func value(_ signature: Signature) async throws -> JSONValue {
        let document = try await document(try await send(signature).id)
        if let failure = JobFailure(value: document.result) { throw failure }
        return document.result
    }

    func expect(_ signature: Signature, gives expected: JSONValue, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let value = try await value(signature)
        #expect(value == expected, sourceLocation: sourceLocation)
    }

    func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// A call of a task.
func call(_ task: String, _ args: JSONValue..., options: SignatureOptions = [:], immutable: Bool = false) -> Signature {
    Signature(task, args: args, options: options, immutable: immutable)
}
