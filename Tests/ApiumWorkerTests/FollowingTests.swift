import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import Synchronization
import Testing

@testable import ApiumWorker

@Suite("What follows jobs", .timeLimit(.minutes(1)), .serialized)
struct FollowingTests {
    @Test("a chain hands each step the value of the one before", arguments: [true, false])
    func chain(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel)
        try await mill.run {
            try await mill.expect(.chain([call("add", 1, 2), call("add", 10), call("add", 100)]), gives: 113)
        }
    }

    @Test("a group with more of a raw chain behind it hands the list of its values to the next step, once", arguments: [true, false])
    func rawChain(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel)
        let group = Signature.group([call("add", 10), call("add", 20)])
        let rest = [call("add", 100, options: ["task_id": "end"]), call("sum", options: ["task_id": "sum"]), group].map(\.json)
        try await mill.run {
            try await mill.send(call("add", 1, 1, options: ["chain": .array(rest)]))
            #expect(try await mill.document("sum").result == 34)
            #expect(try await mill.document("end").result == 134)
        }
    }

    @Test("a chord's body gets the values of its header in order, once", arguments: [true, false])
    func chord(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel)
        try await mill.run {
            try await mill.expect(.chord(header: (0..<20).map { call("echo", .int($0)) }, body: call("echo")), gives: .array((0..<20).map { .int($0) }))
        }
    }

    @Test("a chord in a chord's header is joined by its body, and groups in a header keep their nesting", arguments: [true, false])
    func nestedChords(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel)
        try await mill.run {
            let inner = Signature.chord(header: [call("add", 1, 1), call("add", 2, 2)], body: call("sum"))
            try await mill.expect(.chord(header: [inner, call("add", 10, 10)], body: call("echo")), gives: [6, 20])
        }
    }

    @Test("a failed part fails the chord's body, its errbacks, what follows it, and the chord around it", arguments: [true, false])
    func failedChord(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel)
        try await mill.run {
            let inner = Signature.chord(header: [call("add", 1, 1), call("fail")], body: call("sum", options: ["link_error": [call("see.inline").json]]))
            // Celery's client puts a chord's errbacks on the bodies of the chords in its header, too: they are told once.
            let body = call("echo", options: ["link_error": [call("see.inline").json]])
            let failure = await #expect(throws: JobFailure.self) { try await mill.value(.chord(header: [inner, call("add", 1, 1)], body: body)) }
            #expect(failure?.type == "ChordError")
            #expect(mill.seen.values.count == 1)
        }
    }

    @Test("an errback that is a job gets the failed id and is found by it, one that is called in place sees the failure")
    func errbacks() async throws {
        let mill = Mill()
        try await mill.run {
            let id = try await mill.send(call("fail", options: ["link_error": [call("see").json, call("see.inline").json]])).id
            let failed = try await mill.document(id)
            #expect(failed.state == .failure)
            try await mill.eventually("both errbacks are told") { mill.seen.values.count == 2 }
            #expect(Set(mill.seen.values) == [.string(id), .string("inline \(id)")])
        }
    }

    @Test("an errback that is called in place finds the failure stored")
    func errbackAfterFailure() async throws {
        let mill = Mill()
        let results = mill.results
        mill.register(
            "look",
            errback: .inline(parameters: 3) { [seen = mill.seen] call in
                seen.note(.string(try await results.document(for: call.request.id)?.state.rawValue ?? "nothing"))
            }
        ) { _, _ in .null }
        try await mill.run {
            try await mill.send(call("fail", options: ["link_error": [call("look").json]]))
            try await mill.eventually("the errback was called") { !mill.seen.values.isEmpty }
            #expect(mill.seen.values == ["FAILURE"])
        }
    }

    @Test("what a job sends is listed in its result's children, with the callbacks behind it")
    func children() async throws {
        let mill = Mill()
        mill.register("parent") { _, context in
            try await context.send(call("echo", 1, options: ["task_id": "kid"]))
            try await context.send(call("echo", 1), asChild: false)
            return .null
        }
        try await mill.run {
            let id = try await mill.send(call("parent", options: ["link": [call("echo", options: ["task_id": "callback"]).json]])).id
            let parent = try await mill.document(id)
            #expect(parent.children == [[["kid", nil], nil], [["callback", nil], nil]])
            let kid = try await mill.document("kid")
            #expect(kid.parentID == id)
        }
    }

    @Test("a job that replaces itself answers by what took its place, and the rest of its chain goes on")
    func replace() async throws {
        let mill = Mill()
        mill.register("swap") { arguments, context in
            // Even a job that goes on after it has been replaced stores nothing.
            try? await context.replace(with: call("add", arguments.args.first ?? 0, 1))
            return "dropped"
        }
        try await mill.run {
            try await mill.expect(.chain([call("swap", 1), call("add", 10)]), gives: 12)
            try await mill.expect(.chord(header: [call("swap", 1), call("swap", 2)], body: call("sum")), gives: 5)
        }
    }

    @Test("a job that replaces itself with a group answers the list of its results")
    func replaceWithGroup() async throws {
        let mill = Mill()
        mill.register("fan") { arguments, context in
            try await context.replace(with: .group((arguments.args.first?.arrayValue ?? []).map { call("add", $0, 1) }))
        }
        try await mill.run { try await mill.expect(call("fan", [1, 2, 3]), gives: [2, 3, 4]) }
    }

    @Test("a job adds parts to the chord it is in, and the body waits for them")
    func addToChord() async throws {
        let mill = Mill()
        mill.register("more") { _, context in
            for number in 1...3 { try await context.addToChord(call("add", .int(Int64(number)), 0)) }
            return 0
        }
        try await mill.run { try await mill.expect(.chord(header: [call("more")], body: call("sum")), gives: 6) }
        let failure = await #expect(throws: JobFailure.self) { try await mill.run { _ = try await mill.value(call("more")) } }
        #expect(failure?.type == "ValueError")
    }

    @Test("map and starmap run a task over a list in one job, chunks in several")
    func maps() async throws {
        let mill = Mill()
        try await mill.run {
            let add = call("add").json
            try await mill.expect(Signature("celery.map", kwargs: ["task": call("sum").json, "it": [[1, 2], [3]]], subtaskType: "xmap"), gives: [3, 3])
            try await mill.expect(Signature("celery.starmap", kwargs: ["task": add, "it": [[1, 2], [3, 4]]], subtaskType: "xstarmap"), gives: [3, 7])
            let unknown = await #expect(throws: JobFailure.self) {
                try await mill.value(Signature("celery.map", kwargs: ["task": call("nosuch").json, "it": [1]], subtaskType: "xmap"))
            }
            #expect(unknown?.type == "NotRegistered")
            try await mill.expect(call("celery.accumulate", 1, 2), gives: [1, 2])
            try await mill.expect(Signature("celery.accumulate", args: [1, 2], kwargs: ["index": 1]), gives: 2)
        }
    }

    @Test("a retried job keeps its place in chain and chord")
    func retryInChord() async throws {
        let mill = Mill()
        mill.register("again") { arguments, context in
            if context.retries < 2 { throw Retry(after: .zero) }
            return arguments.args.first ?? .null
        }
        try await mill.run {
            try await mill.expect(.chord(header: [call("again", 1), call("again", 2)], body: call("sum")), gives: 3)
            try await mill.expect(.chain([call("again", 1), call("add", 1)]), gives: 2)
        }
    }

    @Test("a job that comes again after it had succeeded is not run again where that is asked for, and what was never sent goes out")
    func deduplicates() async throws {
        let mill = Mill()
        mill.register("once", options: JobOptions(deduplicatesSuccessful: true)) { [seen = mill.seen] _, _ in
            seen.note("ran")
            return 5
        }
        let signature = call("once", options: ["task_id": "id", "link": [call("see").json]])
        var plan = try Dispatcher(now: try await mill.broker.serverTime()).plan(signature)
        plan.messages[0].message.properties.redelivered = true
        try await mill.results.store(ResultDocument(id: "id", state: .success, result: 5, children: []))
        try await mill.broker.enqueue(plan.messages)
        try await mill.run { try await mill.eventually("the callback runs") { !mill.seen.values.isEmpty } }
        #expect(mill.seen.values == [5])
    }

    @Test("a join whose worker is lost is taken up by another, which does not run the job again")
    func resumedJoin() async throws {
        let mill = Mill()
        let result = try await mill.send(.chord(header: [call("see", 1)], body: call("echo")))
        // A worker that brings the last part, and dies before it has sent the body.
        let dying = mill.broker.open(WorkerIdentity(name: "dying@test", pid: 1, queues: ["celery"]))
        let delivery = try await dying.claim(limit: 1).deliveries[0]
        let message = try Message(decoding: delivery.payload)
        let part = ChordPart(group: try #require(message.headers.group), id: message.id, index: 0, state: .success, result: 7)
        let outcome = try await dying.complete([
            Completion(delivery.tag, .done, results: [ResultDocument(id: message.id, state: .success, result: 7)], parts: [part])
        ])
        guard case .joining? = outcome.first else { return #expect(Bool(false), "the last part has to be joined") }
        try await dying.close()
        try await mill.run {
            let joined = try await mill.document(result.id)
            #expect(joined.result == [7])
        }
        #expect(mill.seen.values.isEmpty)
    }
}

@Suite("Crashes with results on a server of their own", .timeLimit(.minutes(1)))
struct ApartTests {
    @Test("a job that comes again after its part was brought sends the body that its first run had claimed")
    func claimedBefore() async throws {
        let mill = Mill(resultsTravel: false)
        let result = try await mill.send(.chord(header: [call("add", 1, 1, options: ["task_id": "part"])], body: call("sum")))
        let group = try #require(result.parent?.id)
        // The first run brought the part, which was the last, and was lost before it ended its delivery.
        let claims = try await mill.results.bring([ChordPart(group: group, id: "part", index: 0, state: .success, result: 2, token: "apium:part")])
        #expect(claims.count == 1)
        try await mill.run {
            let joined = try await mill.document(result.id)
            #expect(joined.result == 2)
        }
    }
    @Test("a job that had succeeded, and was lost before the next step was sent, is not run again, and the step goes out")
    func succeededBefore() async throws {
        let mill = Mill(resultsTravel: false)
        mill.register("once", options: JobOptions(deduplicatesSuccessful: true)) { [seen = mill.seen] _, _ in
            seen.note("ran")
            return 5
        }
        let chain = Signature.chain([call("once", options: ["task_id": "first"]), call("add", 10, options: ["task_id": "second"])])
        var plan = try Dispatcher(now: try await mill.broker.serverTime()).plan(chain)
        plan.messages[0].message.properties.redelivered = true
        // Stored before the end of the delivery is written, with all that is sent then among its children.
        try await mill.results.store(ResultDocument(id: "first", state: .success, result: 5, children: [[["second", nil], nil]]))
        try await mill.broker.enqueue(plan.messages)
        try await mill.run {
            let second = try await mill.document("second")
            #expect(second.result == 15)
        }
        #expect(mill.seen.values.isEmpty)
    }
}

@Suite("Limits", .timeLimit(.minutes(1)), .serialized)
struct LimitTests {
    @Test("a soft limit interrupts the job's sleep, and a job that catches it may sleep again and end well")
    func softLimit() async throws {
        let mill = Mill()
        mill.register("guarded", options: JobOptions(timeLimit: .seconds(20), softTimeLimit: .milliseconds(30))) { _, context in
            do {
                try await context.sleep(for: .seconds(3600))
            } catch is SoftTimeLimitExceeded {
                try await context.sleep(for: .milliseconds(5))
                return "cleaned up"
            }
            return .null
        }
        mill.register("careless", options: JobOptions(softTimeLimit: .milliseconds(30))) { _, _ in
            try await Task.sleep(for: .seconds(3600))
            return .null
        }
        try await mill.run {
            try await mill.expect(call("guarded"), gives: "cleaned up")
            await #expect(throws: JobFailure(type: "SoftTimeLimitExceeded", module: "billiard.exceptions")) { try await mill.value(call("careless")) }
        }
    }

    @Test("a limit in the message counts before the job's own")
    func limitOfMessage() async throws {
        let mill = Mill()
        mill.register("slow", options: JobOptions(timeLimit: .milliseconds(20))) { _, context in
            try await context.sleep(for: .milliseconds(100))
            return "done"
        }
        try await mill.run {
            try await mill.expect(call("slow", options: ["time_limit": 30]), gives: "done")
            let failure = await #expect(throws: JobFailure.self) { try await mill.value(call("slow")) }
            #expect(failure?.type == "TimeLimitExceeded")
        }
    }

    @Test("a job that ignores its hard limit fails all the same, and its slot is not used until it returns")
    func leakedSlot() async throws {
        let mill = Mill(concurrency: 2)
        let gate = Events()
        mill.register("deaf", options: JobOptions(timeLimit: .milliseconds(20))) { _, _ in
            await gate.wait(for: "open")
            return "late"
        }
        try await mill.run {
            let id = try await mill.send(call("deaf")).id
            let document = try await mill.document(id)
            #expect(JobFailure(value: document.result)?.type == "TimeLimitExceeded")
            // The other slot works on.
            try await mill.expect(call("add", 1, 1), gives: 2)
            gate.send("open")
            try await mill.expect(call("add", 2, 2), gives: 4)
            let kept = try await mill.results.document(for: id)
            #expect(kept?.state == .failure)
        }
    }

    @Test("a worker that has lost all its slots ends with an error that says so")
    func slotsLost() async throws {
        let mill = Mill(concurrency: 1)
        let gate = Events()
        mill.register("deaf", options: JobOptions(timeLimit: .milliseconds(20))) { _, _ in
            await gate.wait(for: "open")
            return .null
        }
        let worker = try mill.worker
        let running = Task { try await worker.run() }
        try await mill.send(call("deaf"))
        let waiting = try await mill.send(call("add", 1, 1)).id
        let error = await #expect(throws: ApiumError.self) { try await running.value }
        #expect(error?.code == .slotsLost)
        #expect(try await mill.results.document(for: waiting) == nil)
        #expect(try await mill.broker.queueLength("celery") == 1)
        gate.send("open")
    }
}
