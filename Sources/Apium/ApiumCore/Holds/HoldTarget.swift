/// What a limit or a pause is about.
public enum HoldTarget: Sendable, Hashable {
    /// All jobs of a queue.
    case queue(String)
    /// All jobs of a name, whatever queue they are in.
    case job(String)
    /// All jobs that carry this key.
    case key(LimitKey)
    /// Each key of this name for itself, unless it has a limit of its own. Only limits can be set so; a pause names one key.
    case eachKey(String)
    /// The runs of jobs that are unique while they run: one at a time. Nobody sets it.
    case run(String)

    /// The target as one text: `queue:checks`, `job:shop.check`, `key:host=shop.example`, `key:host`, `run:…`.
    public var text: String {
        switch self {
        case .queue(let name): "queue:\(name)"
        case .job(let name): "job:\(name)"
        case .key(let key): "key:\(key.name)=\(key.value)"
        case .eachKey(let name): "key:\(name)"
        case .run(let lock): "run:\(lock)"
        }
    }

    /// Reads ``text``; `nil` when it is none.
    public init?(text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let rest = text[text.index(after: colon)...]
        switch text[..<colon] {
        case "queue": self = .queue(String(rest))
        case "job": self = .job(String(rest))
        case "run": self = .run(String(rest))
        case "key":
            guard let sign = rest.firstIndex(of: "=") else {
                self = .eachKey(String(rest))
                return
            }
            self = .key(LimitKey(String(rest[..<sign]), String(rest[rest.index(after: sign)...])))
        default: return nil
        }
    }

    /// - Throws: ``ApiumError`` `badArguments` for a name that no target can have.
    public func validate() throws {
        let (name, value) =
            switch self {
            case .queue(let name), .job(let name), .eachKey(let name), .run(let name): (name, "")
            case .key(let key): (key.name, key.value)
            }
        if name.isEmpty { throw ApiumError(.badArguments, "a limit or a pause is about something that has a name; this one has none") }
        if (name + value).contains("\u{0}") { throw ApiumError(.badArguments, "the name of a limit or a pause cannot have the character NUL in it") }
        switch self {
        case .key, .eachKey:
            if name.contains("=") { throw ApiumError(.badArguments, "the name of a key cannot have '=' in it: '\(name.prefix(100))'") }
        default: break
        }
    }
}

/// What tells the jobs from one another that share a limit: a name for the kind of key, and its value.
///
/// ```swift
/// var limitKey: LimitKey? { LimitKey("host", link.host) }
/// ```
///
/// A limit on ``HoldTarget/eachKey(_:)`` of the name counts for each value; jobs of several types may share it.
public struct LimitKey: Sendable, Hashable {
    /// What kind of key it is, for example `host`; without `=`.
    public var name: String
    /// Its value.
    public var value: String

    /// Makes a key.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Whether it can be limited: its parts are as ``HoldTarget/validate()`` wants them.
    var isValid: Bool { (try? HoldTarget.key(self).validate()) != nil }
}
