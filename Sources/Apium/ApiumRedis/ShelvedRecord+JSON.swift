import ApiumCore
import DynamicJSON

extension ShelvedRecord {
    /// The record as it is kept: a JSON object, the message in base 64 because it may be anything.
    var encoded: [UInt8] {
        var base64: [UInt8] = []
        Base64.encode(payload, into: &base64)
        return JSONValue.object([
            "id": .string(id), "task": task.map { .string($0) } ?? .null, "queue": .string(queue), "reason": .string(reason),
            "at": .int(at.microseconds), "attempts": .int(Int64(attempts)), "payload": .string(String(decoding: base64, as: UTF8.self)),
        ]).encoded()
    }

    /// Reads what `encoded` writes.
    /// - Throws: ``ApiumError`` `malformedMessage`.
    init(encoded bytes: [UInt8]) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw ApiumError(.malformedMessage, "a shelved record isn't JSON", underlying: error)
        }
        guard let id = value["id"]?.stringValue, let queue = value["queue"]?.stringValue, let text = value["payload"]?.stringValue,
            let payload = Base64.decode(Array(text.utf8))
        else { throw ApiumError(.malformedMessage, "a shelved record lacks id, queue or payload") }
        self.init(
            id: id, task: value["task"]?.stringValue, queue: queue, reason: value["reason"]?.stringValue ?? "",
            at: Timestamp(microseconds: value["at"]?.intValue ?? 0), attempts: Int(value["attempts"]?.intValue ?? 0), payload: payload)
    }
}
