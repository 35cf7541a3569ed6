import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import Synchronization
import Testing

@testable import ApiumWorker

/// A worker on an in-memory broker, with jobs that are closures.
struct Workshop {
    let broker: InMemoryBroker
    let client: ApiumClient
    var registry = JobRegistry()
    var configuration = WorkerConfiguration(queues: ["q"], concurrency: 4, gracePeriod: .milliseconds(200), cancellationPeriod: .milliseconds(200))

    init(_ wrap: (InMemoryBroker) -> any Broker = { $0 }) {
        broker = InMemoryBroker()
        client = ApiumClient(broker: wrap(broker), results: broker.results, defaultQueue: "q")
    }

    func worker() throws -> Worker {
        try Worker(client: client, registry: registry, configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs `body` beside a worker, and stops the worker then.
    func run(_ body: () async throws -> Void) async throws {
        let worker = try worker()
        let running = Task { try await worker.run() }
        do {
            try await body()
        } catch {
            running.cancel()
            _ = await running.result
            throw error
        }
        running.cancel()
        try await running.value
    }

    /// Waits until something is so.
    func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

@Suite("Workers", .timeLimit(.minutes(1)))
struct WorkerRunTests {
    @Test("a job runs, and its caller gets its value")
    func value() async throws {
        var workshop = Workshop()
        workshop.registry.register("add") { arguments, _ in .int(arguments.args.compactMap(\.intValue).reduce(0, +)) }
        try await workshop.run {
            let handle = try await workshop.client.enqueue(task: "add", args: [2, 3])
            #expect(try await handle.value(within: .seconds(10)) == 5)
        }
    }

    @Test("jobs that are stopped among many short ones stop nobody else: tasks that run one job after another are not cancelled for the next")
    func stopped() async throws {
        var workshop = Workshop()
        workshop.configuration.concurrency = 300
        workshop.registry.register("hang") { _, _ in
            try await Task.sleep(for: .seconds(1000))
            return .null
        }
        workshop.registry.register("probe") { _, _ in .bool(Task.isCancelled) }
        try await workshop.run {
            var hanging: [JobHandle<JSONValue>] = []
            var probes: [JobHandle<JSONValue>] = []
            for _ in 0..<20 {
                hanging.append(try await workshop.client.enqueue(task: "hang"))
                for _ in 0..<10 { probes.append(try await workshop.client.enqueue(task: "probe")) }
            }
            try await workshop.broker.revoke(hanging.map(\.id))
            for _ in 0..<100 { probes.append(try await workshop.client.enqueue(task: "probe")) }
            for probe in probes { #expect(try await probe.value(within: .seconds(20)) == false) }
            for handle in hanging {
                try await workshop.eventually("the job is stopped") { try await workshop.broker.results.document(for: handle.id)?.state == .revoked }
            }
        }
    }

    @Test("a job that waits, or that takes its thread, holds up none of those that were claimed with it")
    func waiting() async throws {
        var workshop = Workshop()
        workshop.configuration.concurrency = 64
        let ended = Counter()
        workshop.registry.register("last") { _, _ in
            // It goes on when all the others have ended.
            while ended.value < 40 { try await Task.sleep(for: .milliseconds(2)) }
            return .null
        }
        workshop.registry.register("short") { _, _ in .int(Int64(ended.increment())) }
        try await workshop.run {
            var handles: [JobHandle<JSONValue>] = []
            for number in 0..<60 { handles.append(try await workshop.client.enqueue(task: number % 3 == 0 ? "last" : "short")) }
            for handle in handles { _ = try await handle.value(within: .seconds(20)) }
            #expect(ended.value == 40)
        }
    }

    @Test("a compressed message runs, and one in a serialisation that is not accepted is parked with its reason")
    func content() async throws {
        var workshop = Workshop()
        let runs = Counter()
        workshop.registry.register("count") { _, _ in .int(Int64(runs.increment())) }
        try await workshop.run {
            let options = EnqueueOptions.with { $0.format = ContentFormat(compression: .zstd) }
            #expect(try await workshop.client.enqueue(task: "count", options).value(within: .seconds(10)) == 1)
            let foreign = Serializer(name: "pickle", contentType: "application/x-python-serialize", encode: { _ in [0x80, 4] }, decode: { _ in nil })
            try await workshop.client.enqueue(task: "count", .with { $0.format = ContentFormat(foreign) })
            try await workshop.eventually("the message is parked") { try await workshop.broker.records(in: .parked, limit: 10).count == 1 }
            let reason = try await workshop.broker.records(in: .parked, limit: 10).first?.reason
            #expect(reason?.contains("pickle (application/x-python-serialize)") == true)
            #expect(runs.value == 1)
        }
    }

    @Test("a failing job is retried as often as its policy says, and then kept in the dead set with its failure")
    func retries() async throws {
        var workshop = Workshop()
        let runs = Counter()
        workshop.registry.register("fail", options: JobOptions(retry: .fixed(attempts: 3, delay: .milliseconds(1)))) { _, _ in
            runs.increment()
            throw JobFailure(type: "Broken", arguments: [1])
        }
        try await workshop.run {
            let handle = try await workshop.client.enqueue(task: "fail")
            let failure = await #expect(throws: JobFailure.self) { try await handle.value(within: .seconds(10)) }
            #expect(failure == JobFailure(type: "Broken", arguments: [1]))
            #expect(runs.value == 3)
            #expect(try await workshop.broker.records(in: .dead, limit: 5).map(\.attempts) == [3])
        }
    }

    @Test("a retry comes back when it is due on the broker's clock, however wrong the worker's is")
    func skewedClock() async throws {
        var workshop = Workshop()
        let runs = Counter()
        workshop.registry.register("again", options: JobOptions(retry: .fixed(attempts: 2, delay: .milliseconds(1)))) { _, _ in
            if runs.increment() == 1 { throw JobFailure(type: "Broken") }
            return 1
        }
        let worker = try Worker(
            client: workshop.client, registry: workshop.registry, configuration: workshop.configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { Timestamp.now() + .hours(1) })
        let running = Task { try await worker.run() }
        let handle = try await workshop.client.enqueue(task: "again")
        #expect(try await handle.value(within: .seconds(10)) == 1)
        running.cancel()
        try await running.value
    }

    @Test(
        "a message with impossible numbers takes nobody down",
        arguments: [#""retries":9223372036854775807"#, #""timelimit":[1e300,null]"#, #""timelimit":[-1,null]"#, #""apium_crashes":9223372036854775807"#])
    func hostileNumbers(header: String) async throws {
        var workshop = Workshop()
        workshop.registry.register("t", options: JobOptions(retry: .exponential(attempts: 2, base: .milliseconds(1)))) { _, _ in 1 }
        let text =
            #"{"body":"W1tdLHt9LHt9XQ==","content-encoding":"utf-8","content-type":"application/json","headers":{"task":"t","id":"hostile",\#(header)},"properties":{"body_encoding":"base64"}}"#
        // A shelf is the way to bring any bytes onto a list.
        let session = try await workshop.broker.openSession(WorkerIdentity(name: "carrier", pid: 1, queues: ["q"]))
        _ = try await workshop.client.enqueue(task: "carrier")
        let tag = try await session.claim(limit: 1).deliveries[0].tag
        let record = ShelvedRecord(id: "raw", task: nil, queue: "q", reason: "", at: Timestamp(microseconds: 1), attempts: 0, payload: Array(text.utf8))
        _ = try await session.complete([Completion(tag, .shelve(.parked, record))])
        #expect(try await workshop.broker.requeue("raw", from: .parked))
        try await session.close()
        try await workshop.run {
            try await workshop.eventually("the message has run or is parked") {
                let parked = try await workshop.broker.records(in: .parked, limit: 5)
                return try await workshop.broker.results.document(for: "hostile")?.state == .success || parked.contains { $0.payload == Array(text.utf8) }
            }
            #expect(try await workshop.client.enqueue(task: "t").value(within: .seconds(10)) == 1)
        }
    }

    @Test("what follows a job that caught its soft limit goes out, although the job's task was cancelled")
    func followsSoftLimit() async throws {
        var workshop = Workshop { Obstacle(broker: $0) }
        workshop.registry.register("guarded", options: JobOptions(softTimeLimit: .milliseconds(10))) { _, context in
            do { try await context.sleep(for: .seconds(3600)) } catch is SoftTimeLimitExceeded { return 7 }
            return .null
        }
        workshop.registry.register("echo") { arguments, _ in arguments.args.first ?? .null }
        try await workshop.run {
            let steps = ["guarded", "echo"].map { Signature($0, options: ["queue": "q"]) }
            let plan = try Dispatcher(now: try await workshop.broker.serverTime()).plan(.chain(steps))
            try await workshop.broker.enqueue(plan.messages)
            let result = try #require(plan.result)
            #expect(try await workshop.broker.results.wait(for: result.id, within: .seconds(10))?.result == 7)
        }
    }

    @Test("a job that caught its soft limit tells its progress and sends the rest, although its task was cancelled")
    func sendsAfterSoftLimit() async throws {
        struct Rest: JobDefinition {
            static let name = "rest"
            typealias Output = Int
            var left: Int
        }
        var workshop = Workshop { Obstacle(broker: $0) }
        workshop.registry.register("guarded", options: JobOptions(softTimeLimit: .milliseconds(10))) { _, context in
            do { try await context.sleep(for: .seconds(3600)) } catch is SoftTimeLimitExceeded {
                try await context.updateState("PROGRESS", ["done": 3])
                let rest = try await context.enqueue(Rest(left: 4))
                let sent = try await context.send(Signature("echo", args: [5], options: ["queue": "q"]))
                return [.string(rest), .string(sent?.id ?? "")]
            }
            return .null
        }
        workshop.registry.register("rest") { arguments, _ in arguments.kwargs["left"] ?? .null }
        workshop.registry.register("echo") { arguments, _ in arguments.args.first ?? .null }
        try await workshop.run {
            let value = try await workshop.client.enqueue(task: "guarded").value(within: .seconds(10))
            let ids = value.arrayValue?.compactMap(\.stringValue) ?? []
            try #require(ids.count == 2)
            #expect(try await workshop.broker.results.wait(for: ids[0], within: .seconds(10))?.result == 4)
            #expect(try await workshop.broker.results.wait(for: ids[1], within: .seconds(10))?.result == 5)
        }
    }

    @Test("a job whose early acknowledgement was repeated after a cut reply runs all the same")
    func repeatedAcknowledgement() async throws {
        var workshop = Workshop { Obstacle(broker: $0) }
        workshop.registry.register("early", options: JobOptions(acksLate: false)) { _, _ in 1 }
        try await workshop.run {
            let value = try await workshop.client.enqueue(task: "early").value(within: .seconds(10))
            #expect(value == 1)
        }
    }

    @Test("one end that the broker refuses holds up no other")
    func refusedCompletion() async throws {
        var workshop = Workshop { Obstacle(broker: $0) }
        workshop.registry.register("t") { arguments, _ in arguments.args.first ?? nil }
        try await workshop.run {
            _ = try await workshop.client.enqueue(task: "t", EnqueueOptions.id("refused"))
            for number in 0..<20 {
                #expect(try await workshop.client.enqueue(task: "t", args: [.int(Int64(number))]).value(within: .seconds(10)) == .int(Int64(number)))
            }
        }
        #expect(try await workshop.broker.queueLength("q") == 1, "the job whose end was refused is given back")
    }

    @Test("a worker whose ends cannot be written has no room for more jobs, until they can")
    func room() async throws {
        let broker = InMemoryBroker()
        let session = broker.open(WorkerIdentity(name: "w", pid: 1, queues: ["q"]))
        let client = ApiumClient(broker: broker, results: broker.results, defaultQueue: "q")
        for _ in 0..<401 { _ = try await client.enqueue(task: "t") }
        var deliveries: [Delivery] = []
        while deliveries.count < 401 { deliveries += try await session.claim(limit: 401).deliveries }
        let writer = CompletionWriter(session: session, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        for delivery in deliveries.prefix(199) { writer.add(Completion(delivery.tag, .done)) }
        #expect(writer.hasRoom(4))
        for delivery in deliveries.dropFirst(199) { writer.add(Completion(delivery.tag, .done)) }
        #expect(!writer.hasRoom(4) && !writer.hasRoom(401))
        #expect(writer.hasRoom(402), "as many as there are slots may wait in any case")
        let claimer = Task { await writer.untilRoom(4) }
        let writing = Task { await writer.run() }
        await claimer.value
        #expect(writer.hasRoom(4))
        writer.close()
        await writing.value
    }

    @Test("a revoked job does not run, even when the revokes could not be read at first")
    func revokedJob() async throws {
        var workshop = Workshop { Obstacle(broker: $0) }
        let runs = Counter()
        workshop.registry.register("t") { _, _ in .int(Int64(runs.increment())) }
        let handle = try await workshop.client.enqueue(task: "t")
        try await handle.revoke()
        try await workshop.run {
            let failure = await #expect(throws: JobFailure.self) { try await handle.value(within: .seconds(10)) }
            #expect(failure?.type == "TaskRevokedError")
            #expect(runs.value == 0)
        }
    }

    @Test("a job of a worker that vanished runs elsewhere; its own end is refused")
    func vanishedWorker() async throws {
        var workshop = Workshop()
        workshop.configuration.lease = .seconds(1)
        workshop.registry.register("t") { _, context in .bool(context.redelivered) }
        let lost = workshop.broker.open(WorkerIdentity(name: "lost", pid: 1, queues: ["q"], lease: .milliseconds(50)))
        let handle = try await workshop.client.enqueue(task: "t")
        let stale = try await lost.claim(limit: 1).deliveries[0]
        lost.silence()
        try await workshop.run {
            let value = try await handle.value(within: .seconds(10))
            #expect(value == true)
        }
        #expect(try await lost.complete([Completion(stale.tag, .done)]) == [.taken])
    }

    @Test("a lease that is lost while the worker stops is heard: its jobs are another worker's, and the grace period ends")
    func lostWhileStopping() async throws {
        let opened = OpenedSessions()
        var workshop = Workshop { Obstacle(broker: $0, opened: opened) }
        workshop.configuration.gracePeriod = .seconds(3600)
        workshop.configuration.lease = .seconds(1)
        let (began, cancelled) = (Counter(), Counter())
        workshop.registry.register("long") { _, _ in
            began.increment()
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                cancelled.increment()
                throw error
            }
            return nil
        }
        let worker = try workshop.worker()
        let running = Task { try await worker.run() }
        defer { running.cancel() }
        _ = try await workshop.client.enqueue(task: "long")
        try await workshop.eventually("the job has begun") { began.value == 1 }
        worker.shutDown(.gracefully)
        try await workshop.eventually("nothing is claimed any more") { opened.claimsEnded.value == 1 }
        let other = workshop.broker.open(WorkerIdentity(name: "other", pid: 1, queues: ["q"]))
        opened.silence()
        try await workshop.eventually("the job is returned") { try await other.maintain().reaped == 1 }
        try await workshop.eventually("the job is told") { cancelled.value == 1 }
        try await running.value
        #expect(try await workshop.broker.queueLength("q") == 1)
        try await other.close()
    }

    @Test("a job that is terminated while the worker stops is told, also when only the broker's state says so")
    func terminatedWhileStopping() async throws {
        let opened = OpenedSessions()
        var workshop = Workshop { Obstacle(broker: $0, opened: opened, unreadable: 0) }
        workshop.configuration.gracePeriod = .seconds(3600)
        let began = Counter()
        workshop.registry.register("long") { _, _ in
            began.increment()
            try await Task.sleep(for: .seconds(3600))
            return nil
        }
        let worker = try workshop.worker()
        let running = Task { try await worker.run() }
        defer { running.cancel() }
        let handle = try await workshop.client.enqueue(task: "long")
        try await workshop.eventually("the job has begun") { began.value == 1 }
        worker.shutDown(.gracefully)
        try await workshop.eventually("nothing is claimed any more") { opened.claimsEnded.value == 1 }
        try await workshop.broker.revoke(Revocation(ids: [handle.id], terminate: true))
        try await workshop.eventually("it ends") { try await workshop.broker.results.document(for: handle.id)?.state == .revoked }
        try await running.value
    }

    @Test("a job that does not end in time when its worker stops goes back to its queue, once")
    func stopping() async throws {
        var workshop = Workshop()
        let started = Counter()
        workshop.registry.register("long") { _, _ in
            started.increment()
            try await Task.sleep(for: .seconds(1000))
            return nil
        }
        try await workshop.run {
            _ = try await workshop.client.enqueue(task: "long")
            try await workshop.eventually("the job has started") { started.value == 1 }
        }
        #expect(try await workshop.broker.queueLength("q") == 1)
        #expect(started.value == 1)
    }
}
