import ApiumCore
import Tracing

extension JobTracing {
    /// Runs a job in a span of its own, the child of the one that sent it; named as OpenTelemetry's instrumentation of Celery names it.
    func running(_ job: Assignment, _ body: (any Span) async -> Void) async {
        let message = job.message
        await withSpan("run/\(message.task)", context: context(of: message), ofKind: .consumer) { span in
            span.attributes["messaging.system"] = "celery"
            span.attributes["messaging.message.id"] = message.id
            span.attributes["messaging.destination.name"] = job.delivery.queue
            span.attributes["celery.action"] = "run"
            span.attributes["celery.task_name"] = message.task
            span.attributes["celery.retries"] = message.headers.retries
            await body(span)
        }
    }
}

extension Span {
    /// How the run ended.
    func ended(_ verdict: Verdict?) {
        attributes["celery.state"] = Self.state(verdict)
        switch verdict {
        case .failure(let failure), .lost(let failure), .quarantined(let failure), .parked(_, let failure?):
            setStatus(SpanStatus(code: .error, message: failure.description))
        default: break
        }
    }

    private static func state(_ verdict: Verdict?) -> String {
        switch verdict {
        case .success, .succeededBefore: "SUCCESS"
        case .failure, .quarantined: "FAILURE"
        case .retry: "RETRY"
        case .revoked: "REVOKED"
        default: JobOutcome(verdict).label.uppercased()
        }
    }
}
