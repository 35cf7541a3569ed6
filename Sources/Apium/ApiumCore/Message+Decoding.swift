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
        self = try bytes.withUnsafeBufferPointer { try Message(scanning: $0, accepting: content) }
    }

    /// Reads a message member by member.
    init(scanning bytes: UnsafeBufferPointer<UInt8>, accepting content: AcceptedContent) throws {
        var envelope = try Envelope(scanning: bytes)
        self = try envelope.message(accepting: content)
    }
}

extension Message {
    /// What a message says about its job, without its body: of one that is too long to be read whole. `nil` when it is no message.
    ///
    /// Nothing is copied but names, ids and what else is short; a long header is left out.
    package init?(headOf bytes: [UInt8]) {
        let head = bytes.withUnsafeBufferPointer { bytes -> [String: JSONValue]? in
            var scanner = EnvelopeScanner(bytes)
            var head: [String: JSONValue]?
            try? scanner.object { key, scanner in
                if key == "headers", scanner.next == UInt8(ascii: "{") { head = try scanner.shortMembers() } else { try scanner.skip() }
            }
            return head
        }
        guard let head, let task = head["task"]?.stringValue, let id = head["id"]?.stringValue else { return nil }
        var headers = Headers(task: task, id: id)
        headers.rootID = head["root_id"]?.stringValue
        headers.parentID = head["parent_id"]?.stringValue
        headers.group = head["group"]?.stringValue
        headers.ignoreResult = head["ignore_result"]?.boolValue
        // A sender may have put any number there; beyond these bounds a whole message is refused.
        headers.retries = Int(min(max(head["retries"]?.intValue ?? 0, 0), Int64(Int32.max)))
        self.init(headers: headers, body: Body(bytes: []))
    }
}

extension EnvelopeScanner {
    /// A value that nobody wants: a string is not copied.
    mutating func skip() throws {
        if next == UInt8(ascii: "\"") { _ = try stringToken() } else { _ = try value() }
    }

    /// The members of the object here that are short texts, numbers and truth values.
    fileprivate mutating func shortMembers() throws -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        try object { key, scanner in
            guard scanner.next == UInt8(ascii: "\"") else {
                members[key.text] = try scanner.value()
                return
            }
            var ahead = scanner
            let isShort = try ahead.stringToken().bytes.count <= 4096
            if isShort { members[key.text] = .string(try scanner.string()) } else { scanner = ahead }
        }
        return members
    }
}

/// The envelope while it is read: its members may come in any order. It must not outlive the bytes.
private struct Envelope {
    var headers = HeaderFields()
    var properties = Message.Properties()
    var contentType = "application/data"
    var contentEncoding = "binary"
    var bodyEncoding: String?
    /// Members that kombu does not write.
    var extra: [String: JSONValue] = [:]
    /// The body, where it stands: what it is encoded in comes later.
    var body: (token: EnvelopeScanner.StringToken, scanner: EnvelopeScanner)?

    init(scanning bytes: UnsafeBufferPointer<UInt8>) throws {
        var scanner = EnvelopeScanner(bytes)
        try scanner.object { key, scanner in
            switch key {
            case "body": body = (try scanner.stringToken(), scanner)
            case "content-type": contentType = try scanner.optionalString(key, sharing: Serializer.json.contentType) ?? contentType
            case "content-encoding": contentEncoding = try scanner.optionalString(key) ?? contentEncoding
            case "headers": if !scanner.null() { try readHeaders(&scanner) }
            case "properties": if !scanner.null() { try readProperties(&scanner) }
            default: extra[key.text] = try scanner.value()
            }
        }
        try scanner.end()
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
            if key == "body_encoding", scanner.next == UInt8(ascii: "\"") {
                bodyEncoding = try scanner.string()
            } else {
                try properties.read(key, &scanner, id: headers.id)
            }
        }
    }

    mutating func message(accepting content: AcceptedContent) throws -> Message {
        guard let body else { throw ApiumError(.malformedMessage, "the message has no body") }
        let encoding = try transferEncoding
        let decoded = Message.Body(
            bytes: try body.scanner.body(body.token, encoding), contentType: contentType, contentEncoding: contentEncoding, transferEncoding: encoding)
        var message: Message
        if headers.task == nil {
            message = try ProtocolOne.message(fields: headers, properties: properties, body: decoded, accepting: content)
        } else {
            let headers = try headers.take()
            var properties = Message.Properties()
            swap(&properties, &self.properties)
            // Our own producer leaves it out where it is the id.
            if properties.correlationID == nil, properties.extra["correlation_id"] == nil { properties.correlationID = headers.id }
            message = Message(headers: headers, properties: properties, body: decoded)
        }
        if !extra.isEmpty { message.extra = extra }
        return message
    }

    private var transferEncoding: Message.TransferEncoding {
        get throws {
            switch bodyEncoding {
            case "base64": .base64
            // kombu takes a body without the property as it stands.
            case "utf-8", nil: .utf8
            case .some: throw ApiumError(.refusedContent, "the body's transfer encoding is not known; base64 and utf-8 are accepted")
            }
        }
    }
}

extension EnvelopeScanner {
    /// The bytes of a body, without its transfer encoding.
    func body(_ token: StringToken, _ encoding: Message.TransferEncoding) throws -> [UInt8] {
        switch encoding {
        case .base64:
            guard let bytes = token.escaped ? Base64.decode(try contents(token)) : Base64.decode(token.bytes) else {
                throw ApiumError(.malformedMessage, "the body is said to be base64, and is not")
            }
            return bytes
        case .utf8: return try contents(token)
        }
    }

    /// Reads a string or `null`.
    mutating func optionalString(_ key: Key, sharing known: String? = nil) throws -> String? {
        if null() { return nil }
        guard next == UInt8(ascii: "\"") else { throw malformed("\(key.text) is neither a string nor null") }
        return try string(sharing: known)
    }
}

extension Message.Properties {
    /// Takes one property. One that is not of the type it should have is kept as it is, because Celery does not care either.
    fileprivate mutating func read(_ key: EnvelopeScanner.Key, _ scanner: inout EnvelopeScanner, id: String?) throws {
        switch key {
        case "correlation_id": if let text = try text(key, &scanner, sharing: id) { correlationID = text }
        case "reply_to": if let text = try text(key, &scanner) { replyTo = text }
        case "delivery_tag": if let text = try text(key, &scanner) { deliveryTag = text }
        case "expiration": if let text = try text(key, &scanner) { expiration = text }
        case "delivery_mode":
            switch try scanner.value() {
            case .int(let number): deliveryMode = Int(number)
            case .null: break
            case let value: extra[key.text] = value
            }
        // Anything but an integer counts as 0.
        case "priority": priority = Int(min(max(try scanner.value().intValue ?? 0, 0), 9))
        default: extra[key.text] = try scanner.value()
        }
    }

    private mutating func text(_ key: EnvelopeScanner.Key, _ scanner: inout EnvelopeScanner, sharing known: String? = nil) throws -> String? {
        if scanner.null() { return nil }
        if scanner.next == UInt8(ascii: "\"") { return try scanner.string(sharing: known) }
        extra[key.text] = try scanner.value()
        return nil
    }

    /// Takes one member of `delivery_info`; unknown ones are kept under `extra["delivery_info"]`.
    fileprivate mutating func readDeliveryInfo(_ key: EnvelopeScanner.Key, _ scanner: inout EnvelopeScanner) throws {
        switch (key, try scanner.value()) {
        case ("exchange", .string(let text)): exchange = text
        case ("routing_key", .string(let text)): routingKey = text
        case ("redelivered", let value): redelivered = redelivered || value == true
        case ("exchange", .null), ("routing_key", .null): break
        case (_, let value):
            var rest = extra["delivery_info"]?.objectValue ?? [:]
            rest[key.text] = value
            extra["delivery_info"] = .object(rest)
        }
    }
}
