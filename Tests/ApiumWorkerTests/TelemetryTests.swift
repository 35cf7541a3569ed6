import ApiumCore
import ApiumTelemetry
import ApiumTesting
import DynamicJSON
import Logging
import Metrics
import Synchronization
import Testing
import Tracing

@testable import ApiumWorker

/// Keeps lines.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    /// The lines as objects.
    var objects: [JSONValue] { all.compactMap { try? JSONValue(parsing: Array($0.utf8)) } }
    func span(_ name: String) -> JSONValue? { objects.first { $0["span"]?.stringValue == name } }
}

@Suite("Metrics of a worker", .timeLimit(.minutes(1)))
struct WorkerMetricsTests {
    @Test("waits, runs and ends are counted by job and queue, and names that only messages bring make no series")
    func jobs() async throws {
        let registry = PrometheusRegistry()
        try await withMetricsFactory(registry) {
            let mill = Mill()
            try await mill.run {
                for _ in 1...3 { try await mill.expect(call("add", 1, 2), gives: 3) }
                await #expect(throws: JobFailure.self) { try await mill.value(call("fail")) }
                for number in 1...5 { await #expect(throws: JobFailure.self) { try await mill.value(call("evil.\(number)")) } }
            }
        }
        let text = registry.exposition()
        #expect(text.contains(#"apium_jobs_total{outcome="success",queue="celery",task="add"} 3"#))
        #expect(text.contains(#"apium_jobs_total{outcome="failure",queue="celery",task="add"} 0"#))
        #expect(text.contains(#"apium_jobs_total{outcome="failure",queue="celery",task="fail"} 1"#))
        #expect(text.contains(#"apium_jobs_total{outcome="parked",queue="celery",task="(unknown)"} 5"#))
        #expect(!text.contains("evil"))
        for name in ["wait", "run", "end_to_end"] {
            #expect(text.contains("apium_job_\(name)_seconds_count{queue=\"celery\",task=\"add\"} 3"), "\(name)")
        }
    }

    @Test("the worker on duty tells of queues, shelves and workers, and takes it back when it is no longer")
    func census() async throws {
        let registry = PrometheusRegistry()
        try await withMetricsFactory(registry) {
            let mill = Mill()
            try await mill.broker.enqueue([Outgoing(Message(headers: Message.Headers(task: "add", id: "1"), body: TaskArguments().encodedBody()), to: "other")])
            let later = Message(headers: Message.Headers(task: "add", id: "2"), body: TaskArguments().encodedBody())
            try await mill.broker.enqueue([Outgoing(later, to: "other", after: .hours(1))])
            let worker = try Worker(
                client: ApiumClient(
                    broker: mill.broker, results: mill.results, router: Router(queues: [QueueDeclaration("other"), QueueDeclaration("celery")])),
                registry: mill.registry.withLock { $0 }, configuration: mill.configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            await worker.collectMetrics()
            #expect(!registry.exposition().contains("apium_queue_length"), "nobody is on duty yet")
            let running = Task { try await worker.run() }
            try await mill.eventually("the worker to be on duty and to tell") {
                await worker.collectMetrics()
                return registry.exposition().contains("apium_workers 1")
            }
            let text = registry.exposition()
            #expect(text.contains(#"apium_queue_length{queue="other"} 1"#))
            #expect(text.contains(#"apium_queue_oldest_seconds{queue="other"}"#))
            #expect(text.contains(#"apium_queue_length{queue="celery"} 0"#))
            #expect(text.contains(#"apium_shelf_jobs{shelf="dead"} 0"#))
            #expect(text.contains("apium_scheduled_jobs 1") && text.contains("apium_held_jobs 0"))
            #expect(text.contains("apium_worker_concurrency 4"))
            running.cancel()
            try await running.value
            await worker.collectMetrics()
            let after = registry.exposition()
            #expect(!after.contains("apium_queue_length") && !after.contains("apium_workers"))
            #expect(after.contains("apium_worker_ready 0"))
        }
    }

    @Test("a worker that is told to stop is not ready while its jobs go on")
    func stopping() async throws {
        let mill = Mill()
        mill.register("wait") { [seen = mill.seen] _, context in
            seen.note("began")
            try await Task.sleep(for: .seconds(60))
            return .null
        }
        let worker = try mill.worker
        let running = Task { try await worker.run() }
        try await mill.send(call("wait"))
        try await mill.eventually("the job to begin") { !mill.seen.values.isEmpty }
        try await mill.eventually("the worker to be ready") { worker.health.isReady }
        worker.shutDown(.gracefully)
        #expect(worker.health.reason == "it is stopping")
        try await running.value
    }
}

@Suite("Traces of jobs", .timeLimit(.minutes(1)))
struct TraceTests {
    @Test("a chain is one trace: the caller's span, the sending, the first run, and the second run below it")
    func chain() async throws {
        let lines = Lines()
        try await withTracer(SpanLogTracer { lines.append($0) }) {
            let mill = Mill()
            let client = ApiumClient(broker: mill.broker, results: mill.results)
            try await mill.run {
                let handle = try await withSpan("caller") { _ in try await client.send(.chain([call("add", 1, 2), call("sum"), call("echo")])) }
                // `sum` of a number is 0.
                #expect(try await handle?.value(within: .seconds(20)) == 0)
                try await mill.eventually("the last span") { lines.span("run/echo") != nil }
            }
        }
        let caller = try #require(lines.span("caller"))
        let sending = try #require(lines.span("apply_async/celery.chain"))
        let runs = try ["run/add", "run/sum", "run/echo"].map { try #require(lines.span($0), "\($0)") }
        #expect(sending["parent_id"] == caller["span_id"])
        #expect(runs[0]["parent_id"] == sending["span_id"])
        #expect(runs[1]["parent_id"] == runs[0]["span_id"])
        #expect(runs[2]["parent_id"] == runs[1]["span_id"])
        for span in [sending] + runs { #expect(span["trace_id"] == caller["trace_id"]) }
        #expect(sending["kind"] == "producer" && runs[0]["kind"] == "consumer")
        #expect(runs[0]["attributes"]?["celery.state"] == "SUCCESS")
    }

    @Test("a failure is the span's status, and a retry stays in the trace")
    func failures() async throws {
        let lines = Lines()
        try await withTracer(SpanLogTracer { lines.append($0) }) {
            let mill = Mill()
            mill.register("once more") { _, context in
                guard context.retries > 0 else { throw Retry(after: .zero) }
                throw JobFailure(type: "ValueError", arguments: ["never"])
            }
            let client = ApiumClient(broker: mill.broker, results: mill.results)
            try await mill.run {
                let handle: JobHandle<JSONValue> = try await client.enqueue(task: "once more")
                await #expect(throws: JobFailure.self) { try await handle.value(within: .seconds(20)) }
                try await mill.eventually("both runs") { lines.objects.count { $0["span"] == "run/once more" } == 2 }
            }
        }
        let sending = try #require(lines.span("apply_async/once more"))
        // A span is written as it ends, and the second run may end before the first run's span does.
        let runs = lines.objects.filter { $0["span"] == "run/once more" }
        #expect(runs.allSatisfy { $0["trace_id"] == sending["trace_id"] && $0["parent_id"] == sending["span_id"] })
        let retry = try #require(runs.first { $0["attributes"]?["celery.state"] == "RETRY" })
        let failure = try #require(runs.first { $0["attributes"]?["celery.state"] == "FAILURE" })
        #expect(retry["status"] == "unset" && failure["status"] == "error")
        #expect(failure["error"]?.stringValue?.contains("never") == true)
    }

    @Test("without a tracer messages carry no context, and nothing is asked for it")
    func untraced() async throws {
        let mill = Mill()
        mill.register("headers") { _, context in .object(context.message.headers.custom) }
        try await mill.run { try await mill.expect(call("headers"), gives: [:]) }
        #expect(JobTracing.current == nil)
    }

    @Test("every line that a job writes names it, whoever's logger it is, and the trace")
    func logs() async throws {
        let (lines, spans) = (Lines(), Lines())
        let provider = Logger.MetadataProvider.multiplex([.currentJob, .currentSpan])
        try await withTracer(SpanLogTracer { spans.append($0) }) {
            let mill = Mill()
            mill.register("speak") { _, _ in
                Logger(label: "library") { LineLogHandler(label: $0, format: .json, level: .info, metadataProvider: provider) { lines.append($0) } }.info(
                    "hello")
                return .null
            }
            try await mill.run {
                let id = try await mill.send(call("speak")).id
                _ = try await mill.document(id)
                let metadata = try #require(lines.objects.first?["metadata"])
                #expect(metadata["job"] == .string(id))
                #expect(metadata["task"] == "speak")
                #expect(metadata["attempt"] == "1")
                try await mill.eventually("the span") { spans.span("run/speak") != nil }
                #expect(metadata["trace_id"] == spans.span("run/speak")?["trace_id"])
                #expect(metadata["span_id"] == spans.span("run/speak")?["span_id"])
            }
        }
    }
}
