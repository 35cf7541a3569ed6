import DynamicJSON
import HTTPTypes
import Hummingbird
import PriceWatchModel
import Tracing

/// The span of one request, a child of the caller's when that says so (W3C's `traceparent`). Probes and scrapes have none.
enum RequestSpan {
    static func around(_ request: Request, _ body: ((any Span)?) async throws -> Response) async throws -> Response {
        let path = request.head.path ?? "/"
        guard isTraced, !path.hasPrefix("/health"), !path.hasPrefix("/metrics") else { return try await body(nil) }
        var caller = ServiceContext.topLevel
        InstrumentationSystem.instrument.extract(request.headers, into: &caller, using: FieldExtractor())
        return try await withSpan(request.method.rawValue, context: caller, ofKind: .server) { span in
            span.attributes["http.request.method"] = request.method.rawValue
            return try await body(span)
        }
    }

    /// The span of one request of the bot's WebSocket.
    static func around(chat action: String, _ body: () async -> Result<JSONValue, ChatFault>) async -> Result<JSONValue, ChatFault> {
        guard isTraced else { return await body() }
        return await withSpan("chat \(action)", ofKind: .server) { span in
            let result = await body()
            if case .failure(let fault) = result { span.attributes["error.type"] = fault.code.rawValue }
            return result
        }
    }

    private static var isTraced: Bool { !(InstrumentationSystem.instrument is NoOpInstrument) }
}

extension Span {
    /// What became of a request; the route is its template, so that names are few.
    func ended(_ record: AccessRecord, status: Int) {
        operationName = "\(record.method) \(record.route)"
        attributes["http.route"] = record.route
        attributes["http.response.status_code"] = status
        if status >= 500 { setStatus(SpanStatus(code: .error)) }
    }
}

private struct FieldExtractor: Extractor {
    func extract(key: String, from carrier: HTTPFields) -> String? { HTTPField.Name(key).flatMap { carrier[$0] } }
}
