import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import ApiumWorker

@Suite("Worker", .timeLimit(.minutes(1)))
struct WorkerTests {
    private let limit = Duration.seconds(20)

    @Test("a typed job runs with its dependencies and its result comes back typed")
    func typedJob() async throws {
        try await Bench.run { bench in
            let handle = try await bench.client.enqueue(Sum(x: 2, y: 40))
            #expect(try await handle.value(within: limit) == 42)
            #expect(try await handle.state() == .success)
            #expect(try await bench.broker.records(in: .dead, limit: 10).isEmpty)
        }
    }

    @Test("positional arguments of a foreign caller fill the parameters in order, and too many are a TypeError")
    func positional() async throws {
        try await Bench.run { bench in
            let sum = try await bench.client.enqueue(task: Sum.name, args: [1, 2]).value(within: limit)
            #expect(sum == 3)
            let failure = await #expect(throws: JobFailure.self) { try await bench.client.enqueue(task: Sum.name, args: [1, 2, 3]).value(within: limit) }
            #expect(failure?.type == "TypeError")
            #expect(failure?.module == "builtins")
        }
    }

    @Test("a failing job runs again with the same id until its policy gives up, and is then in the dead set with its error")
    func retries() async throws {
        try await Bench.run { bench in
            let handle = try await bench.client.enqueue(task: "flaky", kwargs: ["failures": 2])
            #expect(try await handle.value(within: limit) == 2)
            let hopeless = try await bench.client.enqueue(task: "flaky", kwargs: ["failures": 99])
            await #expect(throws: JobFailure(type: "Flaky", arguments: ["try 2"], module: "tests")) { try await hopeless.value(within: limit) }
            let dead = try await bench.broker.records(in: .dead, limit: 10)
            #expect(dead.map(\.id) == [hopeless.id])
            #expect(dead.first?.reason == "Flaky: try 2")
            #expect(dead.first?.attempts == 3)
        }
    }

    @Test("a name nobody registered is parked with FAILURE NotRegistered, and bytes that are no message are parked, too")
    func parked() async throws {
        try await Bench.run { bench in
            let handle = try await bench.client.enqueue(task: "nosuch")
            let failure = await #expect(throws: JobFailure.self) { try await handle.value(within: limit) }
            #expect(failure?.type == "NotRegistered")
            let parked = try await bench.broker.records(in: .parked, limit: 10)
            #expect(parked.map(\.id) == [handle.id])
            #expect(try Message(decoding: try #require(parked.first).payload).task == "nosuch")
        }
    }

    @Test("a job revoked while it waits never runs, and one revoked while it runs is cancelled; both end as REVOKED")
    func revoke() async throws {
        try await Bench.run(concurrency: 1) { bench in
            let running = try await bench.client.enqueue(task: "hang")
            await bench.events.wait(for: "hang started")
            let waiting = try await bench.client.enqueue(task: "echo", args: [7])
            try await waiting.revoke()
            try await running.revoke()
            let terminated = await #expect(throws: JobFailure.self) { try await running.value(within: limit) }
            #expect(terminated?.arguments == ["terminated"])
            let revoked = await #expect(throws: JobFailure.self) { try await waiting.value(within: limit) }
            #expect(revoked?.arguments == ["revoked"])
            #expect(revoked?.type == "TaskRevokedError")
        }
    }

    @Test("a job beyond its time limit is cancelled and fails as TimeLimitExceeded")
    func timeLimit() async throws {
        try await Bench.run { bench in
            let failure = await #expect(throws: JobFailure.self) { try await bench.client.enqueue(task: "hang.briefly").value(within: limit) }
            #expect(failure?.type == "TimeLimitExceeded")
        }
    }

    @Test("a job that has expired is REVOKED instead of run")
    func expired() async throws {
        try await Bench.run { bench in
            let failure = await #expect(throws: JobFailure.self) {
                try await bench.client.enqueue(task: "echo", args: [1], .with { $0.expires = .zero - .seconds(1) }).value(within: limit)
            }
            #expect(failure?.arguments == ["expired"])
        }
    }

    @Test("a delayed job does not run before its time")
    func delayed() async throws {
        try await Bench.run { bench in
            let begin = ContinuousClock.now
            let value = try await bench.client.enqueue(task: "echo", args: [5], .after(.milliseconds(300))).value(within: limit)
            #expect(value == 5)
            #expect(ContinuousClock.now - begin >= .milliseconds(300))
        }
    }

    @Test("a child job has the same root and its sender as parent")
    func children() async throws {
        try await Bench.run { bench in
            let parent = try await bench.client.enqueue(task: "parent")
            let child = try await parent.value(within: limit)
            let ids: JobHandle<JSONValue> = bench.client.handle(try #require(child.stringValue))
            #expect(try await ids.value(within: limit) == [.string(parent.id), .string(parent.id)])
        }
    }

    @Test("a graceful stop lets running jobs end and leaves the rest on the queue")
    func gracefulStop() async throws {
        let bench = try Bench(concurrency: 1)
        let group = bench.serviceGroup()
        async let served: Void = group.run()
        let running = try await bench.client.enqueue(task: "gate")
        await bench.events.wait(for: "gate started")
        let waiting = try await bench.client.enqueue(task: "echo", args: [1])
        await group.triggerGracefulShutdown()
        // The trigger only passes the word on; a slot that is free before the worker has heard it takes one more job.
        await bench.events.wait(for: "stopping")
        bench.events.send("open the gate")
        try await served
        #expect(try await running.state() == .success)
        #expect(try await waiting.state() == .pending)
        #expect(try await bench.broker.queueLength("celery") == 1)
    }

    @Test("a job that outlives the grace period is cancelled and goes back to the front of its queue, marked redelivered")
    func graceEnds() async throws {
        let bench = try Bench(concurrency: 1, grace: .milliseconds(50))
        let group = bench.serviceGroup()
        async let served: Void = group.run()
        let running = try await bench.client.enqueue(task: "hang")
        await bench.events.wait(for: "hang started")
        let waiting = try await bench.client.enqueue(task: "echo", args: [1])
        await group.triggerGracefulShutdown()
        try await served
        #expect(try await running.state() == .pending)
        let session = try await bench.broker.openSession(WorkerIdentity(name: "next@test", pid: 1, queues: ["celery"]))
        let claim = try await session.claim(limit: 2)
        let messages = try claim.deliveries.map { try Message(decoding: $0.payload) }
        #expect(messages.map(\.id) == [running.id, waiting.id])
        #expect(messages.map(\.properties.redelivered) == [true, false])
    }

    @Test("a configuration's faults are named all at once")
    func configuration() throws {
        let error = try #require(throws: ApiumError.self) { try WorkerConfiguration(queues: [], concurrency: 0, lease: .zero).validate() }
        for word in ["concurrency", "queues", "lease"] { #expect(error.message.contains(word)) }
    }
}

/// A typed job for the tests.
private struct Sum: DependentJob {
    static let name = "sum"
    static let parameters = ["x", "y"]
    var x: Int
    var y: Int

    func run(in context: JobContext, using bonus: Int) async throws -> Int { x + y + bonus }
}

/// Named events, so that a test waits for what it means and not for time.
final class Events: Sendable {
    private struct State {
        var seen: Set<String> = []
        var waiters: [(name: String, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    func send(_ name: String) {
        let due = state.withLock { state in
            state.seen.insert(name)
            let due = state.waiters.filter { $0.name == name }
            state.waiters.removeAll { $0.name == name }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }

    func wait(for name: String) async {
        await withCheckedContinuation { continuation in
            let seen = state.withLock { state in
                if state.seen.contains(name) { return true }
                state.waiters.append((name, continuation))
                return false
            }
            if seen { continuation.resume() }
        }
    }
}

/// Makes an event of the worker's word that it stops.
private struct EventLog: LogHandler {
    let events: Events
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.message.description.hasPrefix("stopping: ") { events.send("stopping") }
    }
}

/// A worker with a handful of jobs on the in-memory broker.
private struct Bench {
    let broker = InMemoryBroker()
    let client: ApiumClient
    let events = Events()
    let worker: Worker

    init(concurrency: Int = 4, grace: Duration = .seconds(20)) throws {
        client = ApiumClient(broker: broker, results: broker.results)
        let events = events
        let logger = Logger(label: "test") { _ in EventLog(events: events) }
        worker = try Worker(
            client: client, registry: Self.registry(events), configuration: WorkerConfiguration(name: "w@test", concurrency: concurrency, gracePeriod: grace),
            logger: logger)
    }

    /// Runs the body beside a running worker, and stops the worker.
    static func run(concurrency: Int = 4, _ body: (Bench) async throws -> Void) async throws {
        let bench = try Bench(concurrency: concurrency)
        let group = bench.serviceGroup()
        async let served: Void = group.run()
        do {
            try await body(bench)
        } catch {
            await group.triggerGracefulShutdown()
            try? await served
            throw error
        }
        await group.triggerGracefulShutdown()
        try await served
    }

    func serviceGroup() -> ServiceGroup {
        ServiceGroup(configuration: ServiceGroupConfiguration(services: [worker], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Waits until a record is there: its worker writes it a moment after the claim.
    func shelved(_ id: String, in shelf: Shelf) async throws -> ShelvedRecord {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if let record = try await broker.records(in: shelf, limit: 100).first(where: { $0.id == id }) { return record }
            await Task.yield()
        }
        throw ApiumError(.timedOut, "no record \(id) in \(shelf)")
    }

    private struct Flaky: JobFailureConvertible {
        var attempt: Int
        var jobFailure: JobFailure { JobFailure(type: "Flaky", arguments: [.string("try \(attempt)")], module: "tests") }
    }

    private static func registry(_ events: Events) -> JobRegistry {
        var registry = JobRegistry()
        registry.register(Sum.self, using: 0)
        registry.register("echo") { arguments, _ in arguments.args.first ?? .null }
        registry.register("flaky", options: JobOptions(retry: .fixed(attempts: 3, delay: .zero))) { arguments, context in
            guard context.retries >= arguments.kwargs["failures"]?.intValue ?? 0 else { throw Flaky(attempt: context.retries) }
            return .int(Int64(context.retries))
        }
        registry.register("hang") { _, _ in
            events.send("hang started")
            try await Task.sleep(for: .seconds(3600))
            return .null
        }
        registry.register("hang.briefly", options: JobOptions(timeLimit: .milliseconds(50))) { _, _ in
            try await Task.sleep(for: .seconds(3600))
            return .null
        }
        registry.register("gate") { _, _ in
            events.send("gate started")
            await events.wait(for: "open the gate")
            return .null
        }
        registry.register("ids") { _, context in [.string(context.message.headers.rootID ?? ""), .string(context.message.headers.parentID ?? "")] }
        registry.register("parent") { _, context in .string(try await context.enqueue(Ids())) }
        return registry
    }

    private struct Ids: JobDefinition {
        static let name = "ids"
        typealias Output = [String]
    }
}
