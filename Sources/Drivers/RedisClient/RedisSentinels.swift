/// The sentinels that watch over a group of servers and know which of them is the master.
public struct RedisSentinels: Sendable, Hashable {
    /// One sentinel's address.
    public struct Host: Sendable, Hashable, CustomStringConvertible {
        /// The host's name or IP address.
        public var name: String
        /// The port. Default: 26379.
        public var port: Int

        /// Makes an address.
        public init(_ name: String, port: Int = 26_379) {
            self.name = name
            self.port = port
        }

        /// `host:port`.
        public var description: String { "\(name.contains(":") ? "[\(name)]" : name):\(port)" }
    }

    /// The sentinels, asked in this order; the one that last led to the master is asked first.
    public var hosts: [Host]
    /// The group's name, as the sentinels know it (`master_name`). Empty: not said yet; connecting then fails.
    public var masterName: String
    /// The user on the sentinels; nil is their `default` user.
    public var username: String?
    /// The password of the sentinels, which need not be the master's. Never shown.
    public var password: String?
    /// How connections to the sentinels are encrypted; nil: they aren't.
    public var tls: RedisTLSOptions?

    /// The defaults are those of the properties.
    public init(hosts: [Host], masterName: String = "", username: String? = nil, password: String? = nil, tls: RedisTLSOptions? = nil) {
        self.hosts = hosts
        self.masterName = masterName
        self.username = username
        self.password = password
        self.tls = tls
    }
}

extension RedisSentinels: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Hosts and the master's name.
    public var description: String { hosts.map { "sentinel://\($0)" }.joined(separator: ";") }
    /// The same as `description`.
    public var debugDescription: String { description }
    /// Shows no password either.
    public var customMirror: Mirror { Mirror(self, children: ["hosts": description, "master": masterName]) }
}
