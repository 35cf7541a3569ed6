import ApiumCore
import Logging
import Synchronization
import Testing

@testable import ApiumWorker

@Suite("Writing the ends of jobs", .timeLimit(.minutes(1)))
struct CompletionWriterTests {
    private let session = SlowSession()
    private let writer: CompletionWriter

    init() { writer = CompletionWriter(session: session, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) }

    private func add(_ places: Range<Int>) { for place in places { writer.add(Completion(DeliveryTag(batch: 1, index: place), .done)) } }

    private func eventually(_ what: Comment, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test("few wait for the end of the write that is under way; many go out beside it, and no third write does")
    func beside() async throws {
        let writing = Task { [writer] in await writer.run() }
        add(0..<1)
        try await eventually("the first write") { session.calls == [1] }
        add(1..<65)
        try await eventually("a second write beside it") { session.calls == [1, 64] }
        add(65..<300)
        #expect(session.calls == [1, 64])
        session.answerOne()
        try await eventually("the next write") { session.calls == [1, 64, 200] }
        session.answerAll()
        try await eventually("the rest") { session.calls == [1, 64, 200, 35] }
        writer.close()
        await writing.value
    }

    @Test("what is added while the last writes are under way is written, too, before the writer ends")
    func ending() async throws {
        let writing = Task { [writer] in await writer.run() }
        add(0..<1)
        try await eventually("the first write") { session.calls == [1] }
        writer.close()
        add(1..<10)
        session.answerAll()
        await writing.value
        #expect(session.calls.reduce(0, +) == 10)
    }
}

/// A session that answers when it is told to.
private final class SlowSession: BrokerSession {
    private struct State {
        var calls: [Int] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isOpen = false
    }

    private let state = Mutex(State())

    /// How many ends each call brought.
    var calls: [Int] { state.withLock(\.calls) }

    func answerOne() { state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }?.resume() }

    func answerAll() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.calls.append(completions.count)
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        return completions.map { _ in .done }
    }

    var incarnation: String { "i" }
    var events: AsyncStream<SessionEvent> { AsyncStream { $0.finish() } }
    var health: SessionHealth { SessionHealth() }
    private static var nothing: ApiumError { ApiumError(.notAvailable, "this session does nothing else") }

    func claim(limit: Int) async throws -> Claim { throw Self.nothing }
    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] { throw Self.nothing }
    func control() async throws -> ControlState { throw Self.nothing }
    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws {}
    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool { false }
    func maintain() async throws -> MaintenanceReport { throw Self.nothing }
    func close() async throws {}
}
