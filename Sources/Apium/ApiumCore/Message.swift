import DynamicJSON

/// A task message of Celery's protocol 2, as it stands on a Redis list.
///
/// Decoding keeps everything: headers and properties this version does not know are carried along in
/// ``Headers-swift.struct/custom``, ``Properties-swift.struct/extra`` and ``extra``. The body stays encoded until somebody asks for
/// ``arguments()``, because a worker decides by the headers alone who runs the job.
public struct Message: Sendable, Hashable {
    /// A message is handed down through all of a job's life: copies share the parts, and a change makes new ones.
    @usableFromInline var parts: Parts

    /// What the message says about the job.
    @inlinable public var headers: Headers {
        _read { yield parts.headers }
        _modify {
            var headers = parts.headers
            defer { parts = Parts(headers: headers, properties: parts.properties, body: parts.body, extra: parts.extra) }
            yield &headers
        }
    }
    /// What the message says about its delivery.
    @inlinable public var properties: Properties {
        _read { yield parts.properties }
        _modify {
            var properties = parts.properties
            defer { parts = Parts(headers: parts.headers, properties: properties, body: parts.body, extra: parts.extra) }
            yield &properties
        }
    }
    /// The serialised arguments.
    @inlinable public var body: Body {
        _read { yield parts.body }
        _modify {
            var body = parts.body
            defer { parts = Parts(headers: parts.headers, properties: parts.properties, body: body, extra: parts.extra) }
            yield &body
        }
    }
    /// Members of the envelope that are not kombu's.
    public var extra: [String: JSONValue] {
        get { parts.extra }
        set { parts = Parts(headers: parts.headers, properties: parts.properties, body: parts.body, extra: newValue) }
    }

    /// Makes a message of its parts.
    public init(headers: Headers, properties: Properties = Properties(), body: Body) {
        parts = Parts(headers: headers, properties: properties, body: body, extra: [:])
    }

    /// Makes a message of all of its parts.
    init(headers: Headers, properties: Properties, body: Body, extra: [String: JSONValue]) {
        parts = Parts(headers: headers, properties: properties, body: body, extra: extra)
    }

    public static func == (left: Message, right: Message) -> Bool {
        left.parts === right.parts
            || (left.headers == right.headers && left.properties == right.properties && left.body == right.body && left.extra == right.extra)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(headers)
        hasher.combine(properties)
        hasher.combine(body)
    }

    /// What copies of a message share; never changed.
    @usableFromInline final class Parts: Sendable {
        @usableFromInline let headers: Headers
        @usableFromInline let properties: Properties
        @usableFromInline let body: Body
        @usableFromInline let extra: [String: JSONValue]

        @usableFromInline init(headers: Headers, properties: Properties, body: Body, extra: [String: JSONValue]) {
            self.headers = headers
            self.properties = properties
            self.body = body
            self.extra = extra
        }
    }

    /// The job's id.
    public var id: String { headers.id }
    /// The job's name.
    public var task: String { headers.task }

    /// Protocol 2's headers. Those with the value that every reader takes for a missing one are not written.
    public struct Headers: Sendable, Hashable {
        /// The sender's language: `"swift"` for ours, `"py"` for Celery's.
        public var lang = "swift"
        /// The registered name of the task.
        public var task: String
        /// The task's id: any text, normally a version 4 UUID.
        public var id: String
        /// An alias for logs.
        public var shadow: String?
        /// Not before this instant, as ISO 8601 text.
        public var eta: String?
        /// Not after this instant, as ISO 8601 text.
        public var expires: String?
        /// The group's id.
        public var group: String?
        /// The place in the group.
        public var groupIndex: Int?
        /// How often the task has been retried.
        public var retries = 0
        /// Hard and soft time limit in seconds.
        public var timeLimit: (hard: Double?, soft: Double?) {
            get { (hardTimeLimit, softTimeLimit) }
            set { (hardTimeLimit, softTimeLimit) = newValue }
        }
        /// The first number of the header `timelimit`, in seconds.
        public var hardTimeLimit: Double?
        /// The second number of the header `timelimit`, in seconds.
        public var softTimeLimit: Double?
        /// The time limits that count. As with Celery 0 is no limit; neither is what is no number of seconds, or more than 30 years.
        public var timeLimits: (hard: Duration?, soft: Duration?) { (Self.limit(hardTimeLimit), Self.limit(softTimeLimit)) }

        private static func limit(_ seconds: Double?) -> Duration? { seconds.flatMap { $0 > 0 && $0 < 1e9 ? .seconds($0) : nil } }

        /// The id of the workflow's first task.
        public var rootID: String?
        /// The id of the task that sent this one.
        public var parentID: String?
        /// Python's text form of the arguments, for logs; cut at 1024 characters.
        public var argsRepr: String?
        /// Python's text form of the keyword arguments, for logs; cut at 1024 characters.
        public var kwargsRepr: String?
        /// Who sent it: `gen<pid>@<host>`.
        public var origin: String?
        /// Whether the result is thrown away; `nil`: the task's own setting counts.
        public var ignoreResult: Bool?
        /// How often the task has replaced itself.
        public var replacedTaskNesting = 0
        /// The names of the stamps.
        public var stampedHeaders: [String]?
        /// The stamps.
        public var stamps: [String: JSONValue]?
        /// The content type of the compression of the body, if any.
        public var compression: String?
        /// Headers that are not Celery's own, at the top level as Celery puts them.
        public var custom: [String: JSONValue] = [:]

        /// Makes headers of a task's name and id; the rest has Celery's defaults.
        public init(task: String, id: String) {
            self.task = task
            self.id = id
        }
    }

    /// The properties of the envelope.
    public struct Properties: Sendable, Hashable {
        /// The task's id again; `nil` is written as the id.
        public var correlationID: String?
        /// Where a reply would go; Redis results do not use it.
        public var replyTo: String?
        /// 1 transient, 2 persistent.
        public var deliveryMode = 2
        /// The exchange; empty for the anonymous one.
        public var exchange = ""
        /// The routing key: with the anonymous exchange the queue's name.
        public var routingKey = ""
        /// 0 (first) to 9.
        public var priority = 0
        /// Whether the message has been delivered before.
        public var redelivered = false
        /// A fresh UUID for each publish; `nil` has one made that carries the time, see ``Message/sentAt``.
        public var deliveryTag: String?
        /// Milliseconds as text; Redis does not act on it.
        public var expiration: String?
        /// Properties that are not kombu's own.
        public var extra: [String: JSONValue] = [:]

        /// Makes the properties of a new message.
        public init() {}
    }

    /// The serialised body.
    public struct Body: Sendable, Hashable {
        /// For example `application/json`.
        public var contentType: String
        /// For example `utf-8`.
        public var contentEncoding: String
        /// `base64` or `utf-8`: how ``bytes`` stand in the envelope.
        public var transferEncoding: TransferEncoding
        /// The payload, without the transfer encoding, still compressed if it was.
        public var bytes: [UInt8]

        /// Makes a body.
        public init(bytes: [UInt8], contentType: String = "application/json", contentEncoding: String = "utf-8", transferEncoding: TransferEncoding = .base64) {
            self.bytes = bytes
            self.contentType = contentType
            self.contentEncoding = contentEncoding
            self.transferEncoding = transferEncoding
        }
    }

    /// How a body stands in the JSON envelope.
    public enum TransferEncoding: String, Sendable, Hashable {
        /// Base 64, kombu's default.
        case base64
        /// The text itself.
        case utf8 = "utf-8"
    }
}

/// What a task is called with, and what follows it: the decoded body of a message.
public struct TaskArguments: Sendable, Hashable {
    /// Positional arguments.
    public var args: [JSONValue]
    /// Keyword arguments.
    public var kwargs: [String: JSONValue]
    /// Callbacks, errbacks, the rest of a chain and the body of a chord.
    public var embed: Embed

    /// Makes arguments.
    public init(args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], embed: Embed = Embed()) {
        self.args = args
        self.kwargs = kwargs
        self.embed = embed
    }

    /// The third member of the body: signatures as they stand on the wire.
    public struct Embed: Sendable, Hashable {
        /// Signatures to send with the result.
        public var callbacks: [JSONValue]?
        /// Signatures to send after a failure.
        public var errbacks: [JSONValue]?
        /// The rest of the chain in reverse order: the next step is last.
        public var chain: [JSONValue]?
        /// The body of the chord this task is a part of.
        public var chord: JSONValue?
        /// Fields this version does not know.
        public var extra: [String: JSONValue] = [:]

        /// Makes an empty embed.
        public init() {}

        /// Whether nothing follows the task.
        public var isEmpty: Bool {
            (callbacks ?? []).isEmpty && (errbacks ?? []).isEmpty && (chain ?? []).isEmpty && (chord ?? .null) == .null
        }
    }
}
