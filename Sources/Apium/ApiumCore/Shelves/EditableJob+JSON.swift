import DynamicJSON

extension EditableJob {
    /// What may be edited, as an editor shows it: times are ISO 8601 texts, durations seconds, and null is "not set".
    public var json: JSONValue {
        [
            "args": .array(args), "kwargs": .object(kwargs), "queue": .string(queue), "priority": .int(Int64(priority)),
            "eta": eta.map { .string($0.iso8601) } ?? .null, "expires": expires.map { .string($0.iso8601) } ?? .null, "retries": .int(Int64(retries)),
            "crashes": .int(Int64(crashes)), "time_limit": timeLimit.map { .double($0.inSeconds) } ?? .null,
            "soft_time_limit": softTimeLimit.map { .double($0.inSeconds) } ?? .null, "ignore_result": ignoreResult.map { .bool($0) } ?? .null,
            "headers": .object(headers),
        ]
    }

    /// Takes over what an object of the form of ``json`` says; what it leaves out stays as it is.
    ///
    /// - Throws: ``ApiumError`` `badArguments`, naming the member that is unknown or of another type. Nothing has changed then.
    public mutating func apply(_ json: JSONValue) throws {
        guard case .object(let members) = json else { throw ApiumError(.badArguments, "an edited job is a JSON object, such as {\"args\": [1, 2]}") }
        var edited = self
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let isTaken = edited.take(value, as: name) else {
                let known = (self.json.objectValue?.keys.sorted() ?? []).joined(separator: ", ")
                throw ApiumError(.badArguments, "'\(name.prefix(100))' is nothing that can be edited; there are \(known)")
            }
            if !isTaken { throw ApiumError(.badArguments, "'\(name)' cannot be \(String(value.text.prefix(100))): it takes \(Self.form(of: name))") }
        }
        self = edited
    }

    private static func form(of name: String) -> String {
        switch name {
        case "args": "a list"
        case "kwargs", "headers": "an object"
        case "queue": "a text"
        case "priority", "retries", "crashes": "a whole number"
        case "eta", "expires": "an ISO 8601 time, for example 2030-01-01T00:00:00Z, or null"
        case "ignore_result": "true, false or null"
        default: "a number of seconds, or null"
        }
    }

    /// Whether the value was right; `nil`: there is no such member.
    private mutating func take(_ value: JSONValue, as name: String) -> Bool? {
        switch (name, value) {
        case ("args", .array(let list)): if list != args { args = list }
        case ("kwargs", .object(let members)): if members != kwargs { kwargs = members }
        case ("headers", .object(let members)): headers = members
        case ("queue", .string(let name)): queue = name
        case ("priority", .int(let number)): priority = Int(number)
        case ("retries", .int(let number)): retries = Int(number)
        case ("crashes", .int(let number)): crashes = Int(number)
        case ("eta", .null): eta = nil
        case ("expires", .null): expires = nil
        case ("eta", .string(let text)), ("expires", .string(let text)):
            guard let time = Timestamp(iso8601: text) else { return false }
            if name == "eta" { eta = time } else { expires = time }
        case ("time_limit", .null): timeLimit = nil
        case ("soft_time_limit", .null): softTimeLimit = nil
        case ("time_limit", _), ("soft_time_limit", _):
            guard let seconds = value.doubleValue, seconds > 0, seconds < 1e9 else { return false }
            if name == "time_limit" { timeLimit = .seconds(seconds) } else { softTimeLimit = .seconds(seconds) }
        case ("ignore_result", .null): ignoreResult = nil
        case ("ignore_result", .bool(let flag)): ignoreResult = flag
        case ("args", _), ("kwargs", _), ("headers", _), ("queue", _), ("priority", _), ("retries", _), ("crashes", _), ("eta", _), ("expires", _),
            ("ignore_result", _):
            return false
        default: return nil
        }
        return true
    }
}
