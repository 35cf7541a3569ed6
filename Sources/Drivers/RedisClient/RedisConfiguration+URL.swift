// Reading addresses as Celery's users write them (kombu's and redis-py's URL rules).
extension RedisConfiguration {
    /// Reads a broker or result backend address.
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`; the host defaults to localhost, the port to 6379, the database to 0.
    /// - `redis+socket:///path?virtual_host=<database>`, `socket://` and `unix://` (also `?db=`) likewise.
    /// - `rediss://` and `sentinel://host:port;sentinel://host:port/…` are read, but can't be connected to yet.
    ///
    /// User, password, host and path are percent-decoded. Of the query, `db`, `virtual_host`, `username`, `password`,
    /// `client_name`, `socket_connect_timeout` and `socket_timeout` (seconds) are understood, the rest is kept in `options`.
    /// - Throws: `RedisClientError` with code `invalidURL`; its message names the part that is wrong, never the password.
    public init(url: String) throws {
        guard let separator = url.firstRange(of: "://") else {
            throw Self.invalid("has no scheme; write redis://host:port/database")
        }
        let scheme = url[..<separator.lowerBound].lowercased()
        let parts = try URLParts(url[separator.upperBound...], sentinel: scheme == "sentinel")
        self.init()
        username = parts.username
        password = parts.password
        options = parts.query
        switch scheme {
        case "redis", "redis+tcp", "tcp", "rediss": try readServer(parts, tls: scheme == "rediss")
        case "redis+socket", "socket", "unix", "redis+unix": try readSocket(parts)
        case "sentinel":
            address = .sentinel(hosts: parts.authority.split(separator: ";").map { String($0.trimmingPrefix("sentinel://")) })
            try readDatabase(parts.path)
        default: throw Self.invalid("has scheme '\(scheme)'; known are redis, rediss, redis+socket, unix and sentinel")
        }
        try readOptions()
    }

    private mutating func readServer(_ parts: URLParts, tls: Bool) throws {
        guard !parts.authority.contains(";") else {
            throw Self.invalid("names several servers; give one (fail-over between brokers is not supported)")
        }
        let (host, port) = try Self.hostAndPort(parts.authority)
        address = tls ? .tls(host: host, port: port) : .tcp(host: host, port: port)
        try readDatabase(parts.path)
    }

    private mutating func readSocket(_ parts: URLParts) throws {
        // kombu also takes the first part of the path where a host would stand: redis+socket://tmp/redis.sock
        let path = parts.authority.isEmpty ? parts.path : "/" + parts.authority + parts.path
        guard path.count > 1 else { throw Self.invalid("has no path of a socket; write redis+socket:///path/to/redis.sock") }
        address = .unix(path: path)
    }

    private mutating func readDatabase(_ path: String) throws {
        let text = path.trimmingPrefix("/")
        guard !text.isEmpty else { return }
        database = try Self.database(String(text))
    }

    /// Takes the options that mean something to us out of the query.
    private mutating func readOptions() throws {
        for name in ["virtual_host", "db"] {
            if let text = options.removeValue(forKey: name) { database = try Self.database(String(text.trimmingPrefix("/"))) }
        }
        if let text = options.removeValue(forKey: "username") { username = text }
        if let text = options.removeValue(forKey: "password") { password = text }
        if let text = options.removeValue(forKey: "client_name") { clientName = text }
        if let text = options.removeValue(forKey: "socket_connect_timeout") { connectTimeout = try Self.seconds(text, "socket_connect_timeout") }
        if let text = options.removeValue(forKey: "socket_timeout") { commandTimeout = try Self.seconds(text, "socket_timeout") }
    }

    private static func hostAndPort(_ authority: String) throws -> (host: String, port: Int) {
        var host = Substring(authority)
        var port: Substring?
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw invalid("has text between ']' and the port") }
            port = rest.isEmpty ? nil : rest.dropFirst()
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.lastIndex(of: ":") {
            port = host[host.index(after: colon)...]
            host = host[..<colon]
        }
        guard let number = Int(port.flatMap { $0.isEmpty ? nil : $0 } ?? "6379"), (1...65535).contains(number) else {
            throw invalid("has port '\(port ?? "")'; a port is a number from 1 to 65535")
        }
        return (host.isEmpty ? "localhost" : String(host), number)
    }

    private static func database(_ text: String) throws -> Int {
        guard let number = Int(text), number >= 0 else { throw invalid("has database '\(text)'; a database is a number from 0") }
        return number
    }

    private static func seconds(_ text: String, _ name: String) throws -> Duration {
        guard let number = Double(text), number > 0, number < 1e9 else {
            throw invalid("has \(name)='\(text)'; it is a number of seconds above 0")
        }
        return .milliseconds(Int64(number * 1000))
    }

    static func invalid(_ problem: String) -> RedisClientError {
        RedisClientError(.invalidURL, "the Redis address \(problem)")
    }
}
