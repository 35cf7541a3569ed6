import Tracing

/// The span of one statement: only inside of a trace, so that what a program asks by itself, over and over, begins none.
enum StatementSpan {
    static func around<Value>(_ query: PostgresQuery, _ body: () async throws -> Value) async throws -> Value {
        guard let context = ServiceContext.current, !context.isEmpty else { return try await body() }
        let text = query.text
        let operation = operation(of: text)
        return try await withSpan(operation, ofKind: .client) { span in
            span.attributes["db.system.name"] = "postgresql"
            span.attributes["db.operation.name"] = operation
            // Of a text from a literal all values are parameters, which are not shown; another text may hold anything.
            if query.isCacheable { span.attributes["db.query.text"] = summary(text) }
            return try await body()
        }
    }

    private static func operation(of text: String) -> String {
        String(text.drop { $0.isWhitespace }.prefix { $0.isLetter }.prefix(20)).uppercased()
    }

    private static func summary(_ text: String) -> String { String(text.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(500)) }
}
