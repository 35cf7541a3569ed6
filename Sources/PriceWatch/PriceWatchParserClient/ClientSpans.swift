import GRPCCore
import Tracing

/// Spans of calls to the parser, inside of a trace: the parser goes on with it, by the metadata that W3C's Trace Context names.
struct ClientSpans: ClientInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingClientRequest<Input>, context: ClientContext,
        next: (StreamingClientRequest<Input>, ClientContext) async throws -> StreamingClientResponse<Output>
    ) async throws -> StreamingClientResponse<Output> {
        guard let current = ServiceContext.current, !current.isEmpty else { return try await next(request, context) }
        return try await withSpan(context.descriptor.fullyQualifiedMethod, ofKind: .client) { span in
            span.attributes["rpc.system"] = "grpc"
            span.attributes["rpc.service"] = context.descriptor.service.fullyQualifiedService
            span.attributes["rpc.method"] = context.descriptor.method
            var request = request
            InstrumentationSystem.instrument.inject(span.context, into: &request.metadata, using: MetadataInjector())
            let response = try await next(request, context)
            if case .failure(let error) = response.accepted {
                span.recordError(error)
                span.setStatus(SpanStatus(code: .error))
            }
            return response
        }
    }
}

private struct MetadataInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout Metadata) { carrier.replaceOrAddString(value, forKey: key) }
}
