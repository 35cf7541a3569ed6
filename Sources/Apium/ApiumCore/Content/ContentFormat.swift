import DynamicJSON

/// How a producer writes bodies.
public struct ContentFormat: Sendable, Hashable {
    /// Celery's `task_serializer`. Default: JSON.
    public var serializer: Serializer
    /// Celery's `task_compression`. Default: none.
    public var compression: BodyCompression?
    /// How bodies that are not compressed stand in their messages: kombu's `body_encoding`. A client's own counts for all that it sends.
    /// Default: as text.
    public var transferEncoding: Message.TransferEncoding

    /// Makes a format.
    public init(_ serializer: Serializer = .json, compression: BodyCompression? = nil, transferEncoding: Message.TransferEncoding = .utf8) {
        self.serializer = serializer
        self.compression = compression
        self.transferEncoding = transferEncoding
    }

    /// What one call says in place of this, if it does.
    func changed(by call: ContentFormat?) -> ContentFormat {
        var format = call ?? self
        format.transferEncoding = transferEncoding
        return format
    }

    /// Plain JSON, Celery's default.
    public static let json = ContentFormat()
}

extension Message {
    /// Replaces the arguments: the body, its content type and the header `compression` go together.
    ///
    /// - Throws: what the serialiser throws for values that it cannot say, and ``ApiumError`` `refusedContent` for more than 1 GiB.
    public mutating func setArguments(_ arguments: TaskArguments, as format: ContentFormat = .json) throws {
        let body = try arguments.body(in: format, transferEncoding: self.body.transferEncoding)
        if headers.compression != format.compression?.contentType { headers.compression = format.compression?.contentType }
        self.body = body
    }
}

extension TaskArguments {
    /// The body of a message whose header `compression` is the format's. What is compressed is no text.
    func body(in format: ContentFormat, transferEncoding: Message.TransferEncoding? = nil) throws -> Message.Body {
        var body = format.serializer.name == Serializer.json.name ? encodedBody() : try body(as: format.serializer)
        body.transferEncoding = transferEncoding ?? format.transferEncoding
        if let compression = format.compression {
            body.bytes = try compression.compress(body.bytes)
            body.transferEncoding = .base64
        }
        return body
    }
}

extension TaskArguments {
    fileprivate func body(as serializer: Serializer) throws -> Message.Body {
        let value = [.array(args), .object(kwargs), embed.value] as [JSONValue]
        return Message.Body(
            bytes: try serializer.encode(.array(value)), contentType: serializer.contentType, contentEncoding: serializer.contentEncoding)
    }
}
