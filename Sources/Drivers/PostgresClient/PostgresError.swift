/// What went wrong between a query and its rows.
///
/// The message says what was wrong and where. It never carries a password, a value of a parameter or of a row, nor the
/// text of the statement: the server's own detail line, which quotes keys, is left out on purpose.
public struct PostgresError: Error, Sendable, Hashable {
    /// The kind of failure; open, so that a new kind breaks nobody's `switch`.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The kind in words, for logs.
        public let rawValue: String

        /// Makes a code of the given name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The connection string or a setting cannot be used.
        public static let configuration = Code(rawValue: "configuration")
        /// A value cannot be sent, for instance a NUL character in text.
        public static let invalidValue = Code(rawValue: "invalid_value")
        /// More queries wait already than the configuration allows.
        public static let tooManyWaiting = Code(rawValue: "too_many_waiting")
        /// No connection became free within the acquire timeout.
        public static let acquireTimeout = Code(rawValue: "acquire_timeout")
        /// The connection broke under the query: it may have taken effect or not.
        public static let connectionLost = Code(rawValue: "connection_lost")
        /// The client was shut down.
        public static let closed = Code(rawValue: "closed")
        /// A column is absent, null or not of the type that was asked for.
        public static let decoding = Code(rawValue: "decoding")
        /// The transaction had failed before its commit, so the server rolled it back.
        public static let transactionAborted = Code(rawValue: "transaction_aborted")
        /// The transaction or session was used after its closure had returned.
        public static let transactionEnded = Code(rawValue: "transaction_ended")
        /// SQLSTATE 23505.
        public static let uniqueViolation = Code(rawValue: "unique_violation")
        /// SQLSTATE 23503.
        public static let foreignKeyViolation = Code(rawValue: "foreign_key_violation")
        /// SQLSTATE 23514.
        public static let checkViolation = Code(rawValue: "check_violation")
        /// SQLSTATE 23502.
        public static let notNullViolation = Code(rawValue: "not_null_violation")
        /// SQLSTATE 40001: the whole transaction may be tried again.
        public static let serializationFailure = Code(rawValue: "serialization_failure")
        /// SQLSTATE 40P01: the whole transaction may be tried again.
        public static let deadlockDetected = Code(rawValue: "deadlock_detected")
        /// SQLSTATE 57014: the statement timeout of the server, or a cancel request.
        public static let queryCanceled = Code(rawValue: "query_canceled")
        /// Any other refusal by the server; `sqlState` says which.
        public static let server = Code(rawValue: "server")
    }

    /// The kind of failure.
    public var code: Code
    /// One sentence for people.
    public var message: String
    /// The server's five-character SQLSTATE, when the server refused.
    public var sqlState: String?
    /// The violated constraint, when there is one.
    public var constraint: String?
    /// The table the server named, when it did.
    public var table: String?
    /// The column the server or the decoder named, when one did.
    public var column: String?

    /// Makes an error.
    public init(
        _ code: Code, _ message: String, sqlState: String? = nil, constraint: String? = nil, table: String? = nil, column: String? = nil
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.constraint = constraint
        self.table = table
        self.column = column
    }
}

extension PostgresError: CustomStringConvertible {
    /// The code and the sentence.
    public var description: String { "PostgresError(\(code.rawValue)): \(message)" }
}
