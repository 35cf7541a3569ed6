import Tracing

/// The span of one exchange: only inside of a trace. Its headers do not go out: the trace's ids are nobody's business elsewhere. The address'
/// path is not shown, for it may hold a token.
enum FetchSpan {
    static func around(_ request: FetchRequest, host: String, _ body: () async throws -> FetchResponse) async throws -> FetchResponse {
        guard let context = ServiceContext.current, !context.isEmpty else { return try await body() }
        return try await withSpan(request.method.rawValue, ofKind: .client) { span in
            span.attributes["http.request.method"] = request.method.rawValue
            span.attributes["server.address"] = host
            let response = try await body()
            span.attributes["http.response.status_code"] = response.status
            if response.status >= 400 { span.setStatus(SpanStatus(code: .error)) }
            return response
        }
    }
}
