import DynamicJSON

/// How values become bytes and back: one of kombu's serialisers.
///
/// ``json`` is always there; `ApiumYAML` adds `Serializer.yaml`. Values that JSON has no form for travel as kombu's tagged
/// objects (``TypedValue``), whatever the serialiser.
public struct Serializer: Sendable {
    /// kombu's name, for example `json`.
    public var name: String
    /// What stands in a message's `content-type`.
    public var contentType: String
    /// What stands in a message's `content-encoding`.
    public var contentEncoding: String
    /// The bytes of a value.
    public var encode: @Sendable (JSONValue) throws -> [UInt8]
    /// The value of bytes; throws when they are not of this form.
    public var decode: @Sendable ([UInt8]) throws -> JSONValue

    /// Makes a serialiser.
    public init(
        name: String, contentType: String, contentEncoding: String = "utf-8", encode: @escaping @Sendable (JSONValue) throws -> [UInt8],
        decode: @escaping @Sendable ([UInt8]) throws -> JSONValue
    ) {
        self.name = name
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.encode = encode
        self.decode = decode
    }

    /// Celery's default: JSON in UTF-8.
    public static let json = Serializer(
        name: "json", contentType: "application/json", encode: { $0.encoded() }, decode: { try JSONValue(parsing: $0) })

    /// The serialiser of a name (`json`) or a content type (`application/json`), among those that the program brings.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` for one that is not among `known`, with what to do about it.
    public init(named name: String, among known: [Serializer]) throws {
        guard let found = known.first(where: { $0.name == name || $0.contentType == name }) else {
            let brought = known.map(\.name).joined(separator: ", ")
            throw ApiumError(.invalidConfiguration, "names '\(name.prefix(100))': \(ForeignContent.missing(name)); this program brings \(brought)")
        }
        self = found
    }
}

/// Serialisers of one name and content type are the same.
extension Serializer: Hashable {
    public static func == (left: Serializer, right: Serializer) -> Bool { left.name == right.name && left.contentType == right.contentType }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(contentType)
    }
}

/// Which serialisations a reader takes, and how far it decompresses: Celery's `accept_content`.
public struct AcceptedContent: Sendable, Hashable {
    /// The serialisations taken. Default: JSON alone, as with Celery.
    public var serializers: [Serializer]
    /// The most that a compressed body or result may decompress to, in bytes. Default: 64 MiB.
    public var decompressedLimit: Int

    /// Makes a rule; the defaults are those of the properties.
    public init(_ serializers: [Serializer] = [.json], decompressedLimit: Int = AcceptedContent.defaultDecompressedLimit) {
        self.serializers = serializers
        self.decompressedLimit = decompressedLimit
    }

    /// JSON alone.
    public static let json = AcceptedContent()

    /// 64 MiB.
    public static let defaultDecompressedLimit = 64 << 20

    /// The rule of Celery's setting: names (`json`) or content types (`application/json`), found among what the program links.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every one that is not among `known`, or for an empty list.
    public init(names: [String], among known: [Serializer] = [.json], decompressedLimit: Int = AcceptedContent.defaultDecompressedLimit) throws {
        var serializers: [Serializer] = []
        var faults: [String] = []
        for name in names {
            do { serializers.append(try Serializer(named: name, among: known)) } catch let error as ApiumError { faults.append(error.message) }
        }
        guard faults.isEmpty else { throw ApiumError(.invalidConfiguration, faults.joined(separator: "; ")) }
        guard !serializers.isEmpty else { throw ApiumError(.invalidConfiguration, "is empty; a reader accepts at least one serialisation") }
        self.init(serializers, decompressedLimit: decompressedLimit)
    }

    /// The names, for messages to people.
    var names: String { serializers.map(\.name).joined(separator: ", ") }

    /// The value in a body's bytes.
    ///
    /// - Throws: ``ApiumError`` `refusedContent` when the content type, its encoding or the compression is not accepted,
    ///   `malformedMessage` when the bytes are not what they are said to be, `badSignature` when they are signed and that does not count.
    func value(of bytes: [UInt8], contentType: String, contentEncoding: String, compression: String?) throws -> JSONValue {
        guard let serializer = serializers.first(where: { $0.contentType == contentType }) else {
            let kind = ForeignContent.names[contentType].map { "\($0) (\(contentType))" } ?? "'\(contentType.prefix(100))'"
            throw ApiumError(.refusedContent, "the body's content type is \(kind); accepted here: \(names)\(ForeignContent.reason(contentType))")
        }
        guard ["utf-8", "utf8", "us-ascii", "ascii"].contains(contentEncoding.lowercased()) else {
            throw ApiumError(.refusedContent, "the body's content encoding is '\(contentEncoding.prefix(100))'; only utf-8 is accepted")
        }
        let plain = try compression.flatMap { $0.isEmpty ? nil : try BodyCompression(name: $0).decompress(bytes, limit: decompressedLimit) } ?? bytes
        do {
            return try serializer.decode(plain)
        } catch let error as ApiumError {
            throw error
        } catch {
            throw ApiumError(.malformedMessage, "the body is not \(serializer.name == "json" ? "JSON" : serializer.name)", underlying: error)
        }
    }
}

/// What else kombu can send, by name: refused, but called by its name.
enum ForeignContent {
    static let names = [
        "application/json": "json", "application/x-yaml": "yaml", "application/x-python-serialize": "pickle", "application/x-msgpack": "msgpack",
        Serializer.signedContentType: "signed (auth)",
    ]

    /// Why a program has no serialiser of this name.
    static func missing(_ name: String) -> String {
        switch name {
        case "yaml", "application/x-yaml": "this program does not bring YAML, which is in the product ApiumYAML"
        case Serializer.signedName, Serializer.signedContentType: "this program does not sign or verify, which is in the product ApiumSigning"
        case "pickle", "application/x-python-serialize": "pickle is never read or written, because reading it runs its sender's code"
        default: "that is no serialisation known here"
        }
    }

    /// What to say about content that is never read.
    static func reason(_ name: String) -> String {
        switch name {
        case "pickle", "application/x-python-serialize": "; pickle is never read, because reading it runs its sender's code"
        default: ""
        }
    }

    /// What bytes that are not JSON look like.
    static func guess(_ bytes: [UInt8]) -> String {
        guard let first = bytes.first else { return "it is empty" }
        if first == UInt8(ascii: "{") { return "it begins like JSON, but is damaged" }
        if first == 0x80, bytes.count > 1, bytes[1] <= 5 { return "it looks like pickle, which is never read" }
        if (0x80...0x8F).contains(first) || first == 0xDE || first == 0xDF { return "it looks like msgpack" }
        return "it may be YAML or text"
    }
}
