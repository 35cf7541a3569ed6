import ApiumRedis
import DynamicJSON

/// The options that say where kombu's consumers note what they hold.
extension TransportOptions {
    /// Reads one of them. `ack_emulation` stands before `visibility_timeout` in the order of names, so the latter doesn't turn on again what
    /// the former has turned off.
    mutating func readUnacked(_ name: String, _ value: JSONValue) throws {
        switch name {
        case "ack_emulation": if try !SettingValue.flag(value) { unacked.visibilityTimeout = nil }
        case "visibility_timeout":
            let timeout = try SettingValue.seconds(value, least: 0.001)
            if unacked.visibilityTimeout != nil { unacked.visibilityTimeout = timeout }
        case "unacked_mutex_expire": unacked.mutexExpires = try SettingValue.seconds(value, least: 0.001)
        case "unacked_key": unacked.hash = try Self.keyName(value)
        case "unacked_index_key": unacked.index = try Self.keyName(value)
        default: unacked.mutex = try Self.keyName(value)
        }
    }

    private static func keyName(_ value: JSONValue) throws -> String {
        let name = try SettingValue.text(value)
        if name.isEmpty { throw SettingFault("is empty; it names a key") }
        return name
    }

    /// Those that differ from kombu's.
    var shownUnacked: [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        let standard = UnackedOptions()
        if unacked.visibilityTimeout != standard.visibilityTimeout {
            if let timeout = unacked.visibilityTimeout {
                members["visibility_timeout"] = SettingValue.shown(timeout)
            } else {
                members["ack_emulation"] = false
            }
        }
        if unacked.hash != standard.hash { members["unacked_key"] = .string(unacked.hash) }
        if unacked.index != standard.index { members["unacked_index_key"] = .string(unacked.index) }
        if unacked.mutex != standard.mutex { members["unacked_mutex_key"] = .string(unacked.mutex) }
        if unacked.mutexExpires != standard.mutexExpires { members["unacked_mutex_expire"] = SettingValue.shown(unacked.mutexExpires) }
        return members
    }
}
