import DynamicJSON

/// kombu's envelope around a value that is no task: control messages, their replies, and events (celery-wire 1).
///
/// These are few and small, so they are read as trees; a task's message is ``Message``.
public struct ControlEnvelope: Sendable, Hashable {
    /// The value.
    public var body: JSONValue
    /// The headers.
    public var headers: [String: JSONValue]
    /// The exchange it is published to.
    public var exchange: String
    /// The routing key; may be empty.
    public var routingKey: String

    /// Makes an envelope.
    public init(body: JSONValue, headers: [String: JSONValue] = [:], exchange: String = "", routingKey: String = "") {
        self.body = body
        self.headers = headers
        self.exchange = exchange
        self.routingKey = routingKey
    }

    /// The envelope as kombu writes it: JSON in base 64, transient, with a fresh delivery tag.
    public func encoded(deliveryTag: String = JobID.make()) -> [UInt8] {
        var base64 = [UInt8]()
        Base64.encode(body.encoded(), into: &base64)
        let properties: JSONValue = [
            "delivery_mode": 1, "delivery_info": ["exchange": .string(exchange), "routing_key": .string(routingKey)], "priority": 0,
            "body_encoding": "base64", "delivery_tag": .string(deliveryTag),
        ]
        let envelope: JSONValue = [
            "body": .string(String(decoding: base64, as: UTF8.self)), "content-encoding": "utf-8", "content-type": "application/json",
            "headers": .object(headers), "properties": properties,
        ]
        return envelope.encoded()
    }

    /// Reads an envelope.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when it is none, `refusedContent` when its body is not plain JSON.
    public init(decoding payload: [UInt8]) throws {
        let envelope: JSONValue
        do {
            envelope = try JSONValue(parsing: payload)
        } catch {
            throw ApiumError(.malformedMessage, "the envelope is not JSON", underlying: error)
        }
        guard let text = envelope["body"]?.stringValue else { throw ApiumError(.malformedMessage, "the envelope has no text under 'body'") }
        headers = envelope["headers"]?.objectValue ?? [:]
        let properties = envelope["properties"]
        exchange = properties?["delivery_info"]?["exchange"]?.stringValue ?? ""
        routingKey = properties?["delivery_info"]?["routing_key"]?.stringValue ?? ""
        let contentType = envelope["content-type"]?.stringValue ?? "application/json"
        guard contentType == "application/json", (headers["compression"] ?? .null).isNull else {
            throw ApiumError(
                .refusedContent, "the body is \(contentType.prefix(100)), perhaps compressed; control messages and events are plain application/json")
        }
        let bytes = properties?["body_encoding"]?.stringValue == "base64" ? Base64.decode(Array(text.utf8)) : Array(text.utf8)
        guard let bytes else { throw ApiumError(.malformedMessage, "the body is not base 64, as its properties say") }
        do {
            body = try JSONValue(parsing: bytes)
        } catch {
            throw ApiumError(.malformedMessage, "the body is not JSON", underlying: error)
        }
    }
}
