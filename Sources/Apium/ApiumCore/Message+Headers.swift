import DynamicJSON

/// The headers while they are read: the task's name and id may come late, or never.
struct HeaderFields {
    var task: String?
    var id: String?
    /// Everything else; its task and id are placeholders until ``take()``.
    private var fields = Message.Headers(task: "", id: "")

    init() { fields.lang = "" }

    /// The compression of the body.
    var compression: String? { fields.compression }

    /// Takes one header, the scanner standing at its value.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when a header that decides what happens has a value it cannot have.
    mutating func read(_ key: EnvelopeScanner.Key, _ scanner: inout EnvelopeScanner) throws {
        // By length first: comparing texts is most of what this costs.
        switch key.count {
        case 2 where key == "id": id = try scanner.optionalString(key)
        case 3 where key == "eta": fields.eta = try scanner.optionalString(key)
        case 4 where key == "task": task = try scanner.optionalString(key)
        case 4 where key == "lang": fields.lang = try information(key, &scanner) ?? ""
        case 5 where key == "group": fields.group = try scanner.optionalString(key)
        case 6 where key == "shadow": fields.shadow = try information(key, &scanner)
        case 6 where key == "origin": fields.origin = try information(key, &scanner)
        case 7 where key == "root_id": fields.rootID = try scanner.optionalString(key, sharing: id)
        case 7 where key == "retries": fields.retries = try scanner.optionalCount(key) ?? 0
        case 7 where key == "expires": fields.expires = try scanner.optionalString(key)
        case 8 where key == "argsrepr": fields.argsRepr = try information(key, &scanner)
        case 9 where key == "parent_id": fields.parentID = try scanner.optionalString(key)
        case 9 where key == "timelimit": if !scanner.nulls() { fields.timeLimit = try timeLimits(scanner.value()) }
        case 10 where key == "kwargsrepr": fields.kwargsRepr = try information(key, &scanner)
        case 11 where key == "group_index": fields.groupIndex = try scanner.optionalInteger(key)
        case 11 where key == "compression": fields.compression = try scanner.optionalString(key)
        case 21 where key == "replaced_task_nesting": fields.replacedTaskNesting = try scanner.optionalCount(key) ?? 0
        default: readInformation(key.text, try scanner.value())
        }
    }

    /// A text that nothing depends on, or null; what is neither is kept as it is. Of a header that stands twice the last one counts.
    private mutating func information(_ key: EnvelopeScanner.Key, _ scanner: inout EnvelopeScanner) throws -> String? {
        if !fields.custom.isEmpty { fields.custom[key.text] = nil }
        if scanner.null() { return nil }
        if scanner.next == UInt8(ascii: "\"") { return try scanner.string() }
        fields.custom[key.text] = try scanner.value()
        return nil
    }

    /// Takes a header nothing depends on; one of an unexpected type is kept as it is.
    private mutating func readInformation(_ key: String, _ value: JSONValue) {
        if !fields.custom.isEmpty { fields.custom[key] = nil }
        switch key {
        case "ignore_result": fields.ignoreResult = nil
        case "stamps": fields.stamps = nil
        case "stamped_headers": fields.stampedHeaders = nil
        default: break
        }
        switch (key, value) {
        case ("ignore_result", .bool(let flag)): fields.ignoreResult = flag
        case ("stamps", .object(let stamps)): fields.stamps = stamps.isEmpty ? nil : stamps
        case ("stamped_headers", .array(let names)) where names.allSatisfy({ $0.stringValue != nil }):
            fields.stampedHeaders = names.compactMap(\.stringValue)
        case ("ignore_result", .null), ("stamps", .null), ("stamped_headers", .null): break
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
    mutating func take() throws -> Message.Headers {
        guard let task else { throw ApiumError(.malformedMessage, "the message has no header task") }
        guard let id else { throw ApiumError(.malformedMessage, "the message of task '\(task.prefix(200))' has no header id") }
        return take(task: task, id: id)
    }

    /// The headers, when name and id stand elsewhere. They are moved out: a copy of so many texts costs as much as reading them.
    mutating func take(task: String, id: String) -> Message.Headers {
        var headers = Message.Headers(task: "", id: "")
        swap(&headers, &fields)
        headers.task = task
        headers.id = id
        return headers
    }
}

extension EnvelopeScanner {
    /// Reads an integer or `null`.
    mutating func optionalInteger(_ key: Key) throws -> Int? {
        switch try value() {
        case .null: return nil
        case .int(let number): return Int(number)
        default: throw malformed("\(key.text) is neither an integer nor null")
        }
    }

    /// Reads a count or `null`. It may be added to without a thought of overflow.
    mutating func optionalCount(_ key: Key) throws -> Int? {
        guard let number = try optionalInteger(key) else { return nil }
        guard (0...Int(Int32.max)).contains(number) else { throw malformed("\(key.text) is \(number), which counts nothing") }
        return number
    }
}
