import DynamicJSON

extension Message {
    /// Decodes the body.
    ///
    /// - Parameter content: the serialisations that are taken. Default: JSON alone.
    /// - Throws: ``ApiumError`` `refusedContent` when the content type is not accepted, the compression not supported, or what
    ///   comes out of it too long; `malformedMessage` when it is not what Celery puts there.
    public func arguments(accepting content: AcceptedContent = .json) throws -> TaskArguments {
        if let plain = plainArguments(content) { return plain }
        switch try body.value(compression: headers.compression, accepting: content) {
        case .array(let parts) where parts.count == 3:
            return try TaskArguments(args: parts[0], kwargs: parts[1], embed: parts[2])
        // Headers of protocol 2 over a body of protocol 1: Celery reads this, too.
        case .object(let members): return try TaskArguments(members: members)
        default: throw ApiumError(.malformedMessage, "the body is not a list of positional arguments, keyword arguments and what follows")
        }
    }

    /// The arguments of a body of nearly every message: plain JSON, and nothing that follows the task. `nil` for all others.
    private func plainArguments(_ content: AcceptedContent) -> TaskArguments? {
        let body = body
        guard headers.compression == nil, body.contentType == Serializer.json.contentType, body.contentEncoding == Serializer.json.contentEncoding,
            body.bytes.count <= JSONLimits.default.bytes, content.serializers.contains(.json)
        else { return nil }
        return body.bytes.withUnsafeBufferPointer { bytes in
            var reader = JSONReader(bytes)
            guard reader.accept("["), case .array(let args)? = reader.value(), reader.accept(","), case .object(let kwargs)? = reader.value(),
                reader.accept(",")
            else { return nil }
            if !reader.take(TaskArguments.Embed.none) {
                guard reader.accept("{") else { return nil }
                if reader.accept("}") { return reader.accept("]") && reader.isAtEnd ? TaskArguments(args: args, kwargs: kwargs) : nil }
                repeat {
                    guard let key = reader.key(), TaskArguments.Embed.names.contains(key), reader.null() else { return nil }
                } while reader.accept(",")
                guard reader.accept("}") else { return nil }
            }
            return reader.accept("]") && reader.isAtEnd ? TaskArguments(args: args, kwargs: kwargs) : nil
        }
    }
}

extension Message.Body {
    /// The body as a value.
    func value(compression: String?, accepting content: AcceptedContent) throws -> JSONValue {
        try content.value(of: bytes, contentType: contentType, contentEncoding: contentEncoding, compression: compression)
    }
}

extension TaskArguments {
    /// The body of a message with these arguments: JSON as text, without what follows the task where nothing does.
    public func encodedBody() -> Message.Body {
        var output: [UInt8] = []
        output.reserveCapacity(240)
        output.append(UInt8(ascii: "["))
        JSONValue.array(args).write(to: &output)
        output.append(UInt8(ascii: ","))
        JSONValue.object(kwargs).write(to: &output)
        output.append(UInt8(ascii: ","))
        embed.write(to: &output)
        output.append(UInt8(ascii: "]"))
        return Message.Body(bytes: output, transferEncoding: .utf8)
    }

    /// Reads protocol 2's three parts.
    fileprivate init(args: JSONValue, kwargs: JSONValue, embed: JSONValue) throws {
        guard case .array(let positional) = args else { throw ApiumError(.malformedMessage, "the positional arguments are \(args.kindName), not a list") }
        guard case .object(let keywords) = kwargs else { throw ApiumError(.malformedMessage, "the keyword arguments are \(kwargs.kindName), not an object") }
        switch embed {
        case .null: self.init(args: positional, kwargs: keywords)
        case .object(let members): self.init(args: positional, kwargs: keywords, embed: Embed(members: members))
        default: throw ApiumError(.malformedMessage, "what follows the task is \(embed.kindName), not an object")
        }
    }

    /// Reads protocol 1's members: missing arguments are empty.
    init(members: [String: JSONValue]) throws {
        var embed: [String: JSONValue] = [:]
        for key in ["callbacks", "errbacks", "chord"] { embed[key] = members[key] }
        try self.init(args: members["args"].orEmpty([]), kwargs: members["kwargs"].orEmpty([:]), embed: .object(embed))
    }
}

extension TaskArguments.Embed {
    /// The members of Celery's.
    fileprivate static let names = ["callbacks", "errbacks", "chain", "chord"]

    /// How Celery writes that nothing follows.
    fileprivate static let none: StaticString = #"{"callbacks": null, "errbacks": null, "chain": null, "chord": null}"#

    fileprivate init(members: [String: JSONValue]) {
        self.init()
        for (key, value) in members {
            switch key {
            case "callbacks": callbacks = value.signatures
            case "errbacks": errbacks = value.signatures
            case "chain": chain = value.signatures
            // `JSONValue` takes a nil literal for `null`, so the optional's is named.
            case "chord": chord = value.isNull ? JSONValue?.none : value
            default: extra[key] = value
            }
        }
    }

    /// The embed as it stands on the wire.
    var value: JSONValue {
        var members = extra
        members["callbacks"] = .some(callbacks.map { .array($0) } ?? .null)
        members["errbacks"] = .some(errbacks.map { .array($0) } ?? .null)
        members["chain"] = .some(chain.map { .array($0) } ?? .null)
        members["chord"] = .some(chord ?? .null)
        return .object(members)
    }

    fileprivate func write(to output: inout [UInt8]) {
        var object = ObjectWriter(&output)
        if let callbacks { object.member("callbacks", .array(callbacks), &output) }
        if let errbacks { object.member("errbacks", .array(errbacks), &output) }
        if let chain { object.member("chain", .array(chain), &output) }
        if let chord { object.member("chord", chord, &output) }
        if !extra.isEmpty {
            for (key, value) in extra.sorted(by: { $0.key < $1.key }) where !Self.names.contains(key) { object.member(named: key, value, &output) }
        }
        object.end(&output)
    }
}

extension JSONValue? {
    fileprivate func orEmpty(_ empty: JSONValue) -> JSONValue {
        if let self, !self.isNull { self } else { empty }
    }
}

extension JSONValue {
    /// A list of signatures; Celery takes a single one for a list of one.
    fileprivate var signatures: [JSONValue]? {
        switch self {
        case .null: nil
        case .array(let list): list
        default: [self]
        }
    }

    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .int, .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
