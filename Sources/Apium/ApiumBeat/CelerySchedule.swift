import ApiumCore
import Yams

/// Celery's `beat_schedule` as YAML or JSON: what of it can be taken over, and what cannot, each fault with its line.
///
/// A `schedule` is a number of seconds; a crontab, as its text of five fields or as a map of `minute`, `hour`, `day_of_week`,
/// `day_of_month` and `month_of_year`; or an event of the sun, as a map of `event`, `lat` and `lon`. The maps may stand under `crontab` and
/// `solar`, or name themselves by `__type__`, as RedBeat stores them.
public struct CelerySchedule: Sendable {
    /// The entries that can be taken over, in the order of the file.
    public let entries: [ScheduleEntry]
    /// What cannot be taken over, each with its line.
    public let faults: [String]

    /// Reads a schedule: the map `beat_schedule`, `CELERY_BEAT_SCHEDULE` or `CELERYBEAT_SCHEDULE`, or a map of entries by itself.
    ///
    /// - Parameter zone: Celery's setting `timezone`, in which its crontabs are read. Default: UTC.
    /// - Throws: ``ApiumError`` `invalidConfiguration` for a text that is no YAML.
    public init(yaml text: String, name: String = "beat_schedule", zone: ScheduleZone = .utc) throws {
        var reader = CeleryReader(zone: zone)
        do {
            entries = reader.entries(of: try Yams.compose(yaml: text))
        } catch {
            throw ApiumError(.invalidConfiguration, "\(name) is no YAML", underlying: error)
        }
        faults = reader.faults.map { "\(name):\($0)" }
    }
}

private struct CeleryReader {
    let zone: ScheduleZone
    var faults: [String] = []

    init(zone: ScheduleZone) { self.zone = zone }

    private static let settings = ["beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE"]
    private static let crontabFields = ["minute", "hour", "day_of_month", "month_of_year", "day_of_week"]
    /// What an entry may ask for that stands elsewhere here.
    private static let otherOptions = [
        "exchange": "routes are settings (task_routes)", "routing_key": "routes are settings (task_routes)",
        "countdown": "jitter delays jobs", "eta": "a slot is the time", "link": "callbacks belong to the job that the task sends",
        "link_error": "errbacks belong to the job that the task sends", "time_limit": "limits are the job's options",
        "soft_time_limit": "limits are the job's options", "ignore_result": "that is the job's option", "serializer": "that is a setting (task_serializer)",
        "compression": "that is a setting (task_compression)", "retry": "a slot is fired until it has fired",
        "retry_policy": "a slot is fired until it has fired",
    ]

    mutating func entries(of root: Node?) -> [ScheduleEntry] {
        guard let root, case .mapping(var map) = root else {
            faults.append("1: beat_schedule is a map from name to entry")
            return []
        }
        for setting in Self.settings {
            if case .mapping(let inner)? = map[setting] { map = inner }
        }
        return map.compactMap { key, value in entry(key.string ?? "", value) }
    }

    private mutating func entry(_ name: String, _ node: Node) -> ScheduleEntry? {
        let before = faults.count
        guard case .mapping(let map) = node else {
            fault(node, "\(name) is a map with task and schedule")
            return nil
        }
        guard let task = map["task"]?.string, !task.isEmpty else {
            fault(node, "\(name) has no task")
            return nil
        }
        for key in map.keys where !["task", "schedule", "args", "kwargs", "options", "relative", "name"].contains(key.string ?? "") {
            fault(key, "\(name) has an unknown key \"\(key.string ?? "?")\"")
        }
        if let relative = map["relative"], relative.bool != false {
            fault(relative, "\(name).relative cannot be taken over: the slots of an interval are its multiples since 1970, for all beats")
        }
        guard let schedule = map["schedule"].map({ schedule(name, $0) }) ?? missing(name, node) else { return nil }
        var entry = ScheduleEntry(name: name, task: task, schedule: schedule, zone: zone)
        readArguments(map, into: &entry)
        if let options = map["options"], options.null == nil { readOptions(options, into: &entry) }
        return faults.count == before ? entry : nil
    }

    private mutating func missing(_ name: String, _ node: Node) -> Schedule? {
        fault(node, "\(name) has no schedule")
        return nil
    }

    private mutating func readArguments(_ map: Node.Mapping, into entry: inout ScheduleEntry) {
        if let args = map["args"], args.null == nil {
            if case .array(let list)? = args.json { entry.args = list } else { fault(args, "\(entry.name).args is a list") }
        }
        if let kwargs = map["kwargs"], kwargs.null == nil {
            if case .object(let object)? = kwargs.json { entry.kwargs = object } else { fault(kwargs, "\(entry.name).kwargs is a map") }
        }
    }

    private mutating func readOptions(_ node: Node, into entry: inout ScheduleEntry) {
        guard case .mapping(let options) = node else { return fault(node, "\(entry.name).options is a map") }
        for (key, value) in options {
            let name = key.string ?? ""
            switch name {
            case "queue":
                if let queue = value.string, !queue.isEmpty { entry.queue = queue } else { fault(value, "\(entry.name).options.queue is a queue's name") }
            case "priority":
                if let priority = value.int, (0...9).contains(priority) {
                    entry.priority = priority
                } else {
                    fault(value, "\(entry.name).options.priority is 0 to 9")
                }
            case "expires":
                if let seconds = value.float, seconds > 0, seconds < 3e9 {
                    entry.expires = .seconds(seconds)
                } else {
                    fault(value, "\(entry.name).options.expires can be taken over as a number of seconds")
                }
            default: fault(key, "\(entry.name).options.\(name) cannot be taken over" + (Self.otherOptions[name].map { ": \($0)" } ?? ""))
            }
        }
    }

    private mutating func fault(_ node: Node, _ text: String) { faults.append("\(node.mark?.line ?? 0): \(text)") }
}

// MARK: When

extension CeleryReader {
    private mutating func schedule(_ name: String, _ node: Node) -> Schedule? {
        if case .mapping(let map) = node { return schedule(name, node, map) }
        if let seconds = node.float {
            guard seconds >= 1e-3, seconds < 3e9 else {
                fault(node, "\(name).schedule is \(node.string ?? ""); it takes a number of seconds above 0.001")
                return nil
            }
            return .every(.seconds(seconds))
        }
        if let text = node.string, text.split(whereSeparator: \.isWhitespace).count == 5 { return crontab(name, node, text) }
        fault(
            node,
            "\(name).schedule is \"\(node.string ?? "a list")\"; it takes seconds, a crontab (five fields, or a map), or an event of the sun (a map). A class of one's own cannot be taken over"
        )
        return nil
    }

    private mutating func schedule(_ name: String, _ node: Node, _ map: Node.Mapping) -> Schedule? {
        if let inner = map["crontab"] {
            if case .mapping(let fields) = inner { return crontab(name, inner, fields) }
            return crontab(name, inner, inner.string ?? "")
        }
        if case .mapping(let fields)? = map["solar"] { return solar(name, node, fields) }
        let type = map["__type__"]?.string
        if type == "interval" || map["every"] != nil {
            guard let every = map["every"] else {
                fault(node, "\(name).schedule has no every")
                return nil
            }
            if let relative = map["relative"], relative.bool == true { fault(relative, "\(name).schedule.relative cannot be taken over") }
            return schedule(name, every)
        }
        if type == "solar" || map["event"] != nil { return solar(name, node, map) }
        return crontab(name, node, map)
    }

    private mutating func crontab(_ name: String, _ node: Node, _ map: Node.Mapping) -> Schedule? {
        for key in map.keys where !(Self.crontabFields + ["__type__"]).contains(key.string ?? "") {
            fault(key, "\(name).schedule has an unknown key \"\(key.string ?? "?")\"; a crontab has \(Self.crontabFields.joined(separator: ", "))")
            return nil
        }
        // A field may be a number, a text, or a list of these; one that is missing is *.
        let fields = Self.crontabFields.map { field -> String in
            if case .sequence(let list)? = map[field] { return list.compactMap(\.string).joined(separator: ",") }
            return (map[field]?.string ?? "*").filter { !$0.isWhitespace }
        }
        return crontab(name, node, fields.joined(separator: " "))
    }

    private mutating func crontab(_ name: String, _ node: Node, _ text: String) -> Schedule? {
        do {
            return .crontab(try Crontab(text), zone, ClockChange())
        } catch {
            fault(node, "\(name).schedule: \((error as? ApiumError)?.message ?? "\(error)")")
            return nil
        }
    }

    private mutating func solar(_ name: String, _ node: Node, _ map: Node.Mapping) -> Schedule? {
        let latitude = (map["lat"] ?? map["latitude"])?.float
        let longitude = (map["lon"] ?? map["longitude"])?.float
        guard let event = map["event"]?.string.flatMap(SolarSchedule.Event.init), let latitude, let longitude else {
            let events = SolarSchedule.Event.allCases.map(\.rawValue).joined(separator: ", ")
            fault(node, "\(name).schedule takes event (\(events)), lat and lon")
            return nil
        }
        do {
            return .solar(try SolarSchedule(event, latitude: latitude, longitude: longitude))
        } catch {
            fault(node, "\(name).schedule: \((error as? ApiumError)?.message ?? "\(error)")")
            return nil
        }
    }
}
