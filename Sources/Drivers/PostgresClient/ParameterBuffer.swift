/// The parameters of one statement, encoded where the caller runs: one run of bytes, each value ended by NUL, as libpq
/// wants text parameters.
struct ParameterBuffer: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Where each value begins; nil for null.
    private(set) var offsets: [Int?] = []
    private(set) var types: [UInt32] = []
    /// The first value that could not be encoded; thrown when the query is sent.
    private(set) var failure: PostgresError?

    mutating func append<Value: PostgresEncodable>(_ value: Value) {
        types.append(Value.postgresType.oid)
        guard !value.isPostgresNull else { return offsets.append(nil) }
        let start = bytes.count
        offsets.append(start)
        value.encodePostgres(into: &bytes)
        if bytes[start...].contains(0) {
            bytes.removeSubrange(start...)
            failure = failure ?? PostgresError(.invalidValue, "parameter $\(offsets.count) contains a NUL character, which Postgres' text cannot hold")
        }
        bytes.append(0)
    }

    mutating func append(_ other: ParameterBuffer) {
        let start = bytes.count
        bytes += other.bytes
        offsets += other.offsets.map { $0.map { $0 + start } }
        types += other.types
        failure = failure ?? other.failure
    }

    /// Calls `body` with libpq's array of pointers; valid during the call only.
    func withPointers<Result>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
        guard !offsets.isEmpty else { return body(nil) }
        return bytes.withUnsafeBytes { raw in
            let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
