import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import Testing

@testable import ApiumWorker

@Suite("What a worker counts", .timeLimit(.minutes(1)))
struct JobHistoryTests {
    @Test("runs, failures, retries and what was turned away are counted by queue and name, and told when the worker stops")
    func counts() async throws {
        let mill = Mill()
        mill.register("again", options: JobOptions(retry: .fixed(attempts: 2, delay: .zero))) { _, context in
            if context.retries == 0 { throw JobFailure(type: "ValueError", arguments: ["once"]) }
            return .null
        }
        try await mill.run {
            for number in 0..<3 { #expect(try await mill.value(call("echo", .int(Int64(number)))) == .int(Int64(number))) }
            await #expect(throws: JobFailure.self) { try await mill.value(call("fail")) }
            _ = try await mill.value(call("again"))
            _ = try await mill.document(try await mill.send(call("nobody.knows.this")).id)
        }
        let slots = try await mill.broker.history(.hour, slots: 2)
        func counts(_ task: String) -> JobCounts {
            slots.compactMap { $0.counts[HistoryKey(queue: "celery", task: task)] }.reduce(into: JobCounts()) { $0.add($1) }
        }
        #expect(counts("echo")[.started] == 3)
        #expect(counts("echo")[.succeeded] == 3)
        #expect(counts("echo").runs.count == 3)
        #expect(counts("echo").waits.count == 3, "our own messages say when they were sent")
        #expect(counts("fail")[.failed] == 1)
        #expect(counts("again")[.started] == 2)
        #expect(counts("again")[.retried] == 1)
        #expect(counts("again")[.succeeded] == 1)
        #expect(counts("again").waits.count == 1, "a retry has not waited for a worker")
        #expect(counts("nobody.knows.this").isEmpty, "names that nobody knows are not told apart")
        #expect(counts("*")[.turnedAway] == 1)
        #expect(counts("*")[.failed] == 1)
        #expect(slots.last { !$0.lengths.isEmpty }?.lengths == ["celery": 0])
    }

    @Test("what the broker did not take comes again with the same number, and nothing is counted twice or lost")
    func repeats() async throws {
        let broker = InMemoryBroker()
        let history = JobHistory()
        let message = Message(headers: Message.Headers(task: "t", id: "a"), body: TaskArguments().encodedBody())
        func total() async throws -> Int64 { try await broker.history(.hour, slots: 2).reduce(0) { $0 + $1.total[.started] } }
        history.started(message, from: "q", at: .now())
        // The broker has it, and its answer is lost.
        await #expect(throws: ApiumError.self) { try await history.flush(to: DeafBroker(broker: broker), queues: []) }
        history.started(message, from: "q", at: .now())
        #expect(try await total() == 1)
        try await history.flush(to: broker, queues: [])
        #expect(try await total() == 1, "the first report comes again")
        try await history.flush(to: broker, queues: [])
        #expect(try await total() == 2, "what was counted meanwhile follows")
    }

    @Test("a worker that has counted nothing tells only every sixth time how long its queues are")
    func idle() async throws {
        let history = JobHistory()
        #expect((1...12).filter(history.isDue) == [6, 12])
        history.started(Message(headers: Message.Headers(task: "t", id: "a"), body: TaskArguments().encodedBody()), from: "q", at: .now())
        #expect((1...6).allSatisfy(history.isDue))
        try await history.flush(to: InMemoryBroker(), queues: [])
        #expect((1...12).filter(history.isDue) == [6, 12])
    }

    @Test("a worker that sees more names than are told apart counts the rest together")
    func bound() async throws {
        let broker = InMemoryBroker()
        let history = JobHistory()
        for number in 0..<300 {
            history.started(Message(headers: Message.Headers(task: "t\(number)", id: "a"), body: TaskArguments().encodedBody()), from: "q", at: .now())
        }
        try await history.flush(to: broker, queues: [])
        let slots = try await broker.history(.hour, slots: 2)
        #expect(slots.reduce(0) { $0 + $1.total[.started] } == 300)
        #expect(slots.allSatisfy { $0.counts.count <= HistoryReport.keyLimit + 1 })
    }
}

/// A broker whose answer to a report is lost.
private struct DeafBroker: HistoryStore {
    let broker: InMemoryBroker

    func record(_ report: HistoryReport) async throws {
        try await broker.record(report)
        throw ApiumError(.unavailable, "the connection was lost")
    }
}
