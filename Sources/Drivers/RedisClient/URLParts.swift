/// The parts of an address after `scheme://`, percent-decoded. A reader of our own: Foundation's costs the worker 50 MB and refuses
/// the lists of hosts that Celery writes.
struct URLParts {
    var username: String?
    var password: String?
    /// Host and port.
    var authority = ""
    /// From the first slash, or empty.
    var path = ""
    var query: [String: String] = [:]

    /// - Throws: `RedisClientError` with code `invalidURL`.
    init(_ text: Substring) throws {
        var rest = text
        if let mark = rest.firstIndex(of: "?") {
            query = try Self.parseQuery(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var login = rest[..<slash]
        path = try Self.decode(rest[slash...], "path")
        if let mark = login.lastIndex(of: "@") {
            try readLogin(login[..<mark])
            login = login[login.index(after: mark)...]
        }
        authority = try Self.decode(login, "host")
    }

    private mutating func readLogin(_ login: Substring) throws {
        let parts = login.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = try Self.decode(parts[0], "user")
        username = user.isEmpty ? nil : user
        if parts.count > 1 { password = try Self.decode(parts[1], "password") }
    }

    private static func parseQuery(_ text: Substring) throws -> [String: String] {
        var query: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decode(parts[0], "query")
            query[name] = parts.count > 1 ? try decode(parts[1], "query") : ""
        }
        return query
    }

    /// Replaces `%41` by `A`.
    private static func decode(_ text: Substring, _ part: String) throws -> String {
        guard text.contains("%") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw RedisConfiguration.invalid("has a % in its \(part) that isn't followed by two hexadecimal digits; write % as %25")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw RedisConfiguration.invalid("has a \(part) that isn't UTF-8 after percent-decoding")
        }
        return decoded
    }
}
