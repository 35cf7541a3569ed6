import CPostgres

extension PostgresError {
    /// Reads the error out of a failed result.
    ///
    /// The server's sentence is passed on only in the classes that speak of names and of the server itself; in the others
    /// (bad values, violated constraints, raised exceptions) it may quote data, and a syntax error quotes the statement.
    init(failed result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
            return String(cString: text)
        }
        let state = field("C") ?? ""
        let constraint = field("n"), table = field("t"), column = field("c")
        var message = "the server refused the statement: \(Self.conditionName(state)) (SQLSTATE \(state.isEmpty ? "unknown" : state))"
        if let constraint { message += ", constraint \(constraint)" }
        if let table { message += ", table \(table)" }
        if let column { message += ", column \(column)" }
        if Self.sentenceIsSafe(state), let sentence = field("M") { message += ": \(sentence)" }
        if let position = field("P") { message += ", at character \(position)" }
        self.init(Self.code(for: state), message, sqlState: state, constraint: constraint, table: table, column: column)
    }

    private static func sentenceIsSafe(_ state: String) -> Bool {
        guard state != "42601" else { return false }
        return ["08", "25", "26", "28", "3D", "40", "42", "53", "55", "57", "58", "0A"].contains(String(state.prefix(2)))
    }

    private static func code(for state: String) -> Code {
        switch state {
        case "23505": .uniqueViolation
        case "23503": .foreignKeyViolation
        case "23514": .checkViolation
        case "23502": .notNullViolation
        case "40001": .serializationFailure
        case "40P01": .deadlockDetected
        case "57014": .queryCanceled
        default: .server
        }
    }

    /// The condition names of the manual's appendix A that an operator meets most.
    private static func conditionName(_ state: String) -> String {
        switch state {
        case "22001": "string_data_right_truncation"
        case "22003": "numeric_value_out_of_range"
        case "22021": "character_not_in_repertoire"
        case "22P02": "invalid_text_representation"
        case "23502": "not_null_violation"
        case "23503": "foreign_key_violation"
        case "23505": "unique_violation"
        case "23514": "check_violation"
        case "25006": "read_only_sql_transaction"
        case "40001": "serialization_failure"
        case "40P01": "deadlock_detected"
        case "42501": "insufficient_privilege"
        case "42601": "syntax_error"
        case "42703": "undefined_column"
        case "42P01": "undefined_table"
        case "53300": "too_many_connections"
        case "57014": "query_canceled"
        case "57P01": "admin_shutdown"
        default: "error"
        }
    }
}
