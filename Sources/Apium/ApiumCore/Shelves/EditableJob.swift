import DynamicJSON

/// A job's message as somebody edits it, of one that waits or was set aside: what is set here is written when it is put back.
public struct EditableJob: Sendable, Hashable {
    /// The positional arguments.
    public var args: [JSONValue] { didSet { isRewritten = true } }
    /// The keyword arguments.
    public var kwargs: [String: JSONValue] { didSet { isRewritten = true } }
    /// The queue it goes to.
    public var queue: String
    /// 0 (first) to 9.
    public var priority: Int
    /// Not before this instant; `nil`: at once.
    public var eta: Timestamp?
    /// Not after this instant; `nil`: whenever it is.
    public var expires: Timestamp?
    /// How often it has been retried: 0 gives it all its attempts again.
    public var retries: Int
    /// How often it took a process down: 0 lets it run among others again.
    public var crashes: Int
    /// Hard time limit; `nil`: the job type's own.
    public var timeLimit: Duration?
    /// Soft time limit; `nil`: the job type's own.
    public var softTimeLimit: Duration?
    /// Whether the result is thrown away; `nil`: the job type's own.
    public var ignoreResult: Bool?
    /// Headers that are not Celery's own.
    public var headers: [String: JSONValue]

    private var isRewritten = false
    private let embed: TaskArguments.Embed

    /// Reads a record's message; see ``init(_:queue:)``.
    public init(_ record: ShelvedRecord) throws { try self.init(record.payload, queue: record.queue) }

    /// Reads a message.
    ///
    /// - Parameter queue: the queue it is in, or goes back to.
    /// - Throws: ``ApiumError`` `malformedMessage` or `refusedContent` when it is no message, or one whose arguments cannot be read: such a message
    ///   can be requeued or deleted, not edited.
    public init(_ payload: [UInt8], queue: String) throws {
        let message = try Message(decoding: payload)
        let arguments = try message.arguments()
        (args, kwargs, embed) = (arguments.args, arguments.kwargs, arguments.embed)
        self.queue = queue
        priority = message.properties.priority
        eta = message.headers.eta.flatMap { Timestamp(iso8601: $0) }
        expires = message.headers.expires.flatMap { Timestamp(iso8601: $0) }
        retries = message.headers.retries
        crashes = message.crashes
        (timeLimit, softTimeLimit) = message.headers.timeLimits
        ignoreResult = message.headers.ignoreResult
        headers = message.headers.custom
        headers[Message.crashHeader] = nil
    }

    /// The record with the edited message; what was not touched stays as it was sent.
    ///
    /// - Throws: ``ApiumError`` `badArguments` for a value that no message can have.
    func record(from record: ShelvedRecord) throws -> ShelvedRecord {
        var edited = record
        edited.payload = try message(from: record.payload, of: record.queue).encoded()
        edited.queue = queue
        return edited
    }

    /// The edited message; what was not touched stays as it was sent.
    ///
    /// - Parameters:
    ///   - payload: the message as it was read.
    ///   - place: the queue it was read from.
    /// - Throws: ``ApiumError`` `badArguments` for a value that no message can have.
    public func message(from payload: [UInt8], of place: String) throws -> Message {
        guard !queue.isEmpty else { throw ApiumError(.badArguments, "a job cannot go to a queue without a name") }
        guard (0...9).contains(priority) else { throw ApiumError(.badArguments, "a priority is 0 to 9, not \(priority)") }
        guard retries >= 0, crashes >= 0 else { throw ApiumError(.badArguments, "retries and crashes are not negative") }
        let before = try EditableJob(payload, queue: place)
        var message = try Message(decoding: payload)
        if isRewritten {
            try message.setArguments(TaskArguments(args: args, kwargs: kwargs, embed: embed))
            message.headers.argsRepr = PythonText.list(args)
            message.headers.kwargsRepr = PythonText.dictionary(kwargs)
        }
        if eta != before.eta { message.headers.eta = eta?.iso8601 }
        if expires != before.expires { message.headers.expires = expires?.iso8601 }
        message.properties.priority = priority
        message.headers.retries = retries
        if timeLimit != before.timeLimit { message.headers.hardTimeLimit = timeLimit?.inSeconds }
        if softTimeLimit != before.softTimeLimit { message.headers.softTimeLimit = softTimeLimit?.inSeconds }
        message.headers.ignoreResult = ignoreResult
        message.headers.custom = headers
        if crashes > 0 { message.crashes = crashes }
        if queue != before.queue {
            message.properties.exchange = ""
            message.properties.routingKey = queue
        }
        return message
    }
}
