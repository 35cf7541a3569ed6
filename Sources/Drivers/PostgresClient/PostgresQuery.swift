/// One SQL statement with its parameters.
///
/// Written as a string literal; whatever is interpolated becomes a parameter (`$1`, `$2` …) and is never part of the
/// statement's text:
///
///     try await client.query("select * from users where id = \(id)")
///
/// `\(identifier: name)` quotes a table's or column's name, `\(unsafe: text)` inserts text as it is and must never see
/// anything a user wrote, and another `PostgresQuery` may be interpolated as a part.
public struct PostgresQuery: Sendable, ExpressibleByStringInterpolation {
    /// The text between the parameters: always one piece more than there are parameters.
    var pieces: [String]
    var parameters = ParameterBuffer()
    /// False for texts that vary from call to call, which would only fill the cache of prepared statements.
    var isCacheable = true

    /// A statement without parameters.
    public init(stringLiteral value: String) { pieces = [value] }

    /// The statement that the compiler assembled from an interpolation.
    public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.query }

    /// A statement from text that was made at run time: only for text that no user can influence.
    public init(unsafeSQL: String) {
        pieces = [unsafeSQL]
        isCacheable = false
    }

    /// Adds a part, with its parameters, to the end.
    public mutating func append(_ other: PostgresQuery) {
        let parts = other.pieces
        pieces[pieces.count - 1] += parts[0]
        pieces.append(contentsOf: parts.dropFirst())
        parameters.append(other.parameters)
        isCacheable = isCacheable && other.isCacheable
    }

    /// The text with `$n` in the place of each parameter.
    var text: String {
        guard pieces.count > 1 else { return pieces[0] }
        var result = pieces[0]
        for index in 1..<pieces.count { result += "$\(index)\(pieces[index])" }
        return result
    }
}

extension PostgresQuery {
    /// Collects text and parameters while the compiler walks through a literal.
    public struct StringInterpolation: StringInterpolationProtocol {
        var query = PostgresQuery(stringLiteral: "")

        /// An empty collection.
        public init(literalCapacity: Int, interpolationCount: Int) { query.pieces.reserveCapacity(interpolationCount + 1) }

        /// Text of the literal itself.
        public mutating func appendLiteral(_ literal: String) { query.pieces[query.pieces.count - 1] += literal }

        /// A value, which becomes a parameter.
        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            query.parameters.append(value)
            query.pieces.append("")
        }

        /// A value or null, which becomes a parameter.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            query.parameters.append(value)
            query.pieces.append("")
        }

        /// Another statement's text and parameters.
        public mutating func appendInterpolation(_ part: PostgresQuery) { query.append(part) }

        /// The name of a table or column, quoted.
        public mutating func appendInterpolation(identifier: String) {
            let quoted = identifier.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            appendInterpolation(unsafe: "\"\(quoted)\"")
        }

        /// Text that goes into the statement as it is: never anything a user wrote.
        public mutating func appendInterpolation(unsafe text: String) {
            query.pieces[query.pieces.count - 1] += text
            query.isCacheable = false
        }
    }
}
