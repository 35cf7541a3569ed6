import ApiumCore
import DynamicJSON
import Synchronization

/// Tells whoever watches what becomes of jobs: Celery's `task-*` events, with exactly its fields (celery-wire 14).
///
/// A job's end is told when it is written: whoever hears of a success finds the result.
final class JobReporter: Sendable {
    private let sink: EventSink
    private let status: WorkerStatus
    /// Ends that are decided and not written yet.
    private let ends = Mutex<[DeliveryTag: [WorkerEvent]]>([:])

    init(_ sink: EventSink, _ status: WorkerStatus) {
        self.sink = sink
        self.status = status
    }

    /// The job has come to this worker and may run, now or at its time.
    func received(_ message: Message) {
        guard sink.tellsTasks else { return }
        let headers = message.headers
        sink.send(
            sink.event(
                "task-received",
                [
                    "uuid": .string(headers.id), "name": .string(headers.task), "args": .string(headers.argsRepr ?? "()"),
                    "kwargs": .string(headers.kwargsRepr ?? "{}"), "root_id": .text(headers.rootID), "parent_id": .text(headers.parentID),
                    "retries": .int(Int64(headers.retries)), "eta": .text(headers.eta), "expires": .text(headers.expires),
                ]))
    }

    /// The job begins to run.
    func started(_ message: Message) {
        status.accepted(message.task)
        guard sink.tellsTasks else { return }
        sink.send(sink.event("task-started", ["uuid": .string(message.id)]))
    }

    /// How the job ended is decided; told by ``written(_:_:)``.
    func ended(_ job: Assignment, _ verdict: Verdict, ran: Duration = .zero) {
        guard sink.tellsTasks else { return }
        let events = JobReporter.events(of: verdict, job.message.task, ran: ran).map { type, fields in
            sink.event(type, fields.merging(["uuid": .string(job.message.id)]) { $1 })
        }
        guard !events.isEmpty else { return }
        ends.withLock { $0[job.delivery.tag] = events }
    }

    /// The end of a delivery is written, or was refused because the job is another worker's now.
    func written(_ tag: DeliveryTag, _ outcome: CompletionOutcome) {
        guard let events = ends.withLock({ $0.isEmpty ? nil : $0.removeValue(forKey: tag) }), outcome != .taken else { return }
        for event in events { sink.send(event) }
    }

    /// The session is over: what it had decided and could not write is decided anew elsewhere.
    func sessionEnded() { ends.withLock { $0 = [:] } }

    /// The events that tell of a verdict: none for what nobody watches.
    static func events(of verdict: Verdict, _ task: String, ran: Duration) -> [(String, [String: JSONValue])] {
        switch verdict {
        case .success(let value): return [("task-succeeded", ["result": .string(PythonText.text(value)), "runtime": .double(ran.inSeconds)])]
        case .failure(let failure):
            var events = [("task-failed", Self.failed(failure, task))]
            // Celery tells of a message that was refused for good, too.
            if failure.type == "Reject", failure.module == "celery.exceptions" { events.insert(("task-rejected", ["requeue": false]), at: 0) }
            return events
        case .retry(let again): return [("task-retried", again.cause.map { Self.failed($0, task) } ?? ["exception": "", "traceback": nil])]
        case .requeue, .lost: return [("task-rejected", ["requeue": true])]
        case .revoked(let word):
            let isTerminated = word == "terminated"
            return [("task-revoked", ["terminated": .bool(isTerminated), "signum": isTerminated ? 15 : nil, "expired": .bool(word == "expired")])]
        case .parked(_, let failure?), .quarantined(let failure): return [("task-failed", Self.failed(failure, task))]
        default: return []
        }
    }

    private static func failed(_ failure: JobFailure, _ task: String) -> [String: JSONValue] {
        ["exception": .string(failure.pythonText), "traceback": .string(failure.traceback(of: task))]
    }
}

extension JSONValue {
    /// A text, or `null`.
    static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}
