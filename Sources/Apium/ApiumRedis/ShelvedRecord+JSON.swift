import ApiumCore
import DynamicJSON

extension ShelvedRecord {
    /// The record as it is kept: a JSON object, the message in base 64 because it may be anything. Written in place: of a message that was set
    /// aside because it is too long, each copy more would count.
    var encoded: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(payload.count / 3 * 4 + id.utf8.count + queue.utf8.count + reason.utf8.count + 512)
        func write(_ name: String, _ value: JSONValue) {
            output.append(UInt8(ascii: output.isEmpty ? "{" : ","))
            JSONValue.write(string: name, to: &output)
            output.append(UInt8(ascii: ":"))
            value.write(to: &output)
        }
        write("at", .int(at.microseconds))
        write("attempts", .int(Int64(attempts)))
        write("id", .string(id))
        output.append(contentsOf: #","payload":""#.utf8)
        Base64.encode(payload, into: &output)
        output.append(UInt8(ascii: "\""))
        write("queue", .string(queue))
        write("reason", .string(reason))
        write("task", task.map { .string($0) } ?? .null)
        output.append(UInt8(ascii: "}"))
        return output
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
