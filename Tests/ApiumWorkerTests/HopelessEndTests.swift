import ApiumCore
import ApiumTesting
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("Ends that would be refused for ever", .timeLimit(.minutes(1)), .serialized)
struct HopelessEndTests {
    @Test("a chord with a part that cannot be read fails, and its errbacks are told", arguments: [true, false])
    func unreadablePart(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel) { DamagedResults(results: $0, damagesParts: true) }
        let body = call("echo", options: ["link_error": [call("see.inline").json]])
        try await mill.run {
            let failure = await #expect(throws: JobFailure.self) { try await mill.value(.chord(header: [call("add", 1, 1)], body: body)) }
            #expect(failure?.type == "ChordError")
            #expect(failure?.description.contains("Join error: ") == true)
            // Errbacks are called when the failure is stored.
            try await mill.eventually("the errback is told") { mill.seen.values.count == 1 }
        }
    }

    @Test("a chord whose header holds groups fails when the result of a member cannot be read, and says so", arguments: [true, false])
    func unreadableMember(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel) { DamagedResults(results: $0, damagesParts: false) }
        let header: [Signature] = [.chain([call("add", 1, 1), .group([call("add", 1), call("add", 2)])]), call("add", 1)]
        try await mill.run {
            let failure = await #expect(throws: JobFailure.self) { try await mill.value(.chord(header: header, body: call("echo"))) }
            #expect(failure?.type == "ChordError")
            #expect(failure?.description.contains("damaged") == true)
        }
    }

    @Test("a job whose result is longer than the broker takes has failed, and so have the steps behind it", arguments: [false, true])
    func longResult(resultExtended: Bool) async throws {
        var workshop = Workshop { Obstacle(broker: $0) }
        workshop.configuration.resultExtended = resultExtended
        workshop.registry.register("long") { _, _ in .string(String(repeating: "x", count: 20_000)) }
        workshop.registry.register("echo") { arguments, _ in arguments.args.first ?? nil }
        // In an extended result it stands, too.
        let argument = JSONValue.string(String(repeating: "y", count: 20_000))
        try await workshop.run {
            let alone = await #expect(throws: JobFailure.self) { try await workshop.client.enqueue(task: "long", args: [argument]).value(within: .seconds(20)) }
            #expect(alone?.type == "BackendStoreError")
            let chain = try #require(try await workshop.client.send(.chain([Signature("long"), Signature("echo", options: ["task_id": "next"])])))
            #expect(chain.id == "next")
            let next = try await workshop.broker.results.wait(for: "next", within: .seconds(20))
            #expect(next.flatMap { JobFailure(value: $0.result) }?.type == "BackendStoreError")
            #expect(try await workshop.broker.records(in: .dead, limit: 10).count == 2)
        }
        #expect(try await workshop.broker.queueLength("q") == 0, "nothing comes back")
    }

    @Test("a chord whose body is longer than the broker takes fails, and its errbacks are told", arguments: [true, false])
    func longBody(resultsTravel: Bool) async throws {
        var workshop = Workshop { Obstacle(broker: $0) }
        workshop.configuration.resultsTravelWithCompletion = resultsTravel
        let told = Seen()
        workshop.registry.register("half") { _, _ in .string(String(repeating: "x", count: 4_000)) }
        workshop.registry.register("echo") { arguments, _ in arguments.args.first ?? nil }
        workshop.registry.register("tell", errback: .inline(parameters: 3) { call in told.note(.string(call.request.id)) }) { _, _ in nil }
        try await workshop.run {
            let body = Signature("echo", options: ["task_id": "body", "link_error": [Signature("tell").json]])
            _ = try await workshop.client.send(.chord(header: [Signature("half"), Signature("half"), Signature("half")], body: body))
            let document = try #require(try await workshop.broker.results.wait(for: "body", within: .seconds(20)))
            let failure = JobFailure(value: document.result)
            #expect(failure?.type == "ChordError")
            #expect(failure?.description.contains("BackendStoreError") == true)
            try await workshop.eventually("the errback is told") { told.values == ["body"] }
        }
        #expect(try await workshop.broker.queueLength("q") == 0, "nothing comes back")
    }

    @Test("who waits for a job whose message cannot be read gets an answer, and the message is kept", arguments: ["body", "eta", "expires"])
    func unreadableMessage(damaged: String) async throws {
        let mill = Mill()
        var plan = try Dispatcher(now: try await mill.broker.serverTime()).plan(call("see", 1, options: ["task_id": "id"]))
        switch damaged {
        case "body": plan.messages[0].message.body.bytes = Array("[nonsense".utf8)
        case "eta": plan.messages[0].message.headers.eta = "soon"
        default: plan.messages[0].message.headers.expires = "late"
        }
        try await mill.broker.enqueue(plan.messages)
        try await mill.run {
            let failure = JobFailure(value: try await mill.document("id").result)
            #expect(failure?.type == "DecodeError")
            #expect(failure?.module == "kombu.exceptions")
            let parked = try await mill.broker.records(in: .parked, limit: 10)
            #expect(parked.map(\.id) == ["id"])
            #expect(mill.seen.values.isEmpty)
        }
    }

    @Test("Celery's builtin tasks obey the defaults for jobs")
    func builtinDefaults() async throws {
        let mill = Mill()
        mill.register("slow", options: JobOptions(timeLimit: .seconds(3600))) { _, context in
            try await context.sleep(for: .seconds(3600))
            return nil
        }
        var defaults = JobDefaults()
        defaults.timeLimit = .milliseconds(50)
        defaults.acksLate = false
        let completed = mill.registry.withLock { registry in
            registry = registry.completed(by: defaults)
            return BuiltinTasks.adding(to: registry)
        }
        #expect(completed["celery.chunks"]?.options.acksLate == false)
        #expect(completed["slow"]?.options.timeLimit == .seconds(3600))
        try await mill.run {
            let map = Signature("celery.map", kwargs: ["task": call("slow").json, "it": [1]], subtaskType: "xmap")
            let failure = await #expect(throws: JobFailure.self) { try await mill.value(map) }
            #expect(failure?.type == "TimeLimitExceeded")
        }
    }
}

/// Results of which something cannot be read: the parts of chords, or the results that are read together.
private struct DamagedResults: ResultBackend {
    let results: InMemoryResults
    let damagesParts: Bool

    private static let error = ApiumError(.badResult, "what is stored is damaged")

    func content(of group: String) async throws -> ChordContent {
        if damagesParts { throw Self.error }
        return try await results.content(of: group)
    }

    func documents(for ids: [String]) async throws -> [ResultDocument?] { throw Self.error }

    func store(_ document: ResultDocument) async throws { try await results.store(document) }
    func document(for id: String) async throws -> ResultDocument? { try await results.document(for: id) }
    func wait(for id: String, within timeout: Duration) async throws -> ResultDocument? { try await results.wait(for: id, within: timeout) }
    func forget(_ id: String) async throws { try await results.forget(id) }
    func saveGroup(_ id: String, _ tuple: JSONValue) async throws { try await results.saveGroup(id, tuple) }
    func savedGroup(_ id: String) async throws -> JSONValue? { try await results.savedGroup(id) }
    func open(_ chords: [ChordSetup]) async throws { try await results.open(chords) }
    func expectMore(_ count: Int, partsOf group: String) async throws { try await results.expectMore(count, partsOf: group) }
    func bring(_ parts: [ChordPart]) async throws -> [ChordClaim] { try await results.bring(parts) }
    func resume(_ claim: ChordClaim) async throws -> Bool { try await results.resume(claim) }
    func close(_ claim: ChordClaim) async throws -> Bool { try await results.close(claim) }
    func abandon(_ group: String) async throws { try await results.abandon(group) }
}
