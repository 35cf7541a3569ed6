import DynamicJSON

extension ResultDocument {
    /// What stands in front of a compressed document: then the compression's content type, a NUL, and the compressed bytes.
    private static let magic = Array("\0celery-compressed\0".utf8)

    /// The document as ``encoded()``, compressed if a compression is given: Celery's `result_compression`.
    ///
    /// - Throws: ``ApiumError`` `refusedContent` for more than 1 GiB.
    public func encoded(compression: BodyCompression?) throws -> [UInt8] {
        guard let compression else { return encoded() }
        return Self.magic + Array(compression.contentType.utf8) + [0] + (try compression.compress(encoded()))
    }

    /// The document as Celery's key-value backends store it. `date_done` is null unless the state is ready.
    public func encoded() -> [UInt8] {
        var output = [UInt8]()
        output.reserveCapacity(256)
        var object = ObjectWriter(&output)
        object.member("status", state.rawValue, &output)
        object.member("result", result, &output)
        object.member("traceback", traceback.map { .string($0) } ?? .null, &output)
        object.member("children", children.map { .array($0) } ?? .null, &output)
        object.member("date_done", state.isReady ? dateDone.map { .string($0.iso8601) } ?? .null : .null, &output)
        if let groupID { object.member("group_id", groupID, &output) }
        if let parentID { object.member("parent_id", parentID, &output) }
        if !extra.isEmpty {
            for (key, value) in extra.sorted(by: { $0.key < $1.key }) where !Self.ownMembers.contains(key) { object.member(named: key, value, &output) }
        }
        object.member("task_id", id, &output)
        object.end(&output)
        return output
    }

    private static let ownMembers: Set = ["status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id"]

    /// Reads a stored document in JSON; see ``init(decoding:accepting:)``.
    public init(decoding bytes: [UInt8]) throws { try self.init(decoding: bytes, accepting: .json) }

    /// Reads a stored document, compressed or not.
    ///
    /// A document does not say in which serialisation it is: the accepted ones are tried in order.
    ///
    /// - Throws: ``ApiumError`` `badResult` when it is not one of Celery's; `refusedContent` when its compression is not
    ///   supported, or it decompresses to more than is accepted.
    public init(decoding bytes: [UInt8], accepting content: AcceptedContent) throws {
        let value = try content.value(ofStored: Self.decompressed(bytes, limit: content.decompressedLimit), "result")
        guard case .object(var members) = value, let id = members.removeValue(forKey: "task_id")?.stringValue,
            let status = members.removeValue(forKey: "status")?.stringValue
        else { throw ApiumError(.badResult, "the stored result has no task_id or no status") }
        self.init(id: id, state: JobState(rawValue: status))
        result = members.removeValue(forKey: "result") ?? .null
        // Python may store a traceback of any type; only text is of use.
        traceback = members.removeValue(forKey: "traceback")?.stringValue
        children = members.removeValue(forKey: "children")?.arrayValue
        dateDone = members.removeValue(forKey: "date_done")?.stringValue.flatMap { Timestamp(iso8601: $0) }
        groupID = members.removeValue(forKey: "group_id")?.stringValue
        parentID = members.removeValue(forKey: "parent_id")?.stringValue
        extra = members
    }

    private static func decompressed(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        guard bytes.starts(with: magic) else { return bytes }
        let rest = bytes[magic.count...]
        guard let end = rest.firstIndex(of: 0) else { throw ApiumError(.badResult, "the stored result does not say how it is compressed") }
        let compression = try BodyCompression(name: String(decoding: rest[..<end], as: UTF8.self))
        do {
            return try compression.decompress(Array(rest[(end + 1)...]), limit: limit)
        } catch let error as ApiumError where error.code == .malformedMessage {
            throw ApiumError(.badResult, "the stored result is damaged", underlying: error)
        }
    }

}

extension AcceptedContent {
    /// The value of bytes that do not say in which serialisation they are: the accepted ones are tried in order. JSON that has what only Python takes for
    /// JSON (`NaN`, an integer beyond 64 bits, half of a surrogate pair) is refused: YAML reads it, too, but as another value.
    ///
    /// - Throws: ``ApiumError`` `badResult`, which calls the bytes a stored `what`.
    package func value(ofStored bytes: [UInt8], _ what: String) throws -> JSONValue {
        var first: (any Error)?
        for serializer in serializers {
            do { return try serializer.decode(bytes) } catch { first = first ?? error }
            if serializer == .json, Self.looksLikeJSON(bytes) { break }
        }
        throw ApiumError(.badResult, "the stored \(what) is none of \(names): \(ForeignContent.guess(bytes))", underlying: first)
    }

    /// YAML as Python writes it begins otherwise, or quotes by apostrophes.
    private static func looksLikeJSON(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [UInt8(ascii: "{"), UInt8(ascii: "\"")]) || bytes.first == UInt8(ascii: "[") && bytes.contains(UInt8(ascii: "\""))
    }
}
