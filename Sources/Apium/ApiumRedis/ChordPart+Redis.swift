import ApiumCore
import DynamicJSON

extension ChordPart {
    /// The place as Python writes a score.
    var score: String { index.map { String($0) } ?? "+inf" }

    /// The part as it is kept: `[1, id, state, result]`, as Celery's workers write and read it.
    var encoded: [UInt8] { JSONValue.array([1, .string(id), .string(state.rawValue), result]).encoded() }
}

extension ChordContent.Part {
    /// Reads what `encoded` writes, and what Celery's workers write in another serialisation that is accepted.
    /// - Throws: ``ApiumError`` `badResult`.
    init(encoded bytes: [UInt8], of group: String, accepting content: AcceptedContent) throws {
        let value = try content.value(ofStored: bytes, "part of the chord \(group)")
        guard case .array(let fields) = value, fields.count >= 4, let id = fields[1].stringValue, let state = fields[2].stringValue else {
            throw ApiumError(.badResult, "a part of the chord \(group) is not a list of a number, an id, a state and a result")
        }
        self.init(id: id, state: JobState(rawValue: state), result: fields[3])
    }
}
