import ApiumCore
import DynamicJSON

/// A record as it is kept, in one of two forms.
///
/// As a rule it is a JSON object, the message in base 64 because it may be anything. Of a long message that would be several copies in the worker:
/// there the server puts the message as it stands behind the object that says all the rest, and a NUL between the two. No JSON text has one.
extension ShelvedRecord {
    private static let separator: UInt8 = 0

    /// The record in the first form, written in place.
    var encoded: [UInt8] {
        written(reserving: payload.count / 3 * 4) { output in
            output.append(contentsOf: #","payload":""#.utf8)
            Base64.encode(payload, into: &output)
            output.append(UInt8(ascii: "\""))
        }
    }

    /// The record in the second form up to its message.
    var head: [UInt8] { written { _ in } + [Self.separator] }

    private func written(reserving extra: Int = 0, _ payload: (inout [UInt8]) -> Void) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(extra + id.utf8.count + queue.utf8.count + reason.utf8.count + 512)
        func write(_ name: String, _ value: JSONValue) {
            output.append(UInt8(ascii: output.isEmpty ? "{" : ","))
            JSONValue.write(string: name, to: &output)
            output.append(UInt8(ascii: ":"))
            value.write(to: &output)
        }
        write("at", .int(at.microseconds))
        write("attempts", .int(Int64(attempts)))
        write("id", .string(id))
        payload(&output)
        write("queue", .string(queue))
        write("reason", .string(reason))
        write("task", task.map { .string($0) } ?? .null)
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// Reads either form.
    /// - Parameter name: Under which it stands on its shelf, which is not the job's id when there is more than one message of that.
    /// - Throws: ``ApiumError`` `malformedMessage`.
    init(encoded bytes: [UInt8], name: String) throws {
        let end = bytes.firstIndex(of: Self.separator)
        let value: JSONValue
        do {
            value = try JSONValue(parsing: end.map { Array(bytes[..<$0]) } ?? bytes)
        } catch {
            throw ApiumError(.malformedMessage, "a shelved record isn't JSON", underlying: error)
        }
        let payload = end.map { Array(bytes[($0 + 1)...]) } ?? value["payload"]?.stringValue.flatMap { Base64.decode(Array($0.utf8)) }
        guard value["id"]?.stringValue != nil, let queue = value["queue"]?.stringValue, let payload else {
            throw ApiumError(.malformedMessage, "a shelved record lacks id, queue or payload")
        }
        self.init(
            id: name, task: value["task"]?.stringValue, queue: queue, reason: value["reason"]?.stringValue ?? "",
            at: Timestamp(microseconds: value["at"]?.intValue ?? 0), attempts: Int(value["attempts"]?.intValue ?? 0), payload: payload)
    }
}
