import ApiumCore
import ApiumRedis
import DynamicJSON
import RedisClient

/// How a Redis server is used: those of kombu's transport options that mean something here.
public struct TransportOptions: Sendable, Hashable {
    /// In front of every key (`global_keyprefix`). For results an underscore is put behind it unless it ends in one of `:_-.`. Default: empty.
    public var globalKeyPrefix = ""
    /// The priority steps, beginning with 0 (`priority_steps`; brokers only). Default: 0, 3, 6, 9.
    public var prioritySteps = [0, 3, 6, 9]
    /// Between a queue's name and its step (`sep`; brokers only). Default: kombu's.
    public var separator = RedisKeys.kombuSeparator
    /// In front of the channels of remote control and events; `{db}` is the database's number (`fanout_prefix`; brokers only). Default: `/{db}.`.
    public var fanoutPrefix = "/{db}."
    /// Whether those channels carry the routing key (`fanout_patterns`; brokers only). Default: `true`.
    public var fanoutPatterns = true
    /// The group's name on the sentinels (`master_name`). Default: `nil`, as the URL says.
    public var masterName: String?
    /// The user on the sentinels (`sentinel_kwargs.username`). Default: `nil`, as the URL says.
    public var sentinelUsername: String?
    /// The password of the sentinels (`sentinel_kwargs.password`). Default: `nil`, as the URL says.
    public var sentinelPassword: String?
    /// Whether the way to the sentinels is encrypted (`sentinel_kwargs.ssl`). Default: `nil`, as the URL says.
    public var sentinelTLS: Bool?
    /// How long a command may wait for its reply (`socket_timeout`). Default: `nil`, as the URL says, else 10 seconds.
    public var socketTimeout: Duration?
    /// How long connecting may take (`socket_connect_timeout`). Default: `nil`, as the URL says, else 5 seconds.
    public var connectTimeout: Duration?
    /// Whether the body of a chord gets the parts in the order of the header (`result_chord_ordered`; results only). Default: `true`.
    public var chordsAreOrdered = true
    /// How bodies that are not compressed stand in messages (`body_encoding`; brokers only): `base64` for readers that take bodies without the
    /// property for base 64, against kombu. Default: `utf-8`, as text.
    public var bodyEncoding = Message.TransferEncoding.utf8
    /// The name shown by CLIENT LIST (`client_name`). Default: `nil`, as the URL says.
    public var clientName: String?

    /// What Python workers hold, and when it counts as lost (`visibility_timeout`, `unacked_key`, `unacked_index_key`, `unacked_mutex_key`,
    /// `unacked_mutex_expire`, and `ack_emulation`, which when false turns restoring off; brokers only). Default: kombu's.
    public var unacked = UnackedOptions()

    /// The defaults, each given at its property.
    public init() {}

    /// Options of kombu that change nothing here, each with why; the rest is refused.
    static let withoutEffect: [String: String] = [
        "unacked_restore_limit": "all that is too old is restored, a hundred deliveries in a step",
        "polling_interval": "idle queues are waited for, not polled", "brpop_timeout": "idle queues are waited for with BLMOVE",
        "health_check_interval": "silent connections are noticed by deadlines of their own", "retry_on_timeout": "what is safe to repeat is repeated",
        "socket_keepalive": "keep-alive is always on", "max_connections": "the connections are few and shared",
        "max_retries": "connecting goes on until it succeeds", "interval_start": "the waits between attempts are fixed",
        "interval_step": "the waits between attempts are fixed", "interval_max": "the waits between attempts are fixed",
        "queue_order_strategy": "queues take turns within a priority", "retry_policy": "what is safe to repeat is repeated",
        "min_other_sentinels": "the master itself is asked for its role",
    ]

    private static let names = [
        "global_keyprefix", "priority_steps", "sep", "master_name", "sentinel_kwargs", "socket_timeout", "socket_connect_timeout", "client_name",
        "result_chord_ordered", "fanout_prefix", "fanout_patterns", "visibility_timeout", "ack_emulation", "unacked_key", "unacked_index_key",
        "unacked_mutex_key", "unacked_mutex_expire", "body_encoding",
    ]

    /// Reads Celery's dictionary; what has no effect is told to `note`.
    init(reading value: JSONValue, note: (String, String) -> Void) throws {
        self.init()
        guard case .object(let members) = value else { throw SettingFault("takes a map of options") }
        var faults: [String] = []
        for (name, member) in members.sorted(by: { $0.key < $1.key }) where member != .null {
            do {
                try read(name, member, note)
            } catch let fault as SettingFault {
                faults.append("\(name) \(fault.reason)")
            }
        }
        guard faults.isEmpty else { throw SettingFault(faults.joined(separator: "; ")) }
    }

    private mutating func read(_ name: String, _ value: JSONValue, _ note: (String, String) -> Void) throws {
        switch name {
        case "global_keyprefix": globalKeyPrefix = try SettingValue.text(value)
        case "priority_steps": prioritySteps = try Self.steps(value)
        case "sep":
            separator = try SettingValue.text(value)
            if separator.isEmpty { throw SettingFault("is empty; it stands between a queue's name and its priority step") }
        case "master_name": masterName = try SettingValue.text(value)
        case "client_name": clientName = try SettingValue.text(value)
        case "socket_timeout": socketTimeout = try SettingValue.seconds(value, least: 0.001)
        case "socket_connect_timeout": connectTimeout = try SettingValue.seconds(value, least: 0.001)
        case "fanout_prefix": fanoutPrefix = try Self.fanoutPrefix(value)
        case "body_encoding":
            guard let encoding = Message.TransferEncoding(rawValue: try SettingValue.text(value)) else { throw SettingFault("takes utf-8 or base64") }
            bodyEncoding = encoding
        case "fanout_patterns": fanoutPatterns = try SettingValue.flag(value)
        case "result_chord_ordered": chordsAreOrdered = try SettingValue.flag(value)
        case "sentinel_kwargs": try readSentinels(value)
        case "visibility_timeout", "ack_emulation", "unacked_key", "unacked_index_key", "unacked_mutex_key", "unacked_mutex_expire":
            try readUnacked(name, value)
        default:
            if let why = Self.withoutEffect[name] { return note(name, why) }
            throw SettingFault("is no option\(NearestName.hint(name, among: Self.names + Self.withoutEffect.keys))")
        }
    }

    private mutating func readSentinels(_ value: JSONValue) throws {
        guard case .object(let members) = value else { throw SettingFault("takes a map with password, username and ssl") }
        for (name, member) in members.sorted(by: { $0.key < $1.key }) where member != .null {
            switch name {
            case "username": sentinelUsername = try SettingValue.text(member)
            case "password": sentinelPassword = try SettingValue.text(member)
            case "ssl": sentinelTLS = try SettingValue.flag(member)
            case "socket_timeout", "socket_connect_timeout": break
            default: throw SettingFault("has the option '\(name)'; known are username, password and ssl")
            }
        }
    }

    /// Kombu takes true for its own prefix, false for none, or a text.
    private static func fanoutPrefix(_ value: JSONValue) throws -> String {
        if case .string(let text) = value { return text }
        return try SettingValue.flag(value) ? TransportOptions().fanoutPrefix : ""
    }

    private static func steps(_ value: JSONValue) throws -> [Int] {
        let steps = try SettingValue.list(value).map { try SettingValue.integer($0, in: 0...9) }
        guard steps.first == 0, steps == Set(steps).sorted() else { throw SettingFault("is an ascending list of priorities from 0 to 9 that begins with 0") }
        return steps
    }

    /// The options that differ from their defaults, as they are written; secrets are masked.
    var shown: JSONValue {
        var members: [String: JSONValue] = [:]
        let standard = TransportOptions()
        if globalKeyPrefix != standard.globalKeyPrefix { members["global_keyprefix"] = .string(globalKeyPrefix) }
        if prioritySteps != standard.prioritySteps { members["priority_steps"] = .array(prioritySteps.map { .int(Int64($0)) }) }
        if separator != standard.separator { members["sep"] = .string(separator) }
        if !chordsAreOrdered { members["result_chord_ordered"] = false }
        if fanoutPrefix != standard.fanoutPrefix { members["fanout_prefix"] = .string(fanoutPrefix) }
        if !fanoutPatterns { members["fanout_patterns"] = false }
        if let masterName { members["master_name"] = .string(masterName) }
        if bodyEncoding != standard.bodyEncoding { members["body_encoding"] = .string(bodyEncoding.rawValue) }
        if let clientName { members["client_name"] = .string(clientName) }
        if let socketTimeout { members["socket_timeout"] = SettingValue.shown(socketTimeout) }
        if let connectTimeout { members["socket_connect_timeout"] = SettingValue.shown(connectTimeout) }
        members.merge(shownUnacked) { $1 }
        var sentinels: [String: JSONValue] = [:]
        if let sentinelUsername { sentinels["username"] = .string(sentinelUsername) }
        if sentinelPassword != nil { sentinels["password"] = "***" }
        if let sentinelTLS { sentinels["ssl"] = .bool(sentinelTLS) }
        if !sentinels.isEmpty { members["sentinel_kwargs"] = .object(sentinels) }
        return .object(members)
    }

    /// Puts what is set here over what the URL says.
    func apply(to configuration: inout RedisConfiguration) {
        if let socketTimeout { configuration.commandTimeout = socketTimeout }
        if let connectTimeout { configuration.connectTimeout = connectTimeout }
        if let clientName { configuration.clientName = clientName }
        guard case .sentinel(var sentinels) = configuration.address else { return }
        if let masterName { sentinels.masterName = masterName }
        if let sentinelUsername { sentinels.username = sentinelUsername }
        if let sentinelPassword { sentinels.password = sentinelPassword }
        if let sentinelTLS { sentinels.tls = sentinelTLS ? sentinels.tls ?? configuration.tls ?? RedisTLSOptions() : nil }
        configuration.address = .sentinel(sentinels)
    }
}

extension TransportOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The options that differ from their defaults; secrets are masked.
    public var description: String { shown.text }
    /// The same as `description`.
    public var debugDescription: String { description }
    /// Shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: ["options": description]) }
}
