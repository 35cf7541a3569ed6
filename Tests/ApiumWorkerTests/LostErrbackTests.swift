import ApiumCore
import ApiumTesting
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("Errbacks of jobs that were lost with their worker", .timeLimit(.minutes(1)))
struct LostErrbackTests {
    /// A job with errbacks of both styles whose worker closes after it had acknowledged it: it is lost.
    private func lose(_ id: String, in mill: Mill) async throws {
        let errbacks = [call("see"), call("see.inline")].map(\.json)
        try await mill.send(Signature("vanish", args: [7], options: ["task_id": .string(id), "link_error": .array(errbacks)]))
        let session = try await mill.broker.openSession(WorkerIdentity(name: "lost@test", pid: 1, queues: ["celery"], lease: .seconds(5)))
        let deliveries = try await session.claim(limit: 1).deliveries
        #expect(try await session.acknowledgeEarly(deliveries.map(\.tag)) == [.done])
        try await session.close()
    }

    @Test("both styles are called, with the lost job's id, and the job does not run", arguments: [true, false])
    func bothStyles(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel)
        mill.register("vanish") { [seen = mill.seen] _, _ in
            seen.note("it ran")
            return .null
        }
        try await lose("gone", in: mill)
        let document = try #require(try await mill.results.document(for: "gone"))
        #expect(document.state == .failure && JobFailure(value: document.result)?.type == "WorkerLostError")
        try await mill.run {
            try await mill.eventually("both errbacks have been told") { mill.seen.values.count == 2 }
        }
        #expect(Set(mill.seen.values) == ["gone", "inline gone"])
        #expect(try await mill.broker.queueLength("celery") == 0)
        #expect(try await mill.results.document(for: "gone") == document)
        #expect(try await mill.results.document(for: "lost:gone") == nil)
    }

    @Test("an errback in place is given the job's name, arguments, sender and failure")
    func request() throws {
        var arguments = TaskArguments(args: [7])
        arguments.embed.errbacks = [call("see.inline").json]
        var headers = Message.Headers(task: "vanish", id: "gone")
        (headers.rootID, headers.parentID) = ("root", "parent")
        let told = try #require(Message(headers: headers, body: arguments.encodedBody()).loss("the worker died", at: .now()).errbacks)
        let delivery = Delivery(tag: DeliveryTag(batch: 1, index: 0), queue: "q", fence: 1, payload: told.encoded())
        let job = Assignment(delivery: delivery, message: told, options: JobOptions(), worker: "w@h", resultExtended: false, arguments: try told.arguments())
        let planner = AftermathPlanner(
            job: job, dispatcher: Dispatcher(now: .now()), registry: Mill().registry.withLock { $0 }, now: .now())
        let aftermath = planner.lost(try #require(told.lostJob))
        let call = try #require(aftermath.errbacks.first?.call)
        #expect(call.request == FailedRequest(id: "gone", task: "vanish", rootID: "root", parentID: "parent", arguments: arguments))
        #expect(call.failure.type == "WorkerLostError" && call.failure.arguments == ["the worker died"])
        #expect(aftermath.results.isEmpty && aftermath.parts.isEmpty && aftermath.plan.isEmpty)
    }
}
