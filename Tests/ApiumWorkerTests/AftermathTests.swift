import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumWorker

/// What follows from a verdict, without a broker.
@Suite("Aftermath")
struct AftermathTests {
    private let now = Timestamp(seconds: 1_000_000)

    private func planner(
        retries: Int = 0, ignoreResult: Bool? = nil, options: JobOptions = JobOptions(), parameters: [String] = [], args: [JSONValue] = [1],
        kwargs: [String: JSONValue] = [:], children: [ResultTuple] = [], registry: JobRegistry = JobRegistry(),
        format: ContentFormat = .json,
        _ change: (inout Message.Headers, inout TaskArguments.Embed) -> Void = { _, _ in }
    ) -> AftermathPlanner {
        var headers = Message.Headers(task: "t", id: "id-1")
        headers.retries = retries
        headers.ignoreResult = ignoreResult
        headers.rootID = "root"
        var arguments = TaskArguments(args: args, kwargs: kwargs)
        change(&headers, &arguments.embed)
        let message = Message(headers: headers, body: arguments.encodedBody())
        let delivery = Delivery(tag: DeliveryTag(batch: 3, index: 4), queue: "q", fence: 9, payload: message.encoded())
        let job = Assignment(
            delivery: delivery, message: message, options: options, worker: "w@h", resultExtended: true, arguments: arguments, parameters: parameters)
        var configured = Dispatcher(now: now)
        configured.format = format
        let dispatcher = configured
        return AftermathPlanner(job: job, dispatcher: dispatcher, registry: registry, children: children, now: now)
    }

    private func signature(_ task: String, _ options: SignatureOptions = [:], args: [JSONValue] = []) -> JSONValue {
        Signature(task, args: args, options: options).json
    }

    // MARK: Unknown jobs

    @Test("a job that only another worker knows goes back later, counted; whoever runs it counts from the beginning again")
    func passedOn() throws {
        let planner = planner { headers, _ in headers.custom[Message.passedOnHeader] = 3 }
        guard case .schedule(let message, "q", .seconds(2)) = planner.aftermath(of: .passedOn(.seconds(2))).disposition else {
            return #expect(Bool(false), "it goes back to its queue after the delay")
        }
        #expect(message.timesPassedOn == 4)
        guard case .schedule(let again, _, _) = planner.aftermath(of: .snooze(.seconds(1))).disposition else {
            return #expect(Bool(false), "it comes again")
        }
        #expect(again.headers.custom[Message.passedOnHeader] == nil)
    }

    @Test("the wait for a worker that knows the job grows to half a minute, and any number in a message is within bounds")
    func turns() {
        #expect(
            [0, 1, 6, 7, 16, 1_000_000].map(UnknownJob.delay) == [
                .milliseconds(250), .milliseconds(500), .seconds(16), .seconds(30), .seconds(30), .seconds(30),
            ])
        for (value, turns) in [(JSONValue.int(.max), 1_000), (-5, 0), ("many", 0)] {
            #expect(planner { headers, _ in headers.custom[Message.passedOnHeader] = value }.job.message.timesPassedOn == turns)
        }
    }

    // MARK: Success

    @Test("a success ends the delivery with its result and Celery's extended fields")
    func success() throws {
        let aftermath = planner(retries: 2).aftermath(of: .success(42))
        guard case .done = aftermath.disposition else { return #expect(Bool(false), "the delivery is done") }
        let result = try #require(aftermath.results.first)
        #expect(result.state == .success)
        #expect(result.result == 42)
        #expect(result.extra["retries"] == 2)
        #expect(result.extra["queue"] == "q")
        #expect(result.dateDone == now)
        #expect(aftermath.isPlain)
    }

    @Test("stamps stand at the top level of an extended result, but never in the place of Celery's own fields")
    func stamps() throws {
        let result = try #require(
            planner { headers, _ in
                headers.stampedHeaders = ["user", "name"]
                headers.stamps = ["user": "ann", "name": "forged", "other": 1]
            }.aftermath(of: .success(1)).results.first)
        #expect(result.extra["user"] == "ann")
        #expect(result.extra["name"] == "t")
        #expect(result.extra["other"] == nil)
        #expect(result.extra["stamped_headers"] == ["user", "name"])
    }

    @Test("callbacks and the next step of the chain get the value and are children of the result, behind what the job sent itself")
    func followUps() throws {
        let aftermath = planner(children: [ResultTuple(id: "own")]) { _, embed in
            embed.callbacks = [signature("callback", ["task_id": "c1"], args: [7])]
            embed.chain = [signature("last", ["task_id": "s2"]), signature("next", ["task_id": "s1"])]
        }.aftermath(of: .success(42))
        #expect(aftermath.plan.messages.map(\.message.id) == ["c1", "s1"])
        let callback = try #require(aftermath.plan.messages.first).message
        #expect(try callback.arguments().args == [42, 7])
        #expect(callback.headers.parentID == "id-1")
        #expect(callback.headers.rootID == "root")
        #expect(try aftermath.plan.messages[1].message.arguments().embed.chain == [signature("last", ["task_id": "s2"])])
        #expect(aftermath.results.first?.children == [[["own", nil], nil], [["c1", nil], nil], [["s1", nil], nil]])
    }

    @Test("of several callbacks the plain ones go out as one group")
    func manyCallbacks() throws {
        let aftermath = planner { _, embed in embed.callbacks = [signature("a"), signature("b")] }.aftermath(of: .success(1))
        let groups = Set(aftermath.plan.messages.map(\.message.headers.group))
        #expect(aftermath.plan.messages.map(\.message.task) == ["a", "b"])
        #expect(groups.count == 1 && groups.first != .some(nil))
        #expect(aftermath.plan.messages.map(\.message.headers.groupIndex) == [0, 1])
        #expect(aftermath.results.first?.children?.count == 1)
    }

    @Test("what follows a job and is no signature fails the job instead of being lost")
    func badCallback() throws {
        let aftermath = planner { _, embed in embed.callbacks = [["no": "task"]] }.aftermath(of: .success(1))
        #expect(aftermath.results.map(\.state) == [.failure])
        guard case .shelve(.dead, _) = aftermath.disposition else { return #expect(Bool(false), "the job is kept in the dead set") }
    }

    @Test("ignore_result of the message counts before the job's own; parts and callbacks go out all the same")
    func ignoreResult() {
        let ignoring = planner(ignoreResult: true) { headers, embed in
            headers.group = "g"
            embed.chord = signature("body", ["task_id": "b"])
            embed.callbacks = [signature("callback")]
        }
        let aftermath = ignoring.aftermath(of: .success(1))
        #expect(aftermath.results.isEmpty)
        #expect(aftermath.parts.map(\.id) == ["id-1"])
        #expect(aftermath.plan.messages.count == 1)
        #expect(planner(ignoreResult: false, options: JobOptions(ignoreResult: true)).aftermath(of: .success(1)).results.count == 1)
    }

    @Test("a part carries group, place, state and value, and a job in no chord brings none")
    func part() throws {
        let part = try #require(
            planner { headers, embed in
                headers.group = "g"
                headers.groupIndex = 3
                embed.chord = signature("body")
            }.aftermath(of: .success([1])).parts.first)
        #expect(part.group == "g")
        #expect(part.index == 3)
        #expect(part.state == .success)
        #expect(part.result == [1])
        #expect(planner { headers, _ in headers.group = "g" }.aftermath(of: .success(1)).parts.isEmpty)
    }

    @Test("a job that had succeeded before is not stored again; what follows it goes out unless it did")
    func succeededBefore() {
        let job = planner { _, embed in embed.callbacks = [signature("callback")] }
        let missing = job.aftermath(of: .succeededBefore(5, followed: false))
        #expect(missing.results.isEmpty)
        #expect(missing.plan.messages.map(\.message.task) == ["callback"])
        #expect(job.aftermath(of: .succeededBefore(5, followed: true)).plan.messages.isEmpty)
    }

    // MARK: Failure

    @Test("a failure is stored, is a part, keeps the job in the dead set, and fails the steps that would have followed, but calls nobody of theirs")
    func failure() throws {
        let failure = JobFailure(type: "ValueError", arguments: ["no"])
        let aftermath = planner { headers, embed in
            headers.group = "g"
            embed.chord = signature("body")
            embed.chain = [
                signature("last", ["task_id": "s2", "chord": signature("outer"), "group_id": "og", "group_index": 1]),
                signature("next", ["task_id": "s1", "link_error": [signature("errback")]]),
            ]
        }.aftermath(of: .failure(failure))
        #expect(aftermath.results.map(\.id).sorted() == ["id-1", "s1", "s2"])
        #expect(aftermath.results.allSatisfy { $0.state == .failure && $0.result == failure.value })
        #expect(aftermath.parts.map(\.group).sorted() == ["g", "og"])
        #expect(aftermath.plan.messages.isEmpty)
        guard case .shelve(.dead, let record) = aftermath.disposition else { return #expect(Bool(false), "a failed job is in the dead set") }
        #expect(record.id == "id-1")
        #expect(record.attempts == 1)
    }

    @Test("a failure whose result is ignored is stored only when the job says so, and a job that keeps no failures is just done")
    func ignoredFailure() {
        let failure = JobFailure(type: "E")
        #expect(planner(ignoreResult: true).aftermath(of: .failure(failure)).results.isEmpty)
        let stored = planner(options: JobOptions(ignoreResult: true, storeErrorsEvenIfIgnored: true)).aftermath(of: .failure(failure))
        #expect(stored.results.count == 1)
        guard case .done = planner(options: JobOptions(keepsFailures: false)).aftermath(of: .failure(failure)).disposition else {
            return #expect(Bool(false), "nothing is kept")
        }
    }

    @Test("errbacks of the old style are one group with the failed id first, and those of the new style are called in place")
    func errbacks() throws {
        var registry = JobRegistry()
        registry.register("inline", errback: .inline(parameters: 3) { _ in }) { _, _ in .null }
        let aftermath = planner(registry: registry) { _, embed in
            embed.errbacks = [signature("old", args: ["stored"]), signature("inline"), signature("elsewhere")]
        }.aftermath(of: .failure(JobFailure(type: "E")))
        #expect(aftermath.plan.messages.map(\.message.task) == ["old", "elsewhere"])
        #expect(try aftermath.plan.messages[0].message.arguments().args == ["id-1", "stored"])
        #expect(aftermath.plan.messages.allSatisfy { $0.message.headers.parentID == "id-1" && $0.message.headers.rootID == "root" })
        #expect(aftermath.errbacks.map(\.signature.task) == ["inline"])
        #expect(aftermath.errbacks.first?.call.request.id == "id-1")
    }

    @Test(
        "an errback is called in place when more than one parameter is left for the failure",
        arguments: [
            (3, 0, false, true), (2, 1, false, false), (4, 1, false, true), (2, 2, true, true), (1, 0, true, false), (1, 2, false, false), (2, 3, false, true),
        ])
    func errbackStyle(parameters: Int, stored: Int, immutable: Bool, isInline: Bool) {
        let signature = Signature("e", args: Array(repeating: 0, count: stored), immutable: immutable)
        #expect(ErrbackStyle.inline(parameters: parameters) { _ in }.isInline(signature) == isInline)
        #expect(ErrbackStyle.inline(parameters: nil) { _ in }.isInline(signature))
        #expect(!ErrbackStyle.task.isInline(signature))
    }

    @Test("a revoked job is stored and a part; its errbacks are not called and its chain stays as it is")
    func revoked() {
        let aftermath = planner { headers, embed in
            headers.group = "g"
            embed.chord = signature("body")
            embed.errbacks = [signature("errback")]
            embed.chain = [signature("next", ["task_id": "s1"])]
        }.aftermath(of: .revoked("terminated"))
        #expect(aftermath.results.map(\.id) == ["id-1"])
        #expect(aftermath.results.first?.result["exc_message"] == ["terminated"])
        #expect(aftermath.parts.map(\.state) == [.revoked])
        #expect(aftermath.plan.messages.isEmpty)
    }

    // MARK: Again

    @Test("a retry keeps all that the message carried, counts up, and its result has itself for a child")
    func retry() throws {
        let aftermath = planner(retries: 1) { headers, embed in
            headers.custom = ["x-test": "kept"]
            headers.stamps = ["a": 1]
            headers.stampedHeaders = ["a"]
            headers.group = "g"
            headers.eta = "2020-01-01T00:00:00+00:00"
            embed.chain = [signature("next")]
            embed.chord = signature("body")
        }.aftermath(of: .retry(.init(delay: .seconds(5), cause: JobFailure(type: "E"))))
        guard case .schedule(let message, let queue, let delay) = aftermath.disposition else {
            return #expect(Bool(false), "a retry waits in the scheduled set")
        }
        #expect(message.id == "id-1")
        #expect(message.headers.retries == 2)
        #expect(message.headers.eta == nil)
        #expect(message.headers.custom == ["x-test": "kept"])
        #expect(message.headers.stamps == ["a": 1])
        #expect(message.headers.parentID == "id-1")
        #expect(try message.arguments().embed.chain == [signature("next")])
        #expect(queue == "q")
        #expect(delay == .seconds(5))
        #expect(aftermath.results.first?.state == .retry)
        #expect(aftermath.results.first?.children == [[["id-1", nil], nil]])
        #expect(aftermath.parts.isEmpty)
    }

    @Test("a retry with positional arguments drops the keyword ones of the same parameters, and one with keywords puts them in their places")
    func retryArguments() throws {
        let names = ["foo", "bar", "label"]
        let positional = planner(parameters: names, args: [], kwargs: ["foo": 1, "bar": 2, "label": "x"])
            .aftermath(of: .retry(.init(delay: .zero, args: [2, 3])))
        #expect(try arguments(positional) == TaskArguments(args: [2, 3], kwargs: ["label": "x"]))
        let keyword = planner(parameters: names, args: [1, 2]).aftermath(of: .retry(.init(delay: .zero, kwargs: ["foo": 9])))
        #expect(try arguments(keyword) == TaskArguments(args: [9, 2]))
    }

    @Test("a retry with new arguments is written as the worker writes bodies, one without keeps its body")
    func retryFormat() throws {
        let shouting = Serializer(name: "loud", contentType: "text/loud", encode: { Array($0.text.uppercased().utf8) }, decode: { _ in .null })
        let silent = Serializer(name: "mute", contentType: "text/mute", encode: { _ in throw CancellationError() }, decode: { _ in .null })
        func body(_ serializer: Serializer, _ again: Verdict.Again) throws -> Message.Body? {
            let aftermath = planner(format: ContentFormat(serializer)).aftermath(of: .retry(again))
            guard case .schedule(let message, _, _) = aftermath.disposition else { return nil }
            return message.body
        }
        #expect(try body(shouting, .init(delay: .zero, args: ["x"]))?.contentType == "text/loud")
        #expect(try body(shouting, .init(delay: .zero))?.contentType == "application/json")
        #expect(try body(silent, .init(delay: .zero, args: ["x"]))?.contentType == "application/json")
    }

    private func arguments(_ aftermath: Aftermath) throws -> TaskArguments? {
        guard case .schedule(let message, _, _) = aftermath.disposition else { return nil }
        return try message.arguments()
    }

    @Test("a retry may change priority, expiry, queue, headers and ignore_result")
    func retryOptions() throws {
        let again = Verdict.Again(
            delay: .zero, cause: nil,
            options: .with {
                $0.priority = 7
                $0.expires = .seconds(60)
                $0.queue = "other"
                $0.ignoreResult = true
                $0.headers = ["x": 1]
            })
        guard case .schedule(let message, let queue, _) = planner().aftermath(of: .retry(again)).disposition else {
            return #expect(Bool(false), "a retry waits in the scheduled set")
        }
        #expect(message.properties.priority == 7)
        #expect(message.headers.expires == (now + .seconds(60)).iso8601)
        #expect(queue == "other")
        #expect(message.properties.routingKey == "other")
        #expect(message.headers.ignoreResult == true)
        #expect(message.headers.custom == ["x": 1])
    }

    @Test("a snooze does not count as a retry and stores nothing; a replaced job stores nothing and sends what takes its place")
    func snoozeAndReplace() {
        let snoozed = planner(retries: 1).aftermath(of: .snooze(.seconds(5)))
        guard case .schedule(let message, _, _) = snoozed.disposition else { return #expect(Bool(false), "a snooze waits in the scheduled set") }
        #expect(message.headers.retries == 1)
        #expect(snoozed.results.isEmpty)
        let other = Outgoing(message, to: "q")
        let replaced = planner().aftermath(of: .replaced(DispatchPlan(messages: [other])))
        #expect(replaced.results.isEmpty)
        #expect(replaced.plan.messages == [other])
    }

    @Test("a job waits in the turn it was given, and asks anew when it is tried again")
    func rateTurn() {
        let turn = RateTurn(limit: "1/s", begins: Timestamp(seconds: 7))
        guard case .schedule(let message, _, .seconds(5)) = planner().aftermath(of: .snooze(.seconds(5), turn: turn)).disposition else {
            return #expect(Bool(false), "it waits in the scheduled set")
        }
        #expect(message.rateTurn == turn)
        let later = planner { headers, _ in headers.custom = message.headers.custom }
        guard case .schedule(let again, _, _) = later.aftermath(of: .retry(Verdict.Again(delay: .zero))).disposition else {
            return #expect(Bool(false), "it is tried again")
        }
        #expect(again.rateTurn == nil && again.headers.custom.isEmpty)
    }

    @Test("a message that was acknowledged before its run is not given back")
    func requeue() {
        guard case .requeue(let message, _) = planner().aftermath(of: .requeue).disposition else { return #expect(Bool(false), "it goes back") }
        #expect(message.properties.redelivered)
        guard case .done = planner(options: JobOptions(acksLate: false)).aftermath(of: .requeue).disposition else {
            return #expect(Bool(false), "there is nothing to give back")
        }
    }

    // MARK: Chords

    @Test("the body of a complete chord gets the values in order, and is sent by the job that came last")
    func body() throws {
        let body = Signature("body", options: ["task_id": "b", "group_id": "g"])
        let joined = planner().joined(body, with: .values([1, 2]))
        #expect(joined.isSent)
        let message = try #require(joined.aftermath.plan.messages.first).message
        #expect(message.id == "b")
        #expect(try message.arguments().args == [[1, 2]])
        #expect(message.headers.rootID == "root")
    }

    @Test("a header with a failed part is Celery's ChordError, quoting the exception as Python would")
    func failedHeader() {
        let failure = JobFailure(type: "ValueError", arguments: ["no", 3])
        let header = ChordHeader(parts: [
            ChordContent.Part(id: "p1", state: .success, result: 1), ChordContent.Part(id: "p2", state: .failure, result: failure.value),
        ])
        #expect(header == .failed(ChordHeader.error("Dependency p2 raised ValueError('no', 3)"), cause: failure))
    }

    @Test("a header that holds groups is read in its nesting; what is missing or failed is a join error")
    func nestedHeader() {
        let tuple = ResultTuple(id: "g", members: [ResultTuple(id: "a"), ResultTuple(id: "h", members: [ResultTuple(id: "b"), ResultTuple(id: "c")])])
        var documents: [String: ResultDocument] = [:]
        for (index, id) in ["a", "b", "c"].enumerated() { documents[id] = ResultDocument(id: id, state: .success, result: .int(Int64(index))) }
        #expect(ChordHeader(tuple: tuple, documents: documents) == .values([0, [1, 2]]))
        documents["c"] = ResultDocument(id: "c", state: .failure, result: JobFailure(type: "ValueError", arguments: ["no"]).value)
        #expect(ChordHeader(tuple: tuple, documents: documents) == .failed(ChordHeader.error("Join error: ValueError('no')"), cause: nil))
        documents["c"] = nil
        #expect(
            ChordHeader(tuple: tuple, documents: documents)
                == .failed(ChordHeader.error("Join error: TimeoutError('The operation timed out.')"), cause: nil))
    }

    @Test("a body that will never run fails as ChordError, tells its errbacks with its own id, and is its outer chord's part")
    func failedBody() throws {
        let error = ChordHeader.error("x")
        let body = Signature(
            "body",
            options: [
                "task_id": "b", "group_id": "outer", "chord": signature("outer.body"), "link_error": [signature("errback")],
                "chain": [signature("after", ["task_id": "s1"])],
            ])
        let joined = planner().joined(body, with: .failed(error, cause: JobFailure(type: "E")))
        #expect(!joined.isSent)
        #expect(joined.aftermath.results.map(\.id) == ["b", "s1"])
        #expect(joined.aftermath.results.allSatisfy { $0.result == error.value })
        #expect(joined.aftermath.parts.map(\.group) == ["outer"])
        let errback = try #require(joined.aftermath.plan.messages.first).message
        #expect(try errback.arguments().args == ["b"])
        // Whoever follows the children of the body's result finds the errbacks.
        #expect(joined.aftermath.results.first?.children?.isEmpty == false)
    }

    @Test("a body that is a group fails member by member with the original error, and each member tells the errbacks once")
    func failedGroupBody() {
        let errback = signature("errback")
        let group = Signature(
            "celery.group",
            kwargs: [
                "tasks": [signature("a", ["task_id": "m1", "link_error": [errback]]), signature("b", ["task_id": "m2"])]
            ], options: ["task_id": "bg", "link_error": [errback]], subtaskType: "group")
        let cause = JobFailure(type: "ValueError")
        let aftermath = planner().joined(group, with: .failed(ChordHeader.error("x"), cause: cause)).aftermath
        #expect(Set(aftermath.results.map(\.id)) == ["m1", "m2", "bg"])
        #expect(aftermath.results.allSatisfy { $0.result == cause.value })
        #expect(aftermath.plan.messages.map(\.message.task) == ["errback", "errback"])
    }

    @Test("the bodies of all chords that a job's end can complete are found in its message alone")
    func bodies() {
        let outer = signature("outer.body", ["task_id": "ob"])
        var embed = TaskArguments.Embed()
        embed.chord = signature("body", ["task_id": "b", "chord": outer, "group_id": "og"])
        embed.chain = [signature("last", ["task_id": "s", "chord": signature("third"), "group_id": "tg"])]
        let bodies = ChordBodies(group: "g", embed: embed)
        #expect(bodies["g"]?.task == "body")
        #expect(bodies["og"]?.task == "outer.body")
        #expect(bodies["tg"]?.task == "third")
        #expect(bodies["none"] == nil)
    }

    @Test("the broker's time is asked for only when something that follows names a time")
    func times() {
        func embed(_ options: SignatureOptions) -> TaskArguments.Embed {
            var embed = TaskArguments.Embed()
            embed.chain = [Signature.group([Signature("a", options: options)]).json]
            return embed
        }
        #expect(!embed(["countdown": nil, "queue": "q"]).namesTimes)
        #expect(embed(["countdown": 3]).namesTimes)
        #expect(embed(["expires": 60]).namesTimes)
        #expect(!TaskArguments.Embed().namesTimes)
    }
}
