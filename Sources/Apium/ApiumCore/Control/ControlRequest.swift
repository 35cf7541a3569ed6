import DynamicJSON

/// A remote control command on its way to workers: kombu's pidbox message (celery-wire 13).
public struct ControlRequest: Sendable, Hashable {
    /// The command's name.
    public var method: String
    /// The command's keyword arguments.
    public var arguments: [String: JSONValue]
    /// The node names it is for; `nil` or empty: see ``pattern``.
    public var destination: [String]?
    /// For the nodes whose name matches; needs ``matcher``.
    public var pattern: String?
    /// How ``pattern`` is read: `glob` or `pcre`.
    public var matcher: String?
    /// Names the question in its replies.
    public var ticket: String?
    /// Where replies go; `nil`: none is wanted.
    public var replyTo: ReplyAddress?
    /// The sender's logical clock.
    public var clock: Int64
    /// When the sender stops waiting, as seconds since 1970; 0: never.
    public var expires: Double
    /// How it is written, and its replies. Default: JSON.
    public var serializer = Serializer.json

    /// Where a reply goes: kombu's exchange and routing key.
    public struct ReplyAddress: Sendable, Hashable {
        /// The exchange, for example `reply.celery.pidbox`.
        public var exchange: String
        /// The asker's id.
        public var routingKey: String

        /// Makes an address.
        public init(exchange: String, routingKey: String) {
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    /// Makes a request for all workers that wants no reply.
    public init(
        _ method: String, arguments: [String: JSONValue] = [:], destination: [String]? = nil, pattern: String? = nil, matcher: String? = nil,
        ticket: String? = nil, replyTo: ReplyAddress? = nil, clock: Int64 = 0, expires: Double = 0
    ) {
        self.method = method
        self.arguments = arguments
        self.destination = destination
        self.pattern = pattern
        self.matcher = matcher
        self.ticket = ticket
        self.replyTo = replyTo
        self.clock = clock
        self.expires = expires
    }

    /// Reads a published request.
    ///
    /// - Parameter content: the serialisations that are taken. Default: JSON alone.
    /// - Throws: ``ApiumError`` `malformedMessage` when it is none, `refusedContent` and `badSignature` when its content is not accepted.
    public init(decoding payload: [UInt8], accepting content: AcceptedContent = .json) throws {
        try self.init(ControlEnvelope(decoding: payload, accepting: content))
    }

    /// Reads a request out of its envelope.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage`.
    public init(_ envelope: ControlEnvelope) throws {
        guard case .object(let body) = envelope.body, let method = body["method"]?.stringValue else {
            throw ApiumError(.malformedMessage, "a control message is an object with the name of a command under 'method'")
        }
        var arguments: [String: JSONValue] = [:]
        switch body["arguments"] {
        case .object(let members)?: arguments = members
        case nil, .null?: break
        default: throw ApiumError(.malformedMessage, "the arguments of the control command '\(method.prefix(100))' are not an object")
        }
        var address: ReplyAddress?
        if let exchange = body["reply_to"]?["exchange"]?.stringValue, let key = body["reply_to"]?["routing_key"]?.stringValue {
            address = ReplyAddress(exchange: exchange, routingKey: key)
        }
        self.init(
            method, arguments: arguments, destination: body["destination"]?.arrayValue?.compactMap(\.stringValue), pattern: body["pattern"]?.stringValue,
            matcher: body["matcher"]?.stringValue, ticket: body["ticket"]?.stringValue, replyTo: address, clock: envelope.headers["clock"]?.intValue ?? 0,
            expires: envelope.headers["expires"]?.doubleValue ?? 0)
        serializer = envelope.serializer
    }

    /// The request as it is published to an exchange; `celery.pidbox` unless the `control_exchange` is another.
    public func envelope(exchange: String) -> ControlEnvelope {
        var body: [String: JSONValue] = [
            "method": .string(method), "arguments": .object(arguments), "destination": destination.map { .array($0.map { .string($0) }) } ?? .null,
            "pattern": pattern.map { .string($0) } ?? .null, "matcher": matcher.map { .string($0) } ?? .null,
        ]
        if let replyTo {
            body["ticket"] = ticket.map { .string($0) } ?? .null
            body["reply_to"] = ["exchange": .string(replyTo.exchange), "routing_key": .string(replyTo.routingKey)]
        }
        return ControlEnvelope(
            body: .object(body), headers: ["clock": .int(clock), "expires": .double(expires)], exchange: exchange, serializer: serializer)
    }

    /// Whether the node of this name is meant: a destination counts before a pattern; without either all are.
    public func isFor(_ node: String) -> Bool {
        if let destination, !destination.isEmpty { return destination.contains(node) }
        if let pattern, !pattern.isEmpty, let matcher, !matcher.isEmpty { return NodePattern(pattern, matcher: matcher)?.matches(node) ?? false }
        return true
    }
}

/// A worker's answer to a ``ControlRequest``.
public struct ControlReply: Sendable, Hashable {
    /// The answering node.
    public var node: String
    /// What it says.
    public var value: JSONValue
    /// The question's ticket.
    public var ticket: String?
    /// The node's logical clock.
    public var clock: Int64
    /// How it is written: as the question was. Default: JSON.
    public var serializer = Serializer.json

    /// Makes a reply.
    public init(node: String, value: JSONValue, ticket: String?, clock: Int64) {
        self.node = node
        self.value = value
        self.ticket = ticket
        self.clock = clock
    }

    /// Reads a reply.
    ///
    /// - Parameter content: the serialisations that are taken. Default: JSON alone.
    /// - Throws: ``ApiumError`` `malformedMessage` when it is none, `refusedContent` and `badSignature` when its content is not accepted.
    public init(decoding payload: [UInt8], accepting content: AcceptedContent = .json) throws {
        let envelope = try ControlEnvelope(decoding: payload, accepting: content)
        guard case .object(let body) = envelope.body, let member = body.first, body.count == 1 else {
            throw ApiumError(.malformedMessage, "a reply to a control message is an object with one member, the node's name")
        }
        self.init(
            node: member.key, value: member.value, ticket: envelope.headers["ticket"]?.stringValue, clock: envelope.headers["clock"]?.intValue ?? 0)
        serializer = envelope.serializer
    }

    /// The reply as it is sent.
    public func envelope(to address: ControlRequest.ReplyAddress) -> ControlEnvelope {
        ControlEnvelope(
            body: .object([node: value]), headers: ["ticket": ticket.map { .string($0) } ?? .null, "clock": .int(clock)], exchange: address.exchange,
            routingKey: address.routingKey, serializer: serializer)
    }
}
