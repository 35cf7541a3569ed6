/// One reply of a Redis server, in the terms of its protocol (RESP2).
public enum RESPValue: Sendable, Hashable {
    /// A null bulk string or a null array: "there is nothing".
    case null
    /// A signed 64-bit integer.
    case integer(Int64)
    /// A bulk string: any bytes, not necessarily text.
    case bulk([UInt8])
    /// A simple string, such as `OK` or `QUEUED`.
    case simple(String)
    /// The server refused or failed the command.
    case error(RedisServerError)
    /// An array; its elements may be arrays again, up to seven levels deep.
    case array([RESPValue])
}

/// An error that the server answered.
public struct RedisServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first word of the answer, such as `ERR`, `NOSCRIPT`, `LOADING` or `WRONGTYPE`; empty if the answer was empty.
    public var code: String
    /// The rest of the answer: a sentence for people.
    public var message: String

    /// An error of these two parts.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Splits an error line as the server wrote it (without the leading `-`).
    public init(line: String) {
        let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(code: parts.first.map(String.init) ?? "", message: parts.count > 1 ? String(parts[1]) : "")
    }

    /// Whether this is the error of that code, or a script's that carries it behind words of its own, as up to Redis 6.2:
    /// `ERR Error running script …: -READONLY You can't write …`.
    public func says(_ code: String) -> Bool {
        self.code == code || (self.code == "ERR" && message.contains("-\(code) "))
    }

    /// The answer as the server wrote it.
    public var description: String { message.isEmpty ? code : "\(code) \(message)" }
}
