import DynamicJSON

extension ResultDocument {
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
        let own = ["status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id"]
        for (key, value) in extra.sorted(by: { $0.key < $1.key }) where !own.contains(key) { object.member(key, value, &output) }
        object.member("task_id", id, &output)
        object.end(&output)
        return output
    }

    /// Reads a stored document.
    ///
    /// - Throws: ``ApiumError`` `badResult` when it is not one of Celery's; `refusedContent` when it is compressed
    ///   (Celery's `result_compression`).
    public init(decoding bytes: [UInt8]) throws {
        guard bytes.first != 0 else {
            throw ApiumError(.refusedContent, "the stored result is compressed; only uncompressed results are accepted")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw ApiumError(.badResult, "the stored result is not JSON", underlying: error)
        }
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
}
