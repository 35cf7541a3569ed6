// Reading a reply. The optional properties answer nil for another type; the `as…` methods throw and say what came instead.
extension RESPValue {
    /// Whether the reply is null.
    public var isNull: Bool { self == .null }

    /// The text of a bulk or simple string (invalid UTF-8 is repaired), or nil.
    public var string: String? {
        switch self {
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .simple(let text): text
        default: nil
        }
    }

    /// The bytes of a bulk or simple string, or nil.
    public var bytes: [UInt8]? {
        switch self {
        case .bulk(let bytes): bytes
        case .simple(let text): Array(text.utf8)
        default: nil
        }
    }

    /// An integer, also one that is written as a decimal string, or nil.
    public var int: Int? {
        switch self {
        case .integer(let value): Int(value)
        case .bulk, .simple: string.flatMap { Int($0) }
        default: nil
        }
    }

    /// A floating-point number as Redis writes scores: a decimal string, `inf` or `-inf`; or nil.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .bulk, .simple: string.flatMap { Double($0) }
        default: nil
        }
    }

    /// The elements of an array, or nil.
    public var array: [RESPValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The server's error, or nil.
    public var error: RedisServerError? {
        if case .error(let error) = self { error } else { nil }
    }

    /// This reply, unless it is an error.
    /// - Throws: `RedisServerError`.
    @discardableResult
    public func checked() throws -> RESPValue {
        if case .error(let error) = self { throw error }
        return self
    }

    /// The text of a string reply.
    /// - Throws: `RedisServerError`, or `RedisClientError` with code `unexpectedReply`.
    public func asString() throws -> String { try require(string, "a string") }

    /// The bytes of a string reply.
    /// - Throws: `RedisServerError`, or `RedisClientError` with code `unexpectedReply`.
    public func asBytes() throws -> [UInt8] { try require(bytes, "a string") }

    /// The integer of an integer reply or of a decimal string.
    /// - Throws: `RedisServerError`, or `RedisClientError` with code `unexpectedReply`.
    public func asInt() throws -> Int { try require(int, "an integer") }

    /// The number of a score reply.
    /// - Throws: `RedisServerError`, or `RedisClientError` with code `unexpectedReply`.
    public func asDouble() throws -> Double { try require(double, "a number") }

    /// The elements of an array reply.
    /// - Throws: `RedisServerError`, or `RedisClientError` with code `unexpectedReply`.
    public func asArray() throws -> [RESPValue] { try require(array, "an array") }

    /// The field-value pairs of a reply such as HGETALL's, in the server's order.
    /// - Throws: `RedisServerError`, or `RedisClientError` with code `unexpectedReply`.
    public func asPairs() throws -> [(field: RESPValue, value: RESPValue)] {
        let elements = try asArray()
        guard elements.count.isMultiple(of: 2) else { throw unexpected("an array of pairs") }
        return stride(from: 0, to: elements.count, by: 2).map { (elements[$0], elements[$0 + 1]) }
    }

    /// What kind of reply this is, for messages that must not show its data.
    public var kind: String {
        switch self {
        case .null: "null"
        case .integer: "an integer"
        case .bulk: "a bulk string"
        case .simple: "a simple string"
        case .error(let error): "error \(error.code)"
        case .array(let elements): "an array of \(elements.count)"
        }
    }

    private func require<Value>(_ value: Value?, _ wanted: String) throws -> Value {
        if let value { return value }
        try checked()
        throw unexpected(wanted)
    }

    private func unexpected(_ wanted: String) -> RedisClientError {
        RedisClientError(.unexpectedReply, "the server answered \(kind) where \(wanted) was expected")
    }
}
