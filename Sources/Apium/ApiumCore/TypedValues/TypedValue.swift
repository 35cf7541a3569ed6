import DynamicJSON

/// A value that JSON has no form for, as kombu writes it: an object of exactly `__type__` and `__value__`.
///
/// ``DynamicJSON/JSONValue/typed`` recognises one; ``json`` writes one. In a job's fields the types themselves stand
/// (``Timestamp``, ``ZonedTime``, ``CalendarDate``, ``TimeOfDay``, ``ExactDecimal``, ``UniqueID``, ``ByteString``): they are
/// `Codable` in this form. Where nobody asks, such objects are carried along untouched.
public enum TypedValue: Sendable, Hashable {
    /// Python's `datetime`, with or without an offset.
    case datetime(ZonedTime)
    /// Python's `date`.
    case date(CalendarDate)
    /// Python's `time`.
    case time(TimeOfDay)
    /// Python's `Decimal`.
    case decimal(ExactDecimal)
    /// Python's `UUID`.
    case uuid(UniqueID)
    /// Python's `bytes`: `bytes` on the wire when they are UTF-8, else `base64`.
    case bytes(ByteString)
    /// A tag that is not known, or a value that its tag does not allow. kombu refuses both.
    case unreadable(tag: String, value: JSONValue)

    /// Reads the tagged form; `nil` when the value is not of that form at all.
    public init?(json: JSONValue) {
        guard case .object(let members) = json, members.count == 2, let tag = members["__type__"], let value = members["__value__"] else { return nil }
        let name = tag.stringValue ?? tag.text
        self = TypedValue.read(name, value) ?? .unreadable(tag: name, value: value)
    }

    private static func read(_ tag: String, _ value: JSONValue) -> TypedValue? {
        switch (tag, value) {
        case ("datetime", .string(let text)): ZonedTime(iso8601: text).map { .datetime($0) }
        case ("date", .string(let text)): CalendarDate(iso8601: text).map { .date($0) }
        case ("time", .string(let text)): TimeOfDay(iso8601: text).map { .time($0) }
        case ("decimal", .string(let text)): ExactDecimal(text).map { .decimal($0) }
        case ("uuid", .object(let members)): members["hex"]?.stringValue.flatMap { UniqueID($0) }.map { .uuid($0) }
        case ("bytes", .string(let text)): .bytes(ByteString(Array(text.utf8)))
        case ("base64", .string(let text)): Base64.decode(Array(text.utf8)).map { .bytes(ByteString($0)) }
        default: nil
        }
    }

    /// The tagged form.
    public var json: JSONValue {
        let (tag, value) = parts
        return ["__type__": .string(tag), "__value__": value]
    }

    private var parts: (String, JSONValue) {
        switch self {
        case .datetime(let time): ("datetime", .string(time.iso8601))
        case .date(let date): ("date", .string(date.iso8601))
        case .time(let time): ("time", .string(time.iso8601))
        case .decimal(let number): ("decimal", .string(number.text))
        case .uuid(let id): ("uuid", ["hex": .string(id.hex)])
        case .bytes(let string): string.tagged
        case .unreadable(let tag, let value): (tag, value)
        }
    }
}

extension JSONValue {
    /// The typed value, if this is kombu's tagged form of one.
    public var typed: TypedValue? { TypedValue(json: self) }
}

/// A Swift type for one of kombu's typed values: `Codable` in the tagged form.
public protocol TypedJSON: Codable, Sendable, Hashable {
    /// The tagged value.
    var typed: TypedValue { get }

    /// The value in a tagged one; `nil` when it is of another type.
    init?(typed: TypedValue)

    /// The value in a text without a tag, as older senders write it; `nil` when the text is none.
    init?(untagged text: String)
}

extension TypedJSON {
    /// Reads kombu's tagged form, or the plain text that older senders write.
    ///
    /// - Throws: `DecodingError`, which names the tag, for an unknown tag, another type, and a value its tag does not allow.
    public init(from decoder: any Decoder) throws {
        let json = try JSONValue(from: decoder)
        func corrupted(_ what: String) -> DecodingError {
            .dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "\(what); a \(Self.self) was expected"))
        }
        if case .string(let text) = json {
            guard let value = Self(untagged: text) else { throw corrupted("the text is none") }
            self = value
            return
        }
        guard let typed = json.typed else { throw corrupted("the value is neither a text nor kombu's __type__ and __value__") }
        if case .unreadable(let tag, _) = typed { throw corrupted("the __type__ '\(tag.prefix(100))' is not known, or its __value__ is not of its form") }
        guard let value = Self(typed: typed) else { throw corrupted("the __type__ is \(json["__type__"]?.text ?? "missing")") }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(typed.json)
    }
}

extension Timestamp: TypedJSON {
    /// A `datetime` in UTC.
    public var typed: TypedValue { .datetime(ZonedTime(self, offset: 0)) }

    /// The instant of a `datetime`; one without an offset is taken as UTC.
    public init?(typed: TypedValue) {
        guard case .datetime(let time) = typed else { return nil }
        self = time.instant
    }

    public init?(untagged text: String) { self.init(iso8601: text) }
}
