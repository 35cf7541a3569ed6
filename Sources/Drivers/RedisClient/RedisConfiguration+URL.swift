// Reading addresses as Celery's users write them (kombu's and redis-py's URL rules).
extension RedisConfiguration {
    /// Reads a broker or result backend address.
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`; the host defaults to localhost, the port to 6379, the database to 0.
    /// - `redis+socket:///path?virtual_host=<database>`, `socket://` and `unix://` (also `?db=`) likewise.
    /// - `rediss://…` the same with TLS; see `RedisTLSOptions` for the `ssl_…` options of the query.
    /// - `sentinel://[:password@]host[:port];sentinel://host[:port]/database?master_name=<name>`; user and password are the master's,
    ///   those of the sentinels are `sentinel_username` and `sentinel_password`; `ssl=true` encrypts the way to the master,
    ///   `sentinel_ssl=true` the way to the sentinels.
    ///
    /// User, password, host and path are percent-decoded. Of the query, `db`, `virtual_host`, `username`, `password`,
    /// `client_name`, `socket_connect_timeout` and `socket_timeout` (seconds) are understood too, the rest is kept in `options`.
    /// - Throws: `RedisClientError` with code `invalidURL`; its message names the part that is wrong, never the password.
    public init(url: String) throws {
        guard let separator = url.firstRange(of: "://") else {
            throw Self.invalid("has no scheme; write redis://host:port/database")
        }
        let scheme = url[..<separator.lowerBound].lowercased()
        self.init()
        if scheme == "sentinel" {
            try readSentinels(url)
        } else {
            let parts = try URLParts(url[separator.upperBound...])
            take(parts)
            switch scheme {
            case "redis", "redis+tcp", "tcp": try readServer(parts)
            case "rediss":
                try readServer(parts)
                tls = try RedisTLSOptions(taking: &options)
            case "redis+socket", "socket", "unix", "redis+unix": try readSocket(parts)
            default: throw Self.invalid("has scheme '\(scheme)'; known are redis, rediss, redis+socket, unix and sentinel")
            }
        }
        try readOptions()
        if let name = options.keys.filter({ $0.hasPrefix("ssl_") }).sorted().first {
            throw Self.invalid("has the option '\(name)' but no TLS; write rediss://")
        }
    }

    /// User, password and query. What a later part of a list of sentinels doesn't say stays.
    private mutating func take(_ parts: URLParts) {
        if let text = parts.username { username = text }
        if let text = parts.password { password = text }
        options.merge(parts.query) { $1 }
    }

    private mutating func readServer(_ parts: URLParts) throws {
        guard !parts.authority.contains(";") else {
            throw Self.invalid("names several servers; give one (fail-over between brokers is what sentinel:// is for)")
        }
        let (host, port) = try Self.hostAndPort(parts.authority)
        address = .tcp(host: host, port: port)
        try readDatabase(parts.path)
    }

    /// Each element of the list may have a scheme, a login and a database of its own, as kombu's users write them.
    private mutating func readSentinels(_ url: String) throws {
        var hosts: [RedisSentinels.Host] = []
        for element in url.split(separator: ";") {
            let text = element.trimmingPrefix("sentinel://")
            guard !text.contains("://") else { throw Self.invalid("mixes sentinel:// with another scheme") }
            let parts = try URLParts(text)
            if let known = password, let other = parts.password, known != other {
                throw Self.invalid("has different passwords in its list of sentinels; they are the master's, so there is one")
            }
            take(parts)
            let (host, port) = try Self.hostAndPort(parts.authority, standardPort: 26_379)
            hosts.append(RedisSentinels.Host(host, port: port))
            try readDatabase(parts.path)
        }
        guard !hosts.isEmpty else { throw Self.invalid("names no sentinel; write sentinel://host:26379;sentinel://host:26379/0?master_name=…") }
        var sentinels = RedisSentinels(hosts: hosts, masterName: options.removeValue(forKey: "master_name") ?? "")
        sentinels.username = options.removeValue(forKey: "sentinel_username")
        sentinels.password = options.removeValue(forKey: "sentinel_password")
        let encryptsMaster = try options.removeValue(forKey: "ssl").map { try Self.flag($0, "ssl") } ?? false
        let encryptsSentinels = try options.removeValue(forKey: "sentinel_ssl").map { try Self.flag($0, "sentinel_ssl") } ?? false
        if encryptsMaster || encryptsSentinels {
            let encryption = try RedisTLSOptions(taking: &options)
            if encryptsMaster { tls = encryption }
            if encryptsSentinels { sentinels.tls = encryption }
        }
        if let unknown = options.keys.filter({ $0.hasPrefix("sentinel_") }).sorted().first {
            throw Self.invalid("has the option '\(unknown)'; known are sentinel_username, sentinel_password and sentinel_ssl")
        }
        address = .sentinel(sentinels)
    }

    /// - Throws: `RedisClientError` with code `invalidURL`.
    static func flag(_ text: String, _ name: String) throws -> Bool {
        guard let value = knownFlag(text) else { throw invalid("has \(name)='\(text)'; it is true or false") }
        return value
    }

    /// Nil: it is no flag.
    static func knownFlag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1", "yes", "on": true
        case "false", "0", "no", "off": false
        default: nil
        }
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

    private static func hostAndPort(_ authority: String, standardPort: Int = 6379) throws -> (host: String, port: Int) {
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
        guard let number = Int(port.flatMap { $0.isEmpty ? nil : $0 } ?? "\(standardPort)"), (1...65535).contains(number) else {
            // What isn't a number may be a part of a password: it isn't shown.
            let shown = port.flatMap { Int($0) }.map { " \($0)" } ?? ""
            throw invalid("has a wrong port\(shown); a port is a number from 1 to 65535, and / and @ in a password are written %2F and %40")
        }
        return (host.isEmpty ? "localhost" : String(host), number)
    }

    private static func database(_ text: String) throws -> Int {
        guard let number = Int(text), number >= 0 else {
            throw invalid("has a database that is no number from 0; / and @ in a password are written %2F and %40")
        }
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
