import ApiumCore
import DynamicJSON
import Foundation
import Yams

/// A schedule as it stands in a YAML file: `entries:` from name to task, time and options.
///
/// ```yaml
/// entries:
///   check-due:
///     task: shop.check_due
///     every: 10s
///     options: {queue: checks, expires: 60}
///   nightly:
///     task: shop.report
///     crontab: "0 4 * * *"
///     timezone: Europe/Moscow
/// ```
public struct ScheduleFile: Sendable {
    /// The entries, by name.
    public var entries: [ScheduleEntry]

    /// Reads a schedule.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault at once, each with its line.
    public init(yaml text: String, name: String = "schedule") throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ApiumError(.invalidConfiguration, "\(name) is no YAML", underlying: error)
        }
        var reader = ScheduleReader()
        entries = reader.entries(of: root)
        guard reader.faults.isEmpty else {
            throw ApiumError(.invalidConfiguration, reader.faults.map { "\(name):\($0)" }.joined(separator: "\n"))
        }
    }

    /// Reads a schedule from a file; its generation is the time of its last change.
    public static func load(path: String) throws -> (file: ScheduleFile, generation: Int64) {
        let url = URL(fileURLWithPath: path)
        do {
            let text = try String(contentsOf: url, encoding: .utf8)
            let changed = try url.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate ?? Date(timeIntervalSince1970: 0)
            return (try ScheduleFile(yaml: text, name: path), Int64(changed.timeIntervalSince1970 * 1_000_000))
        } catch let error as ApiumError {
            throw error
        } catch {
            throw ApiumError(.invalidConfiguration, "the schedule \(path) cannot be read", underlying: error)
        }
    }
}

/// Collects entries and faults while it walks the nodes.
struct ScheduleReader {
    var faults: [String] = []

    private static let entryKeys: Set<String> = ["task", "every", "crontab", "at", "args", "kwargs", "options", "timezone", "catch_up", "enabled"]
    private static let optionKeys: Set<String> = ["queue", "priority", "expires"]

    mutating func entries(of root: Node?) -> [ScheduleEntry] {
        guard let root, root != Node("") else { return [] }
        guard case .mapping(let top) = root else {
            fault(root, "the file is a map with the key entries")
            return []
        }
        refuseUnknown(top, allowed: ["entries"], in: "the file")
        guard let list = top["entries"] else { return [] }
        guard case .mapping(let entries) = list else {
            if list.null == nil { fault(list, "entries is a map from name to entry") }
            return []
        }
        return entries.compactMap { key, value in entry(key.string ?? "", value) }
    }

    private mutating func entry(_ name: String, _ node: Node) -> ScheduleEntry? {
        guard case .mapping(let map) = node else {
            fault(node, "\(name) is a map with task and one of every, crontab, at")
            return nil
        }
        refuseUnknown(map, allowed: Self.entryKeys, in: name)
        guard let task = map["task"]?.string, !task.isEmpty else {
            fault(node, "\(name) has no task")
            return nil
        }
        guard let schedule = schedule(name, map, node) else { return nil }
        var entry = ScheduleEntry(name: name, task: task, schedule: schedule)
        if let args = map["args"] {
            if case .array(let list)? = json(args) { entry.args = list } else { fault(args, "\(name).args is a list") }
        }
        if let kwargs = map["kwargs"] {
            if case .object(let object)? = json(kwargs) { entry.kwargs = object } else { fault(kwargs, "\(name).kwargs is a map") }
        }
        if let enabled = map["enabled"] {
            if let value = enabled.bool { entry.isEnabled = value } else { fault(enabled, "\(name).enabled is true or false") }
        }
        if let policy = map["catch_up"] {
            if let value = policy.string.flatMap(ScheduleEntry.CatchUp.init(rawValue:)) {
                entry.catchUp = value
            } else {
                fault(policy, "\(name).catch_up is skip or once")
            }
        }
        readOptions(of: map, into: &entry)
        return entry
    }

    private mutating func schedule(_ name: String, _ map: Node.Mapping, _ node: Node) -> Schedule? {
        let given = ["every", "crontab", "at"].filter { map[$0] != nil }
        guard given.count == 1, let value = map[given[0]], let text = value.string else {
            fault(node, "\(name) has \(given.isEmpty ? "none" : given.joined(separator: " and ")) of every, crontab and at; it takes exactly one")
            return nil
        }
        switch given[0] {
        case "every":
            guard let period = DurationText.parse(text), period > .zero else {
                fault(value, "\(name).every is \"\(text)\"; it takes a number with ms, s, m, h or d, for example 10s")
                return nil
            }
            return .every(period)
        case "at":
            guard let moment = Timestamp(iso8601: text) else {
                fault(value, "\(name).at is \"\(text)\"; it takes an ISO 8601 time, for example 2030-01-01T00:00:00Z")
                return nil
            }
            return .at(moment)
        default:
            guard let zone = zone(name, map) else { return nil }
            do {
                return .crontab(try Crontab(text), zone)
            } catch {
                fault(value, "\(name): \(error)")
                return nil
            }
        }
    }

    private mutating func zone(_ name: String, _ map: Node.Mapping) -> ScheduleZone? {
        guard let node = map["timezone"] else { return .utc }
        guard let zone = node.string.flatMap(ScheduleZone.init) else {
            fault(node, "\(name).timezone is \"\(node.string ?? "")\"; it takes a name of the tz database, for example Europe/Moscow")
            return nil
        }
        return zone
    }

    private mutating func readOptions(of map: Node.Mapping, into entry: inout ScheduleEntry) {
        guard let node = map["options"] else { return }
        guard case .mapping(let options) = node else { return fault(node, "\(entry.name).options is a map") }
        refuseUnknown(options, allowed: Self.optionKeys, in: "\(entry.name).options")
        if let queue = options["queue"] {
            if let text = queue.string, !text.isEmpty { entry.queue = text } else { fault(queue, "\(entry.name).options.queue is a queue's name") }
        }
        if let priority = options["priority"] {
            if let number = priority.int, (0...9).contains(number) {
                entry.priority = number
            } else {
                fault(priority, "\(entry.name).options.priority is 0 to 9")
            }
        }
        if let expires = options["expires"] {
            if let duration = expires.string.flatMap(DurationText.parse), duration > .zero {
                entry.expires = duration
            } else {
                fault(expires, "\(entry.name).options.expires is a number of seconds, or a number with ms, s, m, h or d")
            }
        }
    }

    private mutating func refuseUnknown(_ map: Node.Mapping, allowed: Set<String>, in place: String) {
        for key in map.keys where !allowed.contains(key.string ?? "") {
            fault(key, "\(place) has an unknown key \"\(key.string ?? "?")\"; it takes \(allowed.sorted().joined(separator: ", "))")
        }
    }

    private mutating func fault(_ node: Node, _ text: String) {
        faults.append("\(node.mark?.line ?? 0): \(text)")
    }

    private func json(_ node: Node) -> JSONValue? {
        switch node {
        case .mapping(let map):
            var object: [String: JSONValue] = [:]
            for (key, value) in map {
                guard let name = key.string, let value = json(value) else { return nil }
                object[name] = value
            }
            return .object(object)
        case .sequence(let list):
            let values = list.compactMap(json)
            return values.count == list.count ? .array(values) : nil
        case .scalar(let scalar):
            // Quoted text stays text; plain scalars are read by YAML's core rules.
            if scalar.style == .doubleQuoted || scalar.style == .singleQuoted { return .string(scalar.string) }
            if node.null != nil { return .null }
            if let value = node.int { return .int(Int64(value)) }
            if let value = node.float { return .double(value) }
            if let value = node.bool { return .bool(value) }
            return .string(scalar.string)
        case .alias: return nil
        }
    }
}

/// Durations as people write them: `500ms`, `10s`, `5m`, `1h`, `2d`; a bare number is seconds.
public enum DurationText {
    /// Reads a duration; `nil` when it is none.
    public static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits), number.isFinite else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return .seconds(number / 1000)
        case "", "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        case "d": return .seconds(number * 86_400)
        default: return nil
        }
    }
}
