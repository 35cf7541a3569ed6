import DynamicJSON

/// What is said about one message beside its task and arguments: the one form that typed calls and signatures come to before a message is
/// made of them.
struct SendOptions: Sendable {
    var id: String?
    /// Where it shall go, as far as the caller says.
    var route = Route()
    /// From now on the broker's clock.
    var delay: Duration?
    /// The instant, if it was given as one.
    var eta: Timestamp?
    /// The text in which it was given.
    var etaText: String?
    var expires: Timestamp?
    /// The text in which it was given.
    var expiresText: String?
    var group: String?
    var groupIndex: Int?
    var retries = 0
    var hardTimeLimit: Double?
    var softTimeLimit: Double?
    var rootID: String?
    var parentID: String?
    var shadow: String?
    var ignoreResult: Bool?
    var replacedTaskNesting = 0
    var replyTo: String?
    var headers: [String: JSONValue] = [:]
    var stampedHeaders: [String]?
    var stamps: [String: JSONValue]?
    /// How the body is written; `nil`: as the dispatcher does.
    var format: ContentFormat?
    /// Takes the place of the format's own.
    var compression: BodyCompression?
    /// Properties that are not Celery's own.
    var properties: [String: JSONValue] = [:]
}

extension SendOptions {
    /// What a caller says in Swift.
    init(_ options: EnqueueOptions, now: Timestamp) {
        id = options.id
        route = options.route
        eta = options.delay == nil ? options.eta : nil
        delay = options.delay ?? eta.map { $0 - now }.flatMap { $0 > .zero ? $0 : nil }
        expires = options.expires.map { now + $0 }
        rootID = options.rootID
        parentID = options.parentID
        ignoreResult = options.ignoreResult
        headers = options.headers
        format = options.format
    }

    /// Options of a signature under Celery's names (celery-wire 8.1), without those that travel in the body.
    ///
    /// - Throws: ``ApiumError`` `badArguments` when one has a value that it cannot have.
    init(_ options: [String: JSONValue], task: String, now: Timestamp) throws {
        var reader = OptionReader(options: options, task: task, now: now)
        id = try reader.text("task_id")
        route = Route(
            queue: try reader.queue(), exchange: try reader.text("exchange"), routingKey: try reader.text("routing_key"),
            priority: try reader.integer("priority"))
        let countdown = try reader.seconds("countdown")
        etaText = countdown == nil ? options["eta"]?.stringValue : nil
        expiresText = options["expires"]?.stringValue
        eta = try reader.instant("eta")
        // Zero is no countdown, as in Python.
        if let countdown, countdown != 0 { eta = now + .seconds(countdown) }
        delay = eta.map { $0 - now }.flatMap { $0 > .zero ? $0 : nil }
        expires = try reader.instant("expires")
        group = try reader.text("group_id")
        groupIndex = try reader.integer("group_index")
        retries = try reader.integer("retries") ?? 0
        hardTimeLimit = try reader.seconds("time_limit")
        softTimeLimit = try reader.seconds("soft_time_limit")
        rootID = try reader.text("root_id")
        parentID = try reader.text("parent_id")
        shadow = try reader.text("shadow")
        ignoreResult = reader.take("ignore_result")?.boolValue
        replacedTaskNesting = try reader.integer("replaced_task_nesting") ?? 0
        replyTo = try reader.text("reply_to")
        headers = reader.take("headers")?.objectValue ?? [:]
        if let names = reader.take("stamped_headers")?.arrayValue?.compactMap(\.stringValue) {
            stampedHeaders = names
            stamps = [:]
            for name in names { stamps?[name] = reader.take(name) ?? options[name] }
        }
        // What cannot be compressed as a Python sender wishes goes as it is: every reader takes that.
        compression = options["compression"]?.stringValue.flatMap { try? BodyCompression(name: $0) }
        properties = reader.rest
    }
}

/// Takes options out of a signature, each once; what is left is nobody's.
private struct OptionReader {
    var options: [String: JSONValue]
    let task: String
    let now: Timestamp

    /// What travels in the body, and what concerns only the sending process.
    private static let notOfTheMessage: Set = [
        "link", "link_error", "chain", "chord", "add_to_parent", "producer", "publisher", "connection", "router", "result_cls", "route_name", "task_type",
        "exchange_type", "retry", "retry_policy", "declare", "event_dispatcher", "timeout", "confirm_timeout", "serializer", "compression",
        "delivery_mode", "interval", "max_retries", "immediate", "mandatory", "kwargs", "args",
    ]

    /// What nobody took.
    var rest: [String: JSONValue] { options.filter { !Self.notOfTheMessage.contains($0.key) && !$0.value.isNull } }

    mutating func take(_ name: String) -> JSONValue? {
        guard let value = options.removeValue(forKey: name), !value.isNull else { return nil }
        return value
    }

    mutating func text(_ name: String) throws -> String? {
        switch take(name) {
        case nil: nil
        case .string(let text)?: text
        case .some: throw bad(name, "a text")
        }
    }

    /// A queue is a name; Python senders may leave a whole queue there, of which the name counts.
    mutating func queue() throws -> String? {
        switch take("queue") {
        case nil: nil
        case .string(let text)?: text
        case .some(let queue): try queue["name"]?.stringValue ?? { throw bad("queue", "a name") }()
        }
    }

    mutating func integer(_ name: String) throws -> Int? {
        switch take(name) {
        case nil: nil
        case .int(let number)?: Int(clamping: number)
        case .double(let number)? where number.magnitude < 1e9: Int(number)
        case .some: throw bad(name, "a number")
        }
    }

    mutating func seconds(_ name: String) throws -> Double? {
        guard let value = take(name) else { return nil }
        guard let seconds = value.doubleValue, seconds.magnitude < 1e12 else { throw bad(name, "a number of seconds") }
        return seconds
    }

    /// A number is seconds from now, a text an ISO 8601 time; kombu writes Python's datetimes as tagged objects.
    mutating func instant(_ name: String) throws -> Timestamp? {
        guard var value = take(name) else { return nil }
        if let tag = value["__type__"], tag == "datetime", let inner = value["__value__"] { value = inner }
        if let seconds = value.doubleValue, seconds.magnitude < 1e12 { return now + .seconds(seconds) }
        guard let text = value.stringValue, let time = Timestamp(iso8601: text) else { throw bad(name, "a number of seconds or an ISO 8601 time") }
        return time
    }

    private func bad(_ name: String, _ what: String) -> ApiumError {
        ApiumError(.badArguments, "the option '\(name)' of the signature of '\(task.prefix(200))' is not \(what)")
    }
}
