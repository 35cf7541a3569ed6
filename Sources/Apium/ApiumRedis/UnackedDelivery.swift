import ApiumCore
import DynamicJSON

/// What a kombu consumer wrote down when it took a message: a JSON list of envelope, exchange and routing key.
struct UnackedDelivery {
    var exchange: String
    var routingKey: String
    /// Marked as redelivered, as kombu does when it restores.
    var message: Message

    /// - Throws: ``ApiumError`` `malformedMessage`.
    init(decoding bytes: [UInt8]) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw ApiumError(.malformedMessage, "what kombu's consumer held is no JSON", underlying: error)
        }
        guard case .array(let parts) = value, parts.count == 3, case .object = parts[0] else {
            throw ApiumError(.malformedMessage, "what kombu's consumer held is no list of envelope, exchange and routing key")
        }
        message = try Message(decoding: parts[0].encoded())
        message.properties.redelivered = true
        exchange = parts[1].stringValue ?? ""
        routingKey = parts[2].stringValue ?? ""
    }

    /// The same as something to send: its queues are found as those of any message.
    var outgoing: Outgoing {
        var outgoing = Outgoing(message, to: routingKey)
        outgoing.exchange = exchange
        return outgoing
    }
}
