import DynamicJSON

/// A job may return what it has sent: its result is then stored as Celery's result tuple, and Python's `AsyncResult` finds its way.
extension ResultTuple: Codable {
    public init(from decoder: any Decoder) throws {
        let json = try JSONValue(from: decoder)
        guard let tuple = ResultTuple(json: json) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "a result tuple is [[id, parent], members]"))
        }
        self = tuple
    }

    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}
