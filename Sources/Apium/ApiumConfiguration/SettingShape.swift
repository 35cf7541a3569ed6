import ApiumCore
import ApiumWorker
import DynamicJSON
import RedisClient

/// What a setting takes: how a value is read, how it is shown, and the words for both in faults and in the documentation.
struct SettingShape<Value: Sendable>: Sendable {
    /// What it takes, for the documentation: `a whole number from 1 to 10000`.
    let takes: String
    /// How a text of the environment becomes a value: as it stands, or read as YAML (and so as JSON).
    var isStructured = false
    let read: @Sendable (JSONValue, _ note: (String, String) -> Void) throws -> Value
    let show: @Sendable (Value) -> JSONValue

    init(
        _ takes: String, isStructured: Bool = false, read: @escaping @Sendable (JSONValue, (String, String) -> Void) throws -> Value,
        show: @escaping @Sendable (Value) -> JSONValue
    ) {
        self.takes = takes
        self.isStructured = isStructured
        self.read = read
        self.show = show
    }
}

extension SettingShape where Value == String {
    static let text = SettingShape("a text", read: { value, _ in try nonEmpty(value) }, show: { .string($0) })

    /// A Redis address; its password is never shown.
    static let address = SettingShape(
        "a URL", read: { value, _ in try RedisAddress.checked(try nonEmpty(value)) }, show: { .string(RedisAddress.masked($0)) })

    fileprivate static func nonEmpty(_ value: JSONValue) throws -> String {
        let text = try SettingValue.text(value)
        if text.isEmpty { throw SettingFault("is empty") }
        return text
    }
}

extension SettingShape where Value == String? {
    static let optionalText = SettingShape("a text", read: { value, _ in try SettingShape<String>.nonEmpty(value) }, show: { $0.map { .string($0) } ?? .null })

    /// A text that is never shown.
    static let secret = SettingShape(
        "a text", read: { value, _ in try SettingShape<String>.nonEmpty(value) }, show: { $0.map { _ in .string("********") } ?? .null })

    static let optionalAddress = SettingShape(
        "a URL", read: { value, _ in try RedisAddress.checkedBackend(try SettingShape<String>.nonEmpty(value)) },
        show: { $0.map { .string(RedisAddress.masked($0)) } ?? .null })
}

extension SettingShape where Value == Bool {
    static let flag = SettingShape("true or false", read: { value, _ in try SettingValue.flag(value) }, show: { .bool($0) })
}

extension SettingShape where Value == Bool? {
    static let optionalFlag = SettingShape("true or false", read: { value, _ in try SettingValue.flag(value) }, show: { $0.map { .bool($0) } ?? .null })
}

extension SettingShape where Value == Int {
    static func integer(_ bounds: ClosedRange<Int>) -> SettingShape {
        SettingShape(
            bounds.upperBound == .max ? "a whole number, \(bounds.lowerBound) or more" : "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)",
            read: { value, _ in try SettingValue.integer(value, in: bounds) }, show: { .int(Int64($0)) })
    }
}

extension SettingShape where Value == Duration {
    static func seconds(least: Double = 0) -> SettingShape {
        SettingShape("seconds", read: { value, _ in try SettingValue.seconds(value, least: least) }, show: { SettingValue.shown($0) })
    }
}

extension SettingShape where Value == Duration? {
    static func optionalSeconds(least: Double = 0) -> SettingShape {
        SettingShape("seconds", read: { value, _ in try SettingValue.seconds(value, least: least) }, show: { $0.map { SettingValue.shown($0) } ?? .null })
    }
}

extension SettingShape where Value == [String]? {
    static let optionalList = SettingShape(
        "a list of names; in the environment separated by commas",
        read: { value, _ in
            let names = try SettingValue.list(value).map { try SettingValue.text($0) }
            if names.isEmpty { throw SettingFault("is empty") }
            return names
        }, show: { $0.map { .array($0.map { .string($0) }) } ?? .null })
}

extension SettingShape where Value == SigningOptions.Digest {
    static let digest = SettingShape(
        "sha256, sha384 or sha512",
        read: { value, _ in
            guard let digest = SigningOptions.Digest(rawValue: try SettingValue.text(value).lowercased()) else {
                throw SettingFault("takes sha256, sha384 or sha512")
            }
            return digest
        }, show: { .string($0.rawValue) })
}

extension SettingShape where Value == IsolationOptions.Pool {
    static let pool = SettingShape(
        "tasks (also threads, solo, gevent, eventlet) or processes (also prefork)",
        read: { value, _ in
            switch try SettingValue.text(value).lowercased() {
            case "tasks", "threads", "solo", "gevent", "eventlet": .tasks
            case "processes", "prefork": .processes
            default: throw SettingFault("takes tasks or processes")
            }
        }, show: { .string($0.rawValue) })
}

extension SettingShape where Value == RedisTLSOptions? {
    /// Celery's dictionary of `ssl_…` options, or true.
    static let encryption = SettingShape(
        "true, or a map with ssl_cert_reqs, ssl_ca_certs, ssl_certfile, ssl_keyfile", isStructured: true,
        read: { value, _ in
            switch value {
            case .bool(false): return nil
            case .bool(true): return RedisTLSOptions()
            case .object(let members):
                var options: [String: String] = [:]
                for (name, member) in members where member != .null {
                    // Python's constants are numbers; in YAML a flag is no text.
                    if name == "ssl_cert_reqs", case .int(let number) = member {
                        options[name] = number == 0 ? "none" : "required"
                    } else if case .bool(let flag) = member {
                        options[name] = flag ? "true" : "false"
                    } else {
                        options[name] = try SettingValue.text(member)
                    }
                }
                do {
                    let tls = try RedisTLSOptions(taking: &options)
                    if let unknown = options.keys.min() { throw SettingFault("has the option '\(unknown)'; they all begin with ssl_") }
                    return tls
                } catch let error as RedisClientError {
                    throw SettingFault(error.message.replacing("the Redis address ", with: ""))
                }
            default: throw SettingFault("takes true or a map of ssl_… options")
            }
        }, show: { $0.map { .string($0.description) } ?? .null })
}

extension SettingShape where Value == TransportOptions {
    static let transport = SettingShape(
        "a map of kombu's transport options", isStructured: true, read: { value, note in try TransportOptions(reading: value, note: note) },
        show: { $0.shown })
}

/// Redis addresses as settings.
enum RedisAddress {
    static func checked(_ text: String) throws -> String {
        do {
            _ = try RedisConfiguration(url: text)
            return text
        } catch let error as RedisClientError {
            throw SettingFault(error.message.replacing("the Redis address ", with: ""))
        }
    }

    /// What Celery takes for a result backend and we can't be is named.
    static func checkedBackend(_ text: String) throws -> String {
        let name = text.lowercased()
        if name == "redis" { return "redis://" }
        if name.hasPrefix("rpc") { throw SettingFault("is rpc://; results are kept on Redis") }
        if name.hasPrefix("disabled") { throw SettingFault("is disabled; to keep no results set task_ignore_result") }
        if name.hasPrefix("db+") || name.hasPrefix("mongodb") || name.hasPrefix("cache+") || name.hasPrefix("django") {
            throw SettingFault("is no Redis address; results are kept on Redis")
        }
        return try checked(text)
    }

    static func masked(_ text: String) -> String { (try? RedisConfiguration(url: text).description) ?? "***" }
}
