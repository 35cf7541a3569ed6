import ApiumCore
import DynamicJSON
import Testing

@Suite("Signatures")
struct SignatureTests {
    private let dispatcher = Dispatcher(now: Timestamp(microseconds: 0), makeID: countedIDs())

    @Test("every form that Celery writes of a chord's header is read")
    func headers() throws {
        let a = Signature("a").json
        let b = Signature("b").json
        let group = Signature.group([Signature("a"), Signature("b")]).json
        for header in [JSONValue.array([a, b]), group, Signature("celery.chain", kwargs: ["tasks": [a, b]], subtaskType: "chain").json] {
            let chord = Signature("celery.chord", kwargs: ["header": header, "body": Signature("c").json], subtaskType: "chord")
            #expect(try chord.shape == .chord(header: [Signature("a"), Signature("b")], body: Signature("c")))
        }
        let single = Signature("celery.chord", kwargs: ["header": a, "body": b], subtaskType: "chord")
        #expect(try single.shape == .chord(header: [Signature("a")], body: Signature("b")))
    }

    @Test("what is known of no signature is carried along")
    func carried() throws {
        let json: JSONValue = ["task": "a", "options": ["strange": [1, 2], "queue": "q"], "chord_size": 7]
        let signature = try Signature(json: json)
        #expect(signature.json["chord_size"] == 7)
        #expect(signature.json["options"]?["strange"] == [1, 2])
        let message = try #require(try dispatcher.plan(signature).messages.first?.message)
        #expect(message.properties.extra["strange"] == [1, 2])
    }

    @Test(
        "a form without its members is refused, and nothing crashes",
        arguments: [
            ["task": "celery.chain", "subtask_type": "chain"], ["task": "celery.group", "subtask_type": "group", "kwargs": ["tasks": 3]],
            ["task": "celery.group", "subtask_type": "group", "kwargs": ["tasks": [[:]]]], ["task": "celery.chord", "subtask_type": "chord"],
            ["task": "celery.chord", "subtask_type": "chord", "kwargs": ["header": [], "body": nil]],
            ["task": "celery.chunks", "subtask_type": "chunks", "kwargs": ["task": ["task": "a"], "it": [], "n": 0]],
            ["task": "celery.map", "subtask_type": "xmap", "kwargs": ["task": ["task": "a"]]], ["task": "a", "subtask_type": "unheard-of"],
        ] as [JSONValue])
    func refused(_ json: JSONValue) throws {
        let signature = try Signature(json: json)
        #expect(throws: ApiumError.self) { try dispatcher.plan(signature) }
        // Joining keeps what it cannot read; sending the whole says what is wrong.
        #expect(throws: ApiumError.self) { try dispatcher.plan(Signature("before") | signature) }
        #expect(UnreachedJob.after(chain: [json]).isEmpty)
    }

    @Test(
        "an option that cannot be what it is refused by its name",
        arguments: [
            "countdown": "soon", "eta": "yesterday", "expires": [1], "priority": "high", "queue": 5, "time_limit": "long", "task_id": 7,
            "group_index": "first",
        ] as [String: JSONValue])
    func badOptions(_ name: String, _ value: JSONValue) {
        let error = #expect(throws: ApiumError.self) { try dispatcher.plan(Signature("a").option(name, value)) }
        #expect(error?.code == .badArguments)
        #expect(error?.message.contains("'\(name)'") == true)
    }

    @Test("Python's datetimes and numbers of seconds are times")
    func times() throws {
        let tagged: JSONValue = ["__type__": "datetime", "__value__": "1970-01-01T00:01:00+00:00"]
        let first = try #require(try dispatcher.plan(Signature("a").option("eta", tagged)).messages.first)
        #expect(first.delay == .seconds(60))
        #expect(first.message.headers.eta == "1970-01-01T00:01:00.000000+00:00")
        let past = try #require(try dispatcher.plan(Signature("a").option("countdown", -5)).messages.first)
        #expect(past.delay == nil)
        #expect(past.message.headers.eta == "1969-12-31T23:59:55.000000+00:00")
        let none = try #require(try dispatcher.plan(Signature("a").option("countdown", 0)).messages.first)
        #expect(none.message.headers.eta == nil)
    }

    @Test("what is said about a composite form is said about the calls in it")
    func building() throws {
        let canvas = (Signature("a", 1) | .group([Signature("b"), Signature("c")]) | Signature("d")).on(queue: "q").priority(12).timeLimit(.seconds(30))
        let message = try #require(try dispatcher.plan(canvas).messages.first)
        #expect(message.queue == "q")
        #expect(message.message.properties.priority == 9)
        #expect(message.message.headers.hardTimeLimit == 30)
        let chain = try #require(try message.message.arguments().embed.chain)
        let chord = try Signature(json: try #require(chain.last))
        guard case .chord(let header, let body) = try chord.shape else { return #expect(Bool(false), "not a chord: \(chord)") }
        #expect(header.allSatisfy { $0.options["queue"] == "q" } && header.count == 2)
        #expect(body.options["queue"] == "q")
    }

    @Test("links of a chain follow its last step, errbacks each step")
    func links() throws {
        let canvas = (Signature("a") | Signature("b")).linked(to: Signature("done")).onError(Signature("oops").immutable())
        let first = try #require(try dispatcher.plan(canvas).messages.first?.message.arguments())
        #expect(first.embed.callbacks == nil)
        #expect(first.embed.errbacks?.count == 1)
        let last = try Signature(json: try #require(first.embed.chain?.first))
        #expect(last.options["link"]?[0]?["task"] == "done")
        #expect(last.options["link_error"]?[0]?["immutable"] == true)
    }

    @Test("links of a chain inside a chain are not lost when it is spliced")
    func splicedLinks() throws {
        let inner = Signature("celery.chain", kwargs: ["tasks": [Signature("b").json]], options: ["link": [Signature("done").json]], subtaskType: "chain")
        let outer = Signature("celery.chain", kwargs: ["tasks": [Signature("a").json, inner.json, Signature("c").json]], subtaskType: "chain")
        let rest = try #require(try dispatcher.plan(outer).messages.first?.message.arguments().embed.chain)
        #expect(rest.last?["options"]?["link"]?[0]?["task"] == "done")
        #expect(rest.first?["options"]?["link"] == nil)
    }

    @Test("a group that begins a chain gets the arguments of the chain")
    func leadingGroup() throws {
        let chain = Signature(
            "celery.chain", kwargs: ["tasks": [Signature.group([Signature("a"), Signature("b", 2)]).json, Signature("c").json]], subtaskType: "chain")
        let plan = try dispatcher.plan(chain, with: [7])
        #expect(try plan.messages.map { try $0.message.arguments().args } == [[7], [7, 2]])
    }

    @Test("chunks are a group of starmaps, also where something follows them")
    func chunks() throws {
        let chunks = Signature.chunks(Signature("add"), over: [[1, 2], [3, 4], [5, 6]], size: 2)
        let alone = try dispatcher.plan(chunks)
        #expect(alone.messages.map(\.message.task) == ["celery.starmap", "celery.starmap"])
        #expect(alone.result?.members?.count == 2)
        let followed = try dispatcher.plan(chunks | Signature("sum"))
        #expect(followed.chords.map(\.size) == [2])
    }

    @Test("a long chain is planned in one go, and its first message carries the rest")
    func longChain() throws {
        let plan = try dispatcher.plan(.chain((0..<1000).map { Signature("a", .int($0)) }))
        #expect(plan.messages.count == 1)
        #expect(try plan.messages.first?.message.arguments().embed.chain?.count == 999)
        var depth = 0
        var next = plan.result
        while let tuple = next {
            depth += 1
            next = tuple.parent
        }
        #expect(depth == 1000)
        #expect(plan.children.map(\.id) == [plan.messages.first?.message.id])
    }

    @Test("a result tuple is read in all its forms")
    func tuples() {
        let group = ResultTuple(id: "g", parent: ResultTuple(id: "p"), members: [ResultTuple(id: "a"), ResultTuple(id: "b")])
        #expect(ResultTuple(json: group.json) == group)
        #expect(group.json == [["g", [["p", nil], nil]], [[["a", nil], nil], [["b", nil], nil]]])
        #expect(ResultTuple(json: ["bare", nil]) == ResultTuple(id: "bare"))
        #expect(ResultTuple(json: [["g", nil], []])?.members == [])
        for json in [nil, 3, "x", [], [[]], [[5, nil], nil]] as [JSONValue] { #expect(ResultTuple(json: json) == nil, "\(json)") }
    }

    @Test("each option of a signature stands under Celery's name, and one of the wrong type is not said")
    func options() throws {
        var options = SignatureOptions()
        options.id = "i"
        options.queue = "q"
        options.exchange = "e"
        options.routingKey = "k"
        options.priority = 3
        options.delay = .milliseconds(1500)
        options.eta = Timestamp(microseconds: 60_000_000)
        options.expires = .seconds(9)
        options.timeLimit = .seconds(30)
        options.softTimeLimit = .seconds(20)
        options.ignoreResult = true
        options.isChild = false
        options.headers = ["h": 1]
        options.callbacks = [Signature("c")]
        options.errbacks = [Signature("x")]
        options.rootID = "r"
        options.parentID = "p"
        options.groupID = "g"
        options["tenant"] = "north"
        let wire: [String: JSONValue] = [
            "task_id": "i", "queue": "q", "exchange": "e", "routing_key": "k", "priority": 3, "countdown": 1.5, "eta": "1970-01-01T00:01:00.000000+00:00",
            "expires": 9.0, "time_limit": 30.0, "soft_time_limit": 20.0, "ignore_result": true, "add_to_parent": false, "headers": ["h": 1],
            "link": [Signature("c").json], "link_error": [Signature("x").json], "root_id": "r", "parent_id": "p", "group_id": "g", "tenant": "north",
        ]
        #expect(options.wire == wire)
        let read = try Signature(json: Signature("t", options: options).json).options
        #expect(read == options)
        #expect(read.delay == .milliseconds(1500) && read.eta == options.eta && read.callbacks == [Signature("c")] && read.errbacks == [Signature("x")])
        let wrong = SignatureOptions(wire.mapValues { _ in [] })
        #expect(wrong.id == nil && wrong.priority == nil && wrong.delay == nil && wrong.eta == nil && wrong.ignoreResult == nil && wrong.callbacks.isEmpty)
        let foreign: SignatureOptions = ["queue": ["name": "q"], "link": ["task": "only"]]
        #expect(foreign.queue == "q" && foreign.callbacks == [Signature("only")])
        options.queue = nil
        options.headers = [:]
        #expect(options["queue"] == nil && options["headers"] == nil)
    }
}
