import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import Synchronization
import Testing

@testable import ApiumWorker

@Suite("Jobs that are given up, and their slots", .timeLimit(.minutes(1)))
struct GivenUpTests {
    @Test("a run that is given up before its turn is not begun, and its slot is free when the turn comes")
    func beforeItsTurn() async throws {
        let desk = try await Desk()
        let run = try await desk.claim("note")
        desk.running.stop(run, .revoked())
        try await desk.eventually("it is given up") { desk.leaks == 1 }
        #expect(desk.released == 0)
        desk.running.start([run])
        try await desk.eventually("its slot is free") { desk.released == 1 }
        #expect(desk.leaks == 0 && desk.seen.values.isEmpty)
    }

    @Test("a run that is not this worker's any more when its turn comes is not begun, and nobody gives it up")
    func abandoned() async throws {
        let desk = try await Desk()
        let run = try await desk.claim("note")
        #expect(run.stop(.abandoned))
        desk.running.start([run])
        try await desk.eventually("its slot is free") { desk.released == 1 }
        #expect(desk.seen.values.isEmpty && !run.beginEnding() && desk.leaks == 0)
    }

    @Test("a job whose early acknowledgement finds it taken is not given up later")
    func taken() async throws {
        let desk = try await Desk(answer: .taken)
        let run = try await desk.claim("early")
        desk.gate.send("open")
        desk.running.start([run])
        try await desk.eventually("its slot is free") { desk.released == 1 }
        #expect(desk.seen.values.isEmpty && !run.beginEnding() && !run.stop(.revoked()))
    }

    @Test("the slot of a job that was given up while it asked for its acknowledgement is free again with the answer")
    func takenAfterwards() async throws {
        let desk = try await Desk(answer: .taken)
        let run = try await desk.claim("early")
        desk.running.start([run])
        await desk.asked.wait(for: "asked")
        desk.running.stop(run, .revoked())
        try await desk.eventually("it is given up") { desk.leaks == 1 }
        desk.gate.send("open")
        try await desk.eventually("its slot is free") { desk.released == 1 && desk.leaks == 0 }
    }

    @Test("a slot that comes back while it is being counted is counted once and taken back once")
    func racing() {
        let leaks = LeakedSlots(limit: 4)
        leaks.returned()
        #expect(leaks.count == 0)
        leaks.leaked()
        #expect(leaks.count == 0 && !leaks.isExceeded)
    }

    @Test("as many slots may be lost as the limit says, or all there are, however many those are by now")
    func resized() throws {
        let status = WorkerStatus(WorkerConfiguration(concurrency: 1), [])
        let leaks = LeakedSlots(limit: 4) { status.concurrency }
        try status.resize(by: 15)
        leaks.resized()
        leaks.leaked()
        leaks.leaked()
        #expect(!leaks.isExceeded, "14 slots are left")
        let told = Mutex(0)
        leaks.whenExceeded { told.withLock { $0 += 1 } }
        try status.resize(by: -14)
        leaks.resized()
        #expect(leaks.isExceeded && told.withLock { $0 } == 1, "no slot is left")
        leaks.resized()
        #expect(told.withLock { $0 } == 1, "it is told once")
    }
}

/// What runs the jobs of a session, without the loops around it.
private final class Desk: Sendable {
    let running = RunningJobs(patience: .zero)
    let seen = Seen()
    /// Early acknowledgements are asked for.
    let asked = Events()
    /// Where their answers wait.
    let gate = Events()
    private let broker = InMemoryBroker()
    private let session: InMemorySession
    private let execution: JobExecution
    private let environment: WorkerEnvironment
    private let writing: Task<Void, Never>
    private let count: Count

    private final class Count: Sendable {
        private let value = Mutex(0)
        var now: Int { value.withLock { $0 } }
        func add() { value.withLock { $0 += 1 } }
    }

    init(answer: CompletionOutcome = .done) async throws {
        var registry = JobRegistry()
        for (name, options) in [("note", JobOptions()), ("early", JobOptions(acksLate: false))] {
            registry.register(name, options: options) { [seen] _, context in
                seen.note(.string(context.id))
                return .null
            }
        }
        let configuration = WorkerConfiguration(name: "w@h", queues: ["q"], concurrency: 4)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let status = WorkerStatus(configuration, [])
        environment = WorkerEnvironment(
            configuration: configuration, registry: registry, client: ApiumClient(broker: broker, results: broker.results), logger: logger,
            now: Timestamp.now, children: nil, status: status,
            sink: EventSink(nil, configuration, pid: 1, clock: status.clock, now: Timestamp.now, logger: logger))
        session = broker.open(WorkerIdentity(name: "w@h", pid: 1, queues: ["q"]))
        let writer = CompletionWriter(session: session, logger: logger)
        let count = Count()
        self.count = count
        execution = JobExecution(
            environment: environment, session: AskingSession(session: session, answer: answer, asked: asked, gate: gate), running: running,
            revoked: RevokedJobs(), writer: writer
        ) { count.add() }
        writing = Task { await writer.run() }
    }

    deinit { writing.cancel() }

    var leaks: Int { environment.leaks.count }
    var released: Int { count.now }

    /// Claims a job of this name.
    func claim(_ task: String) async throws -> JobRun {
        try await broker.enqueue([Outgoing(Message(headers: .init(task: task, id: task), body: TaskArguments().encodedBody()), to: "q")])
        return JobRun(try await session.claim(limit: 1).deliveries[0], execution)
    }

    func eventually(_ name: String, _ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            try #require(ContinuousClock.now < end, "waited in vain: \(name)")
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}

/// A session whose early acknowledgements are answered when the test says so.
private struct AskingSession: BrokerSession {
    let session: InMemorySession
    let answer: CompletionOutcome
    let asked: Events
    let gate: Events

    var incarnation: String { session.incarnation }
    var events: AsyncStream<SessionEvent> { session.events }
    var health: SessionHealth { session.health }
    func claim(limit: Int) async throws -> Claim { try await session.claim(limit: limit) }
    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] { try await session.complete(completions) }
    func control() async throws -> ControlState { try await session.control() }
    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws {}
    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool { false }
    func maintain() async throws -> MaintenanceReport { try await session.maintain() }
    func close() async throws { try await session.close() }

    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] {
        asked.send("asked")
        await gate.wait(for: "open")
        return [answer]
    }
}
