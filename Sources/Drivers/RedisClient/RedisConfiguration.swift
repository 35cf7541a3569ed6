/// Where a Redis server is, who we are to it, and how long to wait for it.
public struct RedisConfiguration: Sendable, Hashable {
    /// How the server is reached.
    public enum Address: Sendable, Hashable {
        /// A host name or IP address, and a port.
        case tcp(host: String, port: Int)
        /// A socket in the file system.
        case unix(path: String)
        /// Sentinels that name the current master, which is asked for whenever a connection is made.
        case sentinel(RedisSentinels)
    }

    /// How the server is reached. Default: TCP to localhost, port 6379.
    public var address: Address
    /// The ACL user; nil is the server's `default` user.
    public var username: String?
    /// The password; nil or empty sends no AUTH. Never shown by `description`.
    public var password: String?
    /// The number of the database. Default 0.
    public var database: Int
    /// The name shown by CLIENT LIST, without spaces; nil sets none. Default nil.
    public var clientName: String?
    /// How long connecting may take, including authentication. Default 5 s.
    public var connectTimeout: Duration
    /// How long a command may wait for its reply when the call doesn't say. Default 10 s.
    public var commandTimeout: Duration
    /// How connections are encrypted; nil: they aren't. Needs the module RedisTLS in the program. Default nil.
    public var tls: RedisTLSOptions?
    /// What else the URL's query said (transport options …), percent-decoded.
    public var options: [String: String]

    /// The defaults are those of the properties.
    public init(
        address: Address = .tcp(host: "localhost", port: 6379), username: String? = nil, password: String? = nil, database: Int = 0,
        clientName: String? = nil, connectTimeout: Duration = .seconds(5), commandTimeout: Duration = .seconds(10), tls: RedisTLSOptions? = nil,
        options: [String: String] = [:]
    ) {
        self.address = address
        self.username = username
        self.password = password
        self.database = database
        self.clientName = clientName
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.tls = tls
        self.options = options
    }
}

extension RedisConfiguration.Address: CustomStringConvertible {
    /// The address as a URL without user and password.
    public var description: String {
        switch self {
        case .tcp(let host, let port): "redis://\(Self.bracketed(host)):\(port)"
        case .unix(let path): "unix://\(path)"
        case .sentinel(let sentinels): sentinels.description
        }
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Address, user and database; a password appears as `***`.
    public var description: String {
        let user = username ?? ""
        let credentials = password.map { $0.isEmpty ? "" : ":***" } ?? ""
        let login = user.isEmpty && credentials.isEmpty ? "" : "\(user)\(credentials)@"
        switch address {
        case .sentinel(let sentinels) where !sentinels.masterName.isEmpty:
            return "\(address.withLogin(login))/\(database)?master_name=\(sentinels.masterName)"
        case .tcp where tls != nil: return "rediss\(address.withLogin(login).dropFirst("redis".count))/\(database)"
        case .unix: return "\(address.withLogin(login))?virtual_host=\(database)"
        default: return "\(address.withLogin(login))/\(database)"
        }
    }

    /// The same as `description`.
    public var debugDescription: String { description }

    /// `dump` and string interpolation of a containing value go through the mirror: it shows no password either.
    public var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}

extension RedisConfiguration.Address {
    fileprivate func withLogin(_ login: String) -> String {
        let text = description
        guard let range = text.firstRange(of: "://") else { return text }
        return text.replacingCharacters(in: range, with: "://\(login)")
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}

extension RedisConfiguration {
    /// Whether a connection is encrypted without looking whom it leads to: the server's, or the sentinels'.
    public var trustsAnyServer: Bool {
        if tls?.verification == RedisTLSOptions.Verification.none { return true }
        if case .sentinel(let sentinels) = address { return sentinels.tls?.verification == RedisTLSOptions.Verification.none }
        return false
    }
}
