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
    /// How the value is written.
    public var serializer: Serializer

    /// Makes an envelope; in JSON unless said.
    public init(
        body: JSONValue, headers: [String: JSONValue] = [:], exchange: String = "", routingKey: String = "", serializer: Serializer = .json
    ) {
        self.serializer = serializer
        self.body = body
        self.headers = headers
        self.exchange = exchange
        self.routingKey = routingKey
    }

    /// The envelope as kombu writes it: the value in base 64, transient, with a fresh delivery tag.
    ///
    /// - Throws: what the serialiser throws, for example ``ApiumError`` `invalidConfiguration` when it is to sign without a key.
    public func encoded(deliveryTag: String = JobID.make()) throws -> [UInt8] {
        var base64 = [UInt8]()
        Base64.encode(try serializer.encode(body), into: &base64)
        let properties: JSONValue = [
            "delivery_mode": 1, "delivery_info": ["exchange": .string(exchange), "routing_key": .string(routingKey)], "priority": 0,
            "body_encoding": "base64", "delivery_tag": .string(deliveryTag),
        ]
        let envelope: JSONValue = [
            "body": .string(String(decoding: base64, as: UTF8.self)), "content-encoding": .string(serializer.contentEncoding),
            "content-type": .string(serializer.contentType),
            "headers": .object(headers), "properties": properties,
        ]
        return envelope.encoded()
    }

    /// Reads an envelope.
    ///
    /// - Parameter content: the serialisations that are taken. Default: JSON alone.
    /// - Throws: ``ApiumError`` `malformedMessage` when it is none, `refusedContent` when its body is compressed or in a serialisation that is not
    ///   accepted, `badSignature` when it is signed and that does not count.
    public init(decoding payload: [UInt8], accepting content: AcceptedContent = .json) throws {
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
        guard let serializer = content.serializers.first(where: { $0.contentType == contentType }), (headers["compression"] ?? .null).isNull else {
            throw ApiumError(
                .refusedContent,
                "the body is \(contentType.prefix(100)), perhaps compressed; control messages and events are taken here as plain \(content.names)")
        }
        self.serializer = serializer
        let bytes = properties?["body_encoding"]?.stringValue == "base64" ? Base64.decode(Array(text.utf8)) : Array(text.utf8)
        guard let bytes else { throw ApiumError(.malformedMessage, "the body is not base 64, as its properties say") }
        do {
            body = try serializer.decode(bytes)
        } catch let error as ApiumError {
            throw error
        } catch {
            throw ApiumError(.malformedMessage, "the body is not \(serializer.name == Serializer.json.name ? "JSON" : serializer.name)", underlying: error)
        }
    }
}
