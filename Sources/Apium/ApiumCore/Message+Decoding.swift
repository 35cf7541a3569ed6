import DynamicJSON

extension Message {
    /// A message longer than this is refused before it is read: 64 MiB.
    public static let defaultSizeLimit = 64 << 20

    /// Reads a message as it stands on a Redis list: kombu's envelope around Celery's protocol 2, or 1 (which is turned into 2).
    ///
    /// - Parameters:
    ///   - sizeLimit: the most bytes that are read. Default: 64 MiB.
    ///   - content: the serialisations in which a message of protocol 1 is read; its body says what it is. Default: JSON alone.
    /// - Throws: ``ApiumError`` `malformedMessage` when it is not one of Celery's, or is damaged; `refusedContent` for a body
    ///   encoding that is not known, and for a message of protocol 1 in a serialisation that is not accepted.
    public init(decoding bytes: [UInt8], sizeLimit: Int = Message.defaultSizeLimit, accepting content: AcceptedContent = .json) throws {
        guard bytes.count <= sizeLimit else {
            throw ApiumError(.malformedMessage, "the message has \(bytes.count) bytes; at most \(sizeLimit) are accepted")
        }
        let envelope = try bytes.withUnsafeBufferPointer { try Envelope(scanning: $0) }
        self = try envelope.message(accepting: content)
    }
}

/// The envelope while it is read: its members may come in any order.
private struct Envelope {
    var headers = HeaderFields()
    var properties = Message.Properties()
    var contentType = "application/data"
    var contentEncoding = "binary"
    var bodyEncoding: String?
    /// Members that kombu does not write.
    var extra: [String: JSONValue] = [:]
    /// The body's string, still in the transfer encoding.
    var body: [UInt8]?

    init(scanning bytes: UnsafeBufferPointer<UInt8>) throws {
        var scanner = EnvelopeScanner(bytes)
        try scanner.object { key, scanner in
            switch key {
            case "body": body = try Envelope.body(&scanner)
            case "content-type": contentType = try scanner.optionalString(key) ?? contentType
            case "content-encoding": contentEncoding = try scanner.optionalString(key) ?? contentEncoding
            case "headers": if !scanner.null() { try readHeaders(&scanner) }
            case "properties": if !scanner.null() { try readProperties(&scanner) }
            default: extra[key] = try scanner.value()
            }
        }
        try scanner.end()
    }

    private static func body(_ scanner: inout EnvelopeScanner) throws -> [UInt8] {
        let token = try scanner.stringToken()
        return try scanner.contents(token)
    }

    private mutating func readHeaders(_ scanner: inout EnvelopeScanner) throws {
        try scanner.object { key, scanner in
            if key == "redelivered" {
                let value = try scanner.value()
                properties.redelivered = properties.redelivered || value == true
            } else {
                try headers.read(key, &scanner)
            }
        }
    }

    private mutating func readProperties(_ scanner: inout EnvelopeScanner) throws {
        try scanner.object { key, scanner in
            if key == "delivery_info", scanner.next == UInt8(ascii: "{") {
                try scanner.object { try properties.readDeliveryInfo($0, &$1) }
                return
            }
            let value = try scanner.value()
            if key == "body_encoding", let name = value.stringValue {
                bodyEncoding = name
            } else {
                properties.read(key, value)
            }
        }
    }

    func message(accepting content: AcceptedContent) throws -> Message {
        guard let body else { throw ApiumError(.malformedMessage, "the message has no body") }
        let decoded = Message.Body(
            bytes: try transferDecoded(body), contentType: contentType, contentEncoding: contentEncoding,
            transferEncoding: bodyEncoding == "base64" ? .base64 : .utf8)
        var message: Message
        if headers.task == nil {
            message = try ProtocolOne.message(fields: headers, properties: properties, body: decoded, accepting: content)
        } else {
            let headers = try headers.headers()
            var properties = properties
            // Our own producer leaves it out where it is the id.
            if properties.correlationID == nil, properties.extra["correlation_id"] == nil { properties.correlationID = headers.id }
            message = Message(headers: headers, properties: properties, body: decoded)
        }
        if !extra.isEmpty { message.extra = extra }
        return message
    }

    private func transferDecoded(_ body: [UInt8]) throws -> [UInt8] {
        switch bodyEncoding {
        case "base64":
            guard let bytes = Base64.decode(body) else { throw ApiumError(.malformedMessage, "the body is said to be base64, and is not") }
            return bytes
        // kombu takes a body without the property as it stands.
        case "utf-8", nil: return body
        case .some:
            throw ApiumError(.refusedContent, "the body's transfer encoding is not known; base64 and utf-8 are accepted")
        }
    }
}

extension EnvelopeScanner {
    /// Reads a string or `null`.
    mutating func optionalString(_ key: String) throws -> String? {
        if null() { return nil }
        guard next == UInt8(ascii: "\"") else { throw malformed("\(key) is neither a string nor null") }
        return try string()
    }
}

extension Message.Properties {
    /// Takes one property. One that is not of the type it should have is kept as it is, because Celery does not care either.
    fileprivate mutating func read(_ key: String, _ value: JSONValue) {
        switch (key, value) {
        case ("correlation_id", .string(let text)): correlationID = text
        case ("reply_to", .string(let text)): replyTo = text
        case ("delivery_tag", .string(let text)): deliveryTag = text
        case ("expiration", .string(let text)): expiration = text
        case ("delivery_mode", .int(let number)): deliveryMode = Int(number)
        // Anything but an integer counts as 0.
        case ("priority", _): priority = Int(min(max(value.intValue ?? 0, 0), 9))
        case ("correlation_id", .null), ("reply_to", .null), ("delivery_tag", .null), ("expiration", .null), ("delivery_mode", .null): break
        default: extra[key] = value
        }
    }

    /// Takes one member of `delivery_info`; unknown ones are kept under `extra["delivery_info"]`.
    fileprivate mutating func readDeliveryInfo(_ key: String, _ scanner: inout EnvelopeScanner) throws {
        switch (key, try scanner.value()) {
        case ("exchange", .string(let text)): exchange = text
        case ("routing_key", .string(let text)): routingKey = text
        case ("redelivered", let value): redelivered = redelivered || value == true
        case ("exchange", .null), ("routing_key", .null): break
        case (_, let value):
            var rest = extra["delivery_info"]?.objectValue ?? [:]
            rest[key] = value
            extra["delivery_info"] = .object(rest)
        }
    }
}
