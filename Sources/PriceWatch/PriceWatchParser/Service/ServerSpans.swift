import GRPCCore
import Tracing

/// Spans of calls that are served, children of the caller's. Calls without a trace, health checks among them, begin none.
struct ServerSpans: ServerInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        var caller = ServiceContext.topLevel
        InstrumentationSystem.instrument.extract(request.metadata, into: &caller, using: MetadataExtractor())
        guard !caller.isEmpty else { return try await next(request, context) }
        let descriptor = context.descriptor
        let span = startSpan(descriptor.fullyQualifiedMethod, context: caller, ofKind: .server)
        span.attributes["rpc.system"] = "grpc"
        span.attributes["rpc.service"] = descriptor.service.fullyQualifiedService
        span.attributes["rpc.method"] = descriptor.method
        do {
            let response = try await ServiceContext.withValue(span.context) { try await next(request, context) }
            return Self.ending(span, with: response)
        } catch {
            span.recordError(error)
            span.setStatus(SpanStatus(code: .error))
            span.end()
            throw error
        }
    }

    /// The call has ended when its answers are written, not when they are promised.
    private static func ending<Output: Sendable>(_ span: any Span, with response: StreamingServerResponse<Output>) -> StreamingServerResponse<Output> {
        switch response.accepted {
        case .failure(let error):
            span.recordError(error)
            span.setStatus(SpanStatus(code: .error))
            span.end()
            return response
        case .success(var contents):
            let produce = contents.producer
            contents.producer = { writer in
                defer { span.end() }
                do {
                    return try await ServiceContext.withValue(span.context) { try await produce(writer) }
                } catch {
                    span.recordError(error)
                    span.setStatus(SpanStatus(code: .error))
                    throw error
                }
            }
            return StreamingServerResponse(accepted: .success(contents))
        }
    }
}

private struct MetadataExtractor: Extractor {
    func extract(key: String, from carrier: Metadata) -> String? { carrier[stringValues: key].first { _ in true } }
}
