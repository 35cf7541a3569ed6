import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import Testing

@testable import ApiumWorker

/// A worker on an in-memory broker that is told things.
private struct ControlRoom {
    static let exchange = "celery.pidbox"
    let broker = InMemoryBroker()
    let client: ApiumClient
    let started: AsyncStream<String>

    let worker: Worker

    init(_ change: (inout WorkerConfiguration) -> Void = { _ in }) throws {
        client = ApiumClient(broker: broker, results: broker.results)
        let (started, news) = AsyncStream.makeStream(of: String.self)
        self.started = started
        var registry = JobRegistry()
        registry.register("echo") { arguments, _ in arguments.args.first ?? .null }
        registry.register("fail") { _, _ in throw JobFailure(type: "ValueError", arguments: ["no"]) }
        registry.register("hang") { _, context in
            news.yield(context.id)
            try await Task.sleep(for: .seconds(3600))
            return .null
        }
        registry.registerControlCommand("explode") { _, _ in throw JobFailure(type: "RuntimeError", arguments: ["boom"]) }
        registry.registerControlCommand("queues") { arguments, worker in ["of": .string(worker.name), "given": .object(arguments)] }
        var configuration = WorkerConfiguration(name: "w@h", concurrency: 2, gracePeriod: .zero, cancellationPeriod: .seconds(2))
        change(&configuration)
        worker = try Worker(
            client: client, registry: registry, configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs `body` beside the worker once it answers.
    static func run(_ change: (inout WorkerConfiguration) -> Void = { _ in }, _ body: (ControlRoom) async throws -> Void) async throws {
        let room = try ControlRoom(change)
        let worker = room.worker
        let running = Task { try await worker.run() }
        let outcome: Result<Void, any Error>
        do {
            try await room.eventually("the worker answers") { try await room.ask("ping", within: .milliseconds(50)) != nil }
            try await room.eventually("the worker serves") { worker.health.isReady }
            outcome = .success(try await body(room))
        } catch {
            outcome = .failure(error)
        }
        running.cancel()
        _ = await running.result
        try outcome.get()
    }

    /// What the worker answers; `nil` when it doesn't.
    func ask(_ method: String, _ arguments: [String: JSONValue] = [:], within limit: Duration = .seconds(10)) async throws -> JSONValue? {
        let replies = try await broker.control.ask(
            ControlRequest(method, arguments: arguments, destination: ["w@h"]), exchange: Self.exchange, within: limit, limit: 1)
        return replies.first?.value
    }

    func eventually(_ name: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            try #require(ContinuousClock.now < end, "waited in vain: \(name)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Starts a job that hangs and waits until it runs.
    func hang(_ stamps: [String: JSONValue]? = nil) async throws -> String {
        let id = JobID.make()
        var message = Message(headers: .init(task: "hang", id: id), body: .init(bytes: Array("[[1],{},{}]".utf8)))
        message.headers.stamps = stamps
        message.headers.stampedHeaders = stamps.map { Array($0.keys) }
        try await broker.enqueue([Outgoing(message, to: "celery")])
        for await started in started where started == id { return id }
        throw ApiumError(.timedOut, "the job did not start")
    }

    func state(_ id: String) async throws -> JobState { try await broker.results.document(for: id)?.state ?? .pending }
}

@Suite("Remote control of a worker", .timeLimit(.minutes(1)))
struct RemoteControlTests {
    @Test("pings are answered, also with every slot busy and after bytes that are no message")
    func ping() async throws {
        try await ControlRoom.run { room in
            _ = try await room.hang()
            _ = try await room.hang()
            room.broker.control.publish(Array("nonsense".utf8), exchange: ControlRoom.exchange)
            #expect(try await room.ask("ping") == ["ok": "pong"])
        }
    }

    @Test("unknown commands, wrong arguments and commands that throw are answered as Celery's workers word it, and the worker lives")
    func errors() async throws {
        try await ControlRoom.run { room in
            let unknown = try await room.ask("nosuch")
            #expect(unknown == ["error": "KeyError('nosuch')"])
            #expect(
                try await room.ask("enable_events", ["x": 1])
                    == ["error": #"TypeError("enable_events() got an unexpected keyword argument 'x'")"#])
            #expect(
                try await room.ask("rate_limit")
                    == ["error": #"TypeError("rate_limit() missing 2 required positional arguments: 'task_name' and 'rate_limit'")"#])
            #expect(try await room.ask("explode") == ["error": "RuntimeError('boom')"])
            #expect(try await room.ask("autoscale") == ["error": "ValueError('Autoscale not enabled')"])
            #expect(try await room.ask("pool_restart") == ["error": "ValueError('Pool restarts not enabled')"])
            #expect(try await room.ask("queues", ["a": 1]) == ["of": "w@h", "given": ["a": 1]])
            #expect(try await room.ask("heartbeat") == .null)
        }
    }

    @Test("a request for another node moves the clock and is not answered")
    func clock() async throws {
        try await ControlRoom.run { room in
            let before = try await room.ask("clock")?["clock"]?.intValue ?? 0
            try await room.broker.control.broadcast(ControlRequest("ping", destination: ["other@h"], clock: before + 1000), exchange: ControlRoom.exchange)
            let after = try await room.ask("clock")?["clock"]?.intValue ?? 0
            #expect(after > before + 1000)
        }
    }

    @Test("a job that runs is active with its arguments, and one that waits for its time is scheduled")
    func activeAndScheduled() async throws {
        try await ControlRoom.run { room in
            let id = try await room.hang()
            let active = try #require(try await room.ask("active")?[0])
            #expect(active["id"] == .string(id))
            #expect(active["args"] == [1])
            #expect(active["type"] == "hang")
            #expect(active["time_start"]?.doubleValue != nil)
            #expect(active["hostname"] == "w@h")
            let later = try await room.client.enqueue(task: "echo", args: [7], .after(.seconds(600)))
            let scheduled = try #require(try await room.ask("scheduled")?[0])
            #expect(scheduled["priority"] == 6)
            #expect(scheduled["request"]?["id"] == .string(later.id))
            #expect(scheduled["request"]?["time_start"] == .null)
            let found = try #require(try await room.ask("query_task", ["ids": [.string(id), .string(later.id), "unknown"]])?.objectValue)
            #expect(found[id]?[0] == "active")
            #expect(found[later.id]?[0] == "scheduled")
            #expect(found.count == 2)
            #expect(try await room.ask("reserved") == [])
        }
    }

    @Test("a revoke of what has not begun is stored at once; what runs goes on until it is terminated")
    func revoke() async throws {
        try await ControlRoom.run { room in
            let running = try await room.hang()
            let waiting = try await room.client.enqueue(task: "echo", .after(.seconds(600))).id
            let answer = try await room.ask("revoke", ["task_id": [.string(waiting), .string(running)]])
            #expect(answer == ["ok": .string("tasks {'\(waiting)', '\(running)'} flagged as revoked")])
            #expect(try await room.state(waiting) == .revoked)
            #expect(try await room.state(running) == .pending)
            #expect(try await room.ask("revoked")?.arrayValue?.contains(.string(waiting)) == true)
            #expect(try await room.ask("revoke", ["task_id": "unknown", "terminate": true]) == ["ok": "terminate: tasks unknown"])
            #expect(try await room.ask("terminate", ["task_id": .string(running), "signal": "TERM"]) == ["ok": .string("terminate: \(running)")])
            try await room.eventually("the job is terminated") { try await room.state(running) == .revoked }
            #expect(try await room.broker.results.document(for: running)?.result["exc_message"] == ["terminated"])
        }
    }

    @Test("a revoke leaves the state of what has begun elsewhere to whoever runs it", arguments: [JobState.started, "PROGRESS", .success])
    func revokeElsewhere(_ state: JobState) async throws {
        try await ControlRoom.run { room in
            try await room.broker.results.store(ResultDocument(id: "x", state: state))
            _ = try await room.ask("revoke", ["task_id": "x"])
            #expect(try await room.state("x") == state)
        }
    }

    @Test("stamps are revoked for what comes, and end what runs only when terminated")
    func stamps() async throws {
        try await ControlRoom.run { room in
            let running = try await room.hang(["tenant": "a"])
            #expect(
                try await room.ask("revoke_by_stamped_headers", ["headers": ["tenant": ["a"]]])
                    == ["ok": "headers {'tenant': ['a']} flagged as revoked, but not terminated"])
            #expect(try await room.state(running) == .pending)
            #expect(
                try await room.ask("revoke_by_stamped_headers", ["headers": ["tenant": "b"], "terminate": true])
                    == ["ok": "headers {'tenant': 'b'} were not terminated"])
            #expect(
                try await room.ask("revoke_by_stamped_headers", ["headers": ["tenant=a"], "terminate": true])
                    == ["ok": "headers {'tenant': {'a'}} revoked"])
            try await room.eventually("the job is terminated") { try await room.state(running) == .revoked }
            var message = Message(headers: .init(task: "echo", id: "late"), body: .init(bytes: Array("[[],{},{}]".utf8)))
            message.headers.stamps = ["tenant": ["x", "a"]]
            message.headers.stampedHeaders = ["tenant"]
            try await room.broker.enqueue([Outgoing(message, to: "celery")])
            try await room.eventually("the late job is revoked") { try await room.state("late") == .revoked }
        }
    }

    @Test("a worker's greeting brings its revoked ids and takes ours; its own name is answered with null")
    func hello() async throws {
        try await ControlRoom.run { room in
            let answer = try await room.ask("hello", ["from_node": "other@h", "revoked": ["a", "b"]])
            #expect(answer?["revoked"] == ["a", "b"])
            #expect(answer?["clock"]?.intValue != nil)
            #expect(try await room.ask("hello", ["from_node": "old@h", "revoked": ["c": 12.5]])?["revoked"] == ["a", "b", "c"])
            #expect(try await room.ask("hello", ["from_node": "w@h"]) == .null)
        }
    }

    @Test("queues are added and left while the worker runs")
    func queues() async throws {
        try await ControlRoom.run { room in
            #expect(try await room.ask("add_consumer", ["queue": "other", "exchange": "ex", "routing_key": "k"]) == ["ok": "add consumer other"])
            let handle = try await room.client.enqueue(task: "echo", args: [5], .on(queue: "other"))
            #expect(try await handle.value(within: .seconds(10)) == 5)
            let queues = try #require(try await room.ask("active_queues")?.arrayValue)
            #expect(queues.map { $0["name"] } == ["celery", "other"])
            #expect(queues[1]["exchange"]?["name"] == "ex")
            #expect(queues[1]["routing_key"] == "k")
            #expect(try await room.ask("cancel_consumer", ["queue": "other"]) == ["ok": "no longer consuming from other"])
            try await room.eventually("the queue is left") { try await room.ask("active_queues")?.arrayValue?.count == 1 }
        }
    }

    @Test("slots are added and taken away, and one is left at least")
    func pool() async throws {
        try await ControlRoom.run { room in
            #expect(try await room.ask("pool_grow", ["n": "3"]) == ["ok": "pool will grow"])
            for _ in 0..<5 { _ = try await room.hang() }
            #expect(try await room.ask("pool_shrink", ["n": 4]) == ["ok": "pool will shrink"])
            #expect(try await room.ask("stats")?["pool"]?["max-concurrency"] == 1)
            #expect(try await room.ask("pool_shrink")?["error"]?.stringValue?.hasPrefix("ValueError(") == true)
        }
    }

    @Test("a worker whose last slots are taken away while the others are lost ends, as one that loses its last")
    func lostSlots() async throws {
        try await ControlRoom.run({ $0.concurrency = 8 }) { room in
            let leaks = room.worker.environment.leaks
            leaks.leaked()
            leaks.leaked()
            #expect(!leaks.isExceeded)
            // The worker may be gone before it has answered.
            _ = try await room.ask("pool_shrink", ["n": 6], within: .seconds(1))
            try await room.eventually("too many are lost") { leaks.isExceeded && !room.worker.health.isReady }
        }
    }

    @Test(
        "no number that a command is given ends the worker",
        arguments: [JSONValue.int(.min), .int(.max), "-9223372036854775808", "9223372036854775807", 1e308, -1e308, 1e-300, -1])
    func extremes(number: JSONValue) async throws {
        try await ControlRoom.run { room in
            for (method, names) in [
                "pool_grow": ["n"], "pool_shrink": ["n"], "autoscale": ["max", "min"], "memdump": ["samples"], "objgraph": ["num", "max_depth"],
                "rate_limit": ["rate_limit"], "time_limit": ["hard", "soft"], "revoke": ["signal"], "terminate": ["signal"],
            ] {
                var arguments = Dictionary(uniqueKeysWithValues: names.map { ($0, number) })
                if method.hasSuffix("limit") { arguments["task_name"] = "echo" }
                if names == ["signal"] { arguments.merge(["task_id": "unknown", "terminate": true]) { $1 } }
                #expect(try await room.ask(method, arguments) != nil, "\(method) is answered")
            }
            _ = try await room.ask("hello", ["from_node": "other@h", "revoked": ["a": number]])
            try await room.broker.control.broadcast(
                ControlRequest("ping", destination: ["other@h"], clock: number.intValue ?? 0, expires: number.doubleValue ?? 0), exchange: ControlRoom.exchange)
            #expect(try await room.ask("ping") == ["ok": "pong"])
            // Limits that were set are kept to.
            _ = try await room.ask("rate_limit", ["task_name": "echo", "rate_limit": 0])
            _ = try await room.ask("time_limit", ["task_name": "echo"])
            #expect(try await room.client.enqueue(task: "echo", args: [7]).value(within: .seconds(10)) == 7)
        }
    }

    @Test("limits are set by task and unknown tasks are refused")
    func limits() async throws {
        try await ControlRoom.run { room in
            #expect(try await room.ask("rate_limit", ["task_name": "echo", "rate_limit": "10/m"]) == ["ok": "new rate limit set successfully"])
            #expect(try await room.ask("registered")?.arrayValue?.first == "echo [rate_limit=10/m]")
            #expect(try await room.ask("rate_limit", ["task_name": "echo", "rate_limit": 0]) == ["ok": "rate limit disabled successfully"])
            #expect(try await room.ask("rate_limit", ["task_name": "nosuch", "rate_limit": 1]) == ["error": "unknown task"])
            #expect(
                try await room.ask("rate_limit", ["task_name": "echo", "rate_limit": "fast"])
                    == ["error": #"Invalid rate limit string: ValueError("could not convert string to float: 'fast'")"#])
            #expect(try await room.ask("time_limit", ["task_name": "hang", "hard": 0.05]) == ["ok": "time limits set successfully"])
            #expect(try await room.ask("time_limit", ["task_name": "nosuch", "hard": 1]) == ["error": "unknown task"])
            let id = try await room.hang()
            try await room.eventually("the limit ends the job") { try await room.state(id) == .failure }
        }
    }

    @Test("a worker that is told to shut down answers nothing and ends")
    func shutdown() async throws {
        try await ControlRoom.run { room in
            let events = try await room.broker.events.events(exchange: "celeryev")
            #expect(try await room.ask("shutdown", within: .milliseconds(300)) == nil)
            for await event in events where event.type == "worker-offline" { return }
        }
    }

    @Test("events about jobs are told between enable and disable, in order, the end when the result is stored")
    func events() async throws {
        try await ControlRoom.run { room in
            let stream = try await room.broker.events.events(exchange: "celeryev")
            #expect(try await room.ask("enable_events") == ["ok": "task events enabled"])
            #expect(try await room.ask("enable_events") == ["ok": "task events already enabled"])
            let good = try await room.client.enqueue(task: "echo", args: ["x"])
            let bad = try await room.client.enqueue(task: "fail")
            var told: [String: [WorkerEvent]] = [:]
            for await event in stream where event.group == "task" {
                told[event.fields["uuid"]?.stringValue ?? "", default: []].append(event)
                if event.type == "task-succeeded" { #expect(try await room.state(good.id) == .success) }
                if told[good.id]?.count == 3, told[bad.id]?.count == 3 { break }
            }
            #expect(told[good.id]?.map(\.type) == ["task-received", "task-started", "task-succeeded"])
            #expect(told[bad.id]?.map(\.type) == ["task-received", "task-started", "task-failed"])
            let received = try #require(told[good.id]?.first)
            #expect(Set(received.fields.keys) == ["uuid", "name", "args", "kwargs", "root_id", "parent_id", "retries", "eta", "expires"])
            #expect(told[good.id]?.last?.fields["result"] == "'x'")
            #expect(told[bad.id]?.last?.fields["exception"] == "ValueError('no')")
            let clocks = told.values.flatMap { $0 }.map(\.clock)
            #expect(Set(clocks).count == clocks.count)
            #expect(try await room.ask("disable_events") == ["ok": "task events disabled"])
            #expect(try await room.ask("disable_events") == ["ok": "task events already disabled"])
        }
    }

    @Test("a worker tells that it is there, unless it is told not to")
    func heartbeat() async throws {
        try await ControlRoom.run({ $0.monitoring.heartbeat = .milliseconds(20) }) { room in
            for await event in try await room.broker.events.events(exchange: "celeryev") where event.type == "worker-heartbeat" {
                #expect(event.fields["freq"] == 0.02)
                #expect(event.fields["loadavg"]?.arrayValue?.count == 3)
                #expect(Set(["active", "processed", "sw_ident", "sw_ver", "sw_sys"]).isSubset(of: event.fields.keys))
                return
            }
        }
    }
}

@Suite("The parts of remote control")
struct RemoteControlPartTests {
    @Test("rates are read as Celery reads them")
    func rates() throws {
        #expect(try RateLimit.parse("10/s")?.interval == .milliseconds(100))
        #expect(try RateLimit.parse("0.5/s")?.interval == .seconds(2))
        #expect(try RateLimit.parse("100/m")?.interval == .milliseconds(600))
        #expect(try RateLimit.parse("5/h")?.interval == .seconds(720))
        #expect(try RateLimit.parse(4)?.interval == .milliseconds(250))
        for none: JSONValue in [.null, "", 0, "0", "0/m"] { #expect(try RateLimit.parse(none) == nil) }
        for wrong: JSONValue in ["x", "10/x", "1/2/3", "-1", "nan", [], true] { #expect(throws: InvalidRate.self) { try RateLimit.parse(wrong) } }
    }

    @Test("a bucket serves one job at once and gives the others turns, in order")
    func buckets() throws {
        let limit = try #require(try RateLimit.parse("1/s"))
        let now = ContinuousClock.now
        var buckets = RateBuckets()
        #expect(buckets.wait("t", limit, at: now) == nil)
        #expect(buckets.wait("t", limit, at: now) == .seconds(1))
        #expect(buckets.wait("t", limit, at: now + .milliseconds(400)) == .milliseconds(1600))
        #expect(buckets.wait("other", limit, at: now) == nil)
        #expect(buckets.wait("t", limit, at: now + .seconds(60)) == nil)
    }

    @Test("a turn that one worker has given is kept by another, once and under the same limit")
    func turns() throws {
        let (start, clock) = (Timestamp(seconds: 1_000_000), ContinuousClock.now)
        let limit = try #require(try RateLimit.parse("1/s"))
        let (first, second) = (WorkerStatus(WorkerConfiguration(), []), WorkerStatus(WorkerConfiguration(), []))
        for status in [first, second] {
            status.setRateLimit(limit, of: "t")
            #expect(status.turn(of: Message(headers: .init(task: "t", id: "a"), body: .init(bytes: [])), at: start, by: clock) == nil)
        }
        var message = Message(headers: .init(task: "t", id: "b"), body: .init(bytes: []))
        let given = try #require(first.turn(of: message, at: start, by: clock))
        #expect(given.wait == .seconds(1))
        message.rateTurn = given.turn
        message = try Message(decoding: message.encoded())
        let (due, later) = (start + .seconds(1), clock + .milliseconds(500))
        #expect(second.turn(of: message, at: due, by: later) == nil)
        // Neither long before nor long after it, nor under another limit.
        #expect(second.turn(of: message, at: start + .seconds(-100), by: later)?.wait == .milliseconds(500))
        #expect(second.turn(of: message, at: start + .seconds(100), by: later)?.wait == .milliseconds(1500))
        second.setRateLimit(try RateLimit.parse("60/m"), of: "t")
        #expect(second.turn(of: message, at: due, by: later) == nil, "the first token under the new limit")
        #expect(second.turn(of: message, at: due, by: later)?.wait == .seconds(1))
    }

    @Test("several workers together run as many times a limit's rate")
    func together() throws {
        let limit = try #require(try RateLimit.parse("10/s"))
        let (start, clock) = (Timestamp(seconds: 1_000_000), ContinuousClock.now)
        let workers = (0..<4).map { _ in WorkerStatus(WorkerConfiguration(), []) }
        for worker in workers { worker.setRateLimit(limit, of: "t") }
        var random = SystemRandomNumberGenerator()
        var due = (0..<400).map { (wait: Duration.zero, message: Message(headers: .init(task: "t", id: "\($0)"), body: .init(bytes: []))) }
        var (last, turns) = (Duration.zero, 0)
        while !due.isEmpty {
            due.sort { $0.wait < $1.wait }
            var (wait, message) = due.removeFirst()
            let worker = workers[turns < 400 ? turns % 4 : Int.random(in: 0..<4, using: &random)]
            turns += 1
            guard let turn = worker.turn(of: message, at: start + wait, by: clock + wait) else {
                last = wait
                continue
            }
            message.rateTurn = turn.turn
            due.append((wait + turn.wait, message))
        }
        #expect(last == .milliseconds(9900))
    }

    @Test("task events are published together, others alone, in order")
    func batches() {
        var pending = ["worker-online", "task-received", "task-started", "worker-heartbeat"].map {
            WorkerEvent($0, node: "n", at: Timestamp(seconds: 0), clock: 0, pid: 1)
        }
        #expect(EventSink.nextBatch(of: &pending, limit: 10).map(\.type) == ["worker-online"])
        #expect(EventSink.nextBatch(of: &pending, limit: 10).map(\.type) == ["task-received", "task-started"])
        #expect(EventSink.nextBatch(of: &pending, limit: 10).map(\.type) == ["worker-heartbeat"])
        #expect(EventSink.nextBatch(of: &pending, limit: 10).isEmpty)
    }

    @Test("slots taken away while they are in use go as they are given back")
    func gate() async {
        let gate = SlotGate(slots: 3)
        #expect(await gate.takeFree() == 3)
        gate.resize(by: -2)
        gate.release(3)
        #expect(await gate.takeFree() == 1)
        gate.resize(by: 4)
        #expect(await gate.takeFree() == 4)
    }

    @Test("sets are written as Python writes them, however long")
    func sets() {
        #expect(PythonSet.text([]) == "set()")
        #expect(PythonSet.text(["a"]) == "{'a'}")
        let ids = (0..<200).map { _ in JobID.make() }
        #expect(PythonSet.text(ids).hasSuffix("'\(ids[199])'}"))
    }
}
