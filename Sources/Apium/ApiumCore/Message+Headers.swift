import DynamicJSON

/// The headers while they are read: the task's name and id may come late, or never.
struct HeaderFields {
    var task: String?
    var id: String?
    /// Everything else; its task and id are placeholders until ``headers()``.
    private var fields = Message.Headers(task: "", id: "")

    init() { fields.lang = "" }

    /// The compression of the body.
    var compression: String? { fields.compression }

    /// Takes one header, the scanner standing at its value.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when a header that decides what happens has a value it cannot have.
    mutating func read(_ key: String, _ scanner: inout EnvelopeScanner) throws {
        switch key {
        case "task": task = try scanner.optionalString(key)
        case "id": id = try scanner.optionalString(key)
        case "eta": fields.eta = try scanner.optionalString(key)
        case "expires": fields.expires = try scanner.optionalString(key)
        case "group": fields.group = try scanner.optionalString(key)
        case "root_id": fields.rootID = try scanner.optionalString(key)
        case "parent_id": fields.parentID = try scanner.optionalString(key)
        case "compression": fields.compression = try scanner.optionalString(key)
        case "group_index": fields.groupIndex = try scanner.optionalInteger(key)
        case "retries": fields.retries = try scanner.optionalCount(key) ?? 0
        case "replaced_task_nesting": fields.replacedTaskNesting = try scanner.optionalCount(key) ?? 0
        case "timelimit": fields.timeLimit = try timeLimits(scanner.value())
        default: readInformation(key, try scanner.value())
        }
    }

    /// Takes a header nothing depends on; one of an unexpected type is kept as it is.
    private mutating func readInformation(_ key: String, _ value: JSONValue) {
        switch (key, value) {
        case ("lang", .string(let text)): fields.lang = text
        case ("shadow", .string(let text)): fields.shadow = text
        case ("argsrepr", .string(let text)): fields.argsRepr = text
        case ("kwargsrepr", .string(let text)): fields.kwargsRepr = text
        case ("origin", .string(let text)): fields.origin = text
        case ("ignore_result", .bool(let flag)): fields.ignoreResult = flag
        case ("stamps", .object(let stamps)): fields.stamps = stamps.isEmpty ? nil : stamps
        case ("stamped_headers", .array(let names)) where names.allSatisfy({ $0.stringValue != nil }):
            fields.stampedHeaders = names.compactMap(\.stringValue)
        case ("lang", .null), ("shadow", .null), ("argsrepr", .null), ("kwargsrepr", .null), ("origin", .null), ("ignore_result", .null), ("stamps", .null),
            ("stamped_headers", .null):
            break
        default: fields.custom[key] = value
        }
    }

    private func timeLimits(_ value: JSONValue) throws -> (hard: Double?, soft: Double?) {
        switch value {
        case .null: return (nil, nil)
        case .array(let limits) where limits.count == 2 && limits.allSatisfy({ $0.isNull || $0.doubleValue != nil }):
            return (limits[0].doubleValue, limits[1].doubleValue)
        default: throw ApiumError(.malformedMessage, "the header timelimit is not a list of two numbers or nulls")
        }
    }

    /// The finished headers.
    func headers() throws -> Message.Headers {
        guard let task else { throw ApiumError(.malformedMessage, "the message has no header task") }
        guard let id else { throw ApiumError(.malformedMessage, "the message of task '\(task.prefix(200))' has no header id") }
        return headers(task: task, id: id)
    }

    /// The headers, when name and id stand elsewhere.
    func headers(task: String, id: String) -> Message.Headers {
        var headers = fields
        headers.task = task
        headers.id = id
        return headers
    }
}

extension EnvelopeScanner {
    /// Reads an integer or `null`.
    mutating func optionalInteger(_ key: String) throws -> Int? {
        switch try value() {
        case .null: return nil
        case .int(let number): return Int(number)
        default: throw malformed("\(key) is neither an integer nor null")
        }
    }

    /// Reads a count or `null`. It may be added to without a thought of overflow.
    mutating func optionalCount(_ key: String) throws -> Int? {
        guard let number = try optionalInteger(key) else { return nil }
        guard (0...Int(Int32.max)).contains(number) else { throw malformed("\(key) is \(number), which counts nothing") }
        return number
    }
}
