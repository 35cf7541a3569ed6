import CPostgres

/// The rows of a result, in the server's order, and how many rows the statement touched.
public struct PostgresRows: Sendable, RandomAccessCollection {
    let storage: ResultStorage

    /// The position of the first row.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { storage.rowCount }
    /// The row at the position.
    public subscript(position: Int) -> PostgresRow { PostgresRow(storage: storage, index: position) }

    /// The columns' names in order.
    public var columns: [String] { storage.columns }
    /// Rows inserted, updated, deleted or selected.
    public var affectedRows: Int { storage.affectedRows }
    /// The command that the server says it ran, such as `INSERT` or `ROLLBACK`.
    var command: String { storage.command }
}

/// One row: values by column name or position.
public struct PostgresRow: Sendable {
    let storage: ResultStorage
    let index: Int

    /// The value of the first column of that name.
    ///
    /// - Throws: `PostgresError` with code `decoding`, naming column and type, when there is no such column, the value is
    ///   null and the type not optional, or the text is no such value.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type, at column: String) throws -> Value {
        guard let position = storage.columns.firstIndex(of: column) else {
            throw PostgresError(
                .decoding, "there is no column \(column); the result has \(storage.columns.joined(separator: ", "))", column: column)
        }
        return try decode(type, at: position)
    }

    /// The value at the position, the first being 0.
    ///
    /// - Throws: `PostgresError` with code `decoding`, as for names.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type, at position: Int) throws -> Value {
        guard storage.columns.indices.contains(position) else {
            throw PostgresError(.decoding, "there is no column \(position); the result has \(storage.columns.count)")
        }
        let value = storage.withText(row: index, column: position) { text in (Value.decodePostgres(text), text == nil) }
        if let decoded = value.0 { return decoded }
        let name = storage.columns[position]
        let found = value.1 ? "null" : "a value of type \(storage.type(column: position))"
        throw PostgresError(.decoding, "column \(name) holds \(found), which is no \(Value.self)", column: name)
    }

    /// The same as `decode(_:at:)`, for use as `try row["id", as: Int64.self]`.
    public subscript<Value: PostgresDecodable>(column: String, as type: Value.Type = Value.self) -> Value {
        get throws { try decode(type, at: column) }
    }
}

/// A result of libpq, kept until the last row that reads from it is gone.
///
/// `@unchecked Sendable`: the pointer is written once, here, after the I/O thread has let go of it; libpq only reads a
/// `PGresult` after it was handed out ("may be freely passed around between threads"), and it is freed once, by `deinit`.
final class ResultStorage: @unchecked Sendable {
    private let result: OpaquePointer
    let columns: [String]
    let rowCount: Int
    let affectedRows: Int
    let command: String

    /// Takes over the result.
    init(taking result: OpaquePointer) {
        self.result = result
        columns = (0..<PQnfields(result)).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
        rowCount = Int(PQntuples(result))
        affectedRows = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
        command = PQcmdStatus(result).map { String(cString: $0) } ?? ""
    }

    deinit { PQclear(result) }

    func type(column: Int) -> UInt32 { PQftype(result, Int32(column)) }

    /// Calls `body` with the value's bytes, nil for null. Row and column were checked by the caller.
    func withText<Value>(row: Int, column: Int, _ body: (UnsafeRawBufferPointer?) -> Value) -> Value {
        let (row, column) = (Int32(row), Int32(column))
        guard row < PQntuples(result), PQgetisnull(result, row, column) == 0, let text = PQgetvalue(result, row, column) else { return body(nil) }
        return body(UnsafeRawBufferPointer(start: text, count: Int(PQgetlength(result, row, column))))
    }
}
