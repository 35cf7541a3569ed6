/// Where a Redis server is, who we are to it, and how long to wait for it.
public struct RedisConfiguration: Sendable, Hashable {
    /// How the server is reached.
    public enum Address: Sendable, Hashable {
        /// A host name or IP address, and a port.
        case tcp(host: String, port: Int)
        /// A socket in the file system.
        case unix(path: String)
        /// TLS over TCP (`rediss://`). Parsed, but connecting answers `notSupported`.
        case tls(host: String, port: Int)
        /// Sentinels that name the current master. Parsed, but connecting answers `notSupported`.
        case sentinel(hosts: [String])
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
    /// What else the URL's query said (`ssl_cert_reqs`, transport options …), percent-decoded.
    public var options: [String: String]

    /// The defaults are those of the properties.
    public init(
        address: Address = .tcp(host: "localhost", port: 6379), username: String? = nil, password: String? = nil, database: Int = 0,
        clientName: String? = nil, connectTimeout: Duration = .seconds(5), commandTimeout: Duration = .seconds(10), options: [String: String] = [:]
    ) {
        self.address = address
        self.username = username
        self.password = password
        self.database = database
        self.clientName = clientName
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.options = options
    }
}

extension RedisConfiguration.Address: CustomStringConvertible {
    /// The address as a URL without user and password.
    public var description: String {
        switch self {
        case .tcp(let host, let port): "redis://\(Self.bracketed(host)):\(port)"
        case .unix(let path): "unix://\(path)"
        case .tls(let host, let port): "rediss://\(Self.bracketed(host)):\(port)"
        case .sentinel(let hosts): hosts.map { "sentinel://\($0)" }.joined(separator: ";")
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
