import Tracing

/// The span of one call that enqueues, named as OpenTelemetry's instrumentation of Celery names it.
enum EnqueueSpan {
    /// Runs the call in a span; without a tracer just runs it.
    ///
    /// - Parameter tasks: what is sent; many calls of one task have its name, calls of several have none.
    static func around<Value>(_ tasks: [String], _ body: () async throws -> Value, ids: (Value) -> [String]) async throws -> Value {
        guard JobTracing.current != nil, let first = tasks.first else { return try await body() }
        let name = tasks.allSatisfy { $0 == first } ? "apply_async/\(first)" : "apply_async"
        return try await withSpan(name, ofKind: .producer) { span in
            span.attributes["messaging.system"] = "celery"
            span.attributes["celery.action"] = "apply_async"
            if tasks.count > 1 { span.attributes["messaging.batch.message_count"] = tasks.count }
            let value = try await body()
            if tasks.count == 1, let id = ids(value).first { span.attributes["messaging.message.id"] = id }
            return value
        }
    }
}
