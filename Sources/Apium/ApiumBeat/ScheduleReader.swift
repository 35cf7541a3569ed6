import ApiumCore
import DynamicJSON
import Yams

/// Collects entries and faults while it walks the nodes: every fault is reported, with its line.
struct ScheduleReader {
    var faults: [String] = []

    private static let kinds = ["every", "crontab", "solar", "at"]
    private static let entryKeys: Set<String> = [
        "task", "every", "crontab", "solar", "at", "args", "kwargs", "options", "timezone", "jitter", "start", "end", "catch_up", "overlap",
        "skipped_hour", "repeated_hour", "enabled",
    ]
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

    /// An entry's faults are all collected before it is given up.
    mutating func entry(_ name: String, _ node: Node) -> ScheduleEntry? {
        guard case .mapping(let map) = node else {
            fault(node, "\(name) is a map with task and one of every, crontab, solar, at")
            return nil
        }
        refuseUnknown(map, allowed: Self.entryKeys, in: name)
        let task = map["task"]?.string ?? ""
        if task.isEmpty { fault(node, "\(name) has no task") }
        let zone = zone(name, map) ?? .utc
        let schedule = schedule(name, map, node, zone)
        var entry = ScheduleEntry(name: name, task: task, schedule: schedule ?? .every(.seconds(1)), zone: zone)
        readArguments(of: map, into: &entry)
        readBounds(of: map, zone, into: &entry)
        readOptions(of: map, into: &entry)
        if let node = map["catch_up"] { entry.catchUp = catchUp(name, node) ?? .skip }
        if let node = map["overlap"] { entry.overlap = overlap(name, node) ?? .allow }
        if let enabled = map["enabled"] {
            if let value = enabled.bool { entry.isEnabled = value } else { fault(enabled, "\(name).enabled is true or false") }
        }
        return schedule == nil || task.isEmpty ? nil : entry
    }

    private mutating func readArguments(of map: Node.Mapping, into entry: inout ScheduleEntry) {
        if let args = map["args"] {
            if case .array(let list)? = args.json { entry.args = list } else { fault(args, "\(entry.name).args is a list") }
        }
        if let kwargs = map["kwargs"] {
            if case .object(let object)? = kwargs.json { entry.kwargs = object } else { fault(kwargs, "\(entry.name).kwargs is a map") }
        }
    }

    private mutating func readBounds(of map: Node.Mapping, _ zone: ScheduleZone, into entry: inout ScheduleEntry) {
        if let node = map["jitter"] { entry.jitter = duration("\(entry.name).jitter", node) ?? .zero }
        if let node = map["start"] { entry.start = moment("\(entry.name).start", node, zone) }
        if let node = map["end"] {
            entry.end = moment("\(entry.name).end", node, zone)
            if let start = entry.start, let end = entry.end, end < start { fault(node, "\(entry.name).end is before its start") }
        }
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
        if let expires = options["expires"] { entry.expires = duration("\(entry.name).options.expires", expires) }
    }
}

// MARK: When

extension ScheduleReader {
    private mutating func schedule(_ name: String, _ map: Node.Mapping, _ node: Node, _ zone: ScheduleZone) -> Schedule? {
        let change = clockChange(name, map)
        let given = Self.kinds.filter { map[$0] != nil }
        guard given.count == 1, let value = map[given[0]] else {
            fault(node, "\(name) has \(given.isEmpty ? "none" : given.joined(separator: " and ")) of every, crontab, solar and at; it takes exactly one")
            return nil
        }
        switch given[0] {
        case "every": return duration("\(name).every", value).map(Schedule.every)
        case "at": return moment("\(name).at", value, zone).map(Schedule.at)
        case "solar": return solar(name, value)
        default:
            do {
                return .crontab(try Crontab(value.string ?? ""), zone, change)
            } catch {
                fault(value, "\(name): \((error as? ApiumError)?.message ?? "\(error)")")
                return nil
            }
        }
    }

    private mutating func clockChange(_ name: String, _ map: Node.Mapping) -> ClockChange {
        var change = ClockChange()
        for key in ["skipped_hour", "repeated_hour"] {
            guard let node = map[key] else { continue }
            if map["crontab"] == nil { fault(node, "\(name).\(key) is for a crontab") }
            if key == "skipped_hour" {
                change.skippedHour = choice("\(name).\(key)", node) ?? .next
            } else {
                change.repeatedHour = choice("\(name).\(key)", node)
            }
        }
        return change
    }

    private mutating func solar(_ name: String, _ node: Node) -> Schedule? {
        guard case .mapping(let map) = node else {
            fault(node, "\(name).solar is a map with event, lat and lon")
            return nil
        }
        refuseUnknown(map, allowed: ["event", "lat", "lon"], in: "\(name).solar")
        let event: SolarSchedule.Event? = map["event"].map { choice("\(name).solar.event", $0) } ?? nil
        guard let latitude = map["lat"]?.float, let longitude = map["lon"]?.float, map["event"] != nil else {
            fault(node, "\(name).solar takes event, lat (degrees north) and lon (degrees east)")
            return nil
        }
        guard let event else { return nil }
        do {
            return .solar(try SolarSchedule(event, latitude: latitude, longitude: longitude))
        } catch {
            fault(node, "\(name).solar: \((error as? ApiumError)?.message ?? "\(error)")")
            return nil
        }
    }

    private mutating func zone(_ name: String, _ map: Node.Mapping) -> ScheduleZone? {
        guard let node = map["timezone"] else { return .utc }
        guard let zone = node.string.flatMap(ScheduleZone.init) else {
            fault(node, "\(name).timezone is \"\(node.string ?? "")\"; it takes a name of the system's tz database, for example Europe/Moscow")
            return nil
        }
        return zone
    }

    private mutating func catchUp(_ name: String, _ node: Node) -> CatchUp? {
        guard case .mapping(let map) = node else { return choice("\(name).catch_up", node).map { CatchUp($0) } }
        refuseUnknown(map, allowed: ["policy", "max", "window"], in: "\(name).catch_up")
        guard let policy = map["policy"] else {
            fault(node, "\(name).catch_up has no policy; it takes \(CatchUp.Policy.allCases.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        var catchUp = CatchUp(choice("\(name).catch_up.policy", policy) ?? .skip)
        if let max = map["max"] {
            if let number = max.int, (1...CatchUp.greatestMax).contains(number) {
                catchUp.max = number
            } else {
                fault(max, "\(name).catch_up.max is 1 to \(CatchUp.greatestMax)")
            }
        }
        if let window = map["window"], let span = duration("\(name).catch_up.window", window) {
            if span <= CatchUp.longestWindow { catchUp.window = span } else { fault(window, "\(name).catch_up.window is at most 31d") }
        }
        return catchUp
    }
}

extension ScheduleReader {
    private mutating func overlap(_ name: String, _ node: Node) -> Overlap? {
        guard case .mapping(let map) = node else { return choice("\(name).overlap", node).map { Overlap($0) } }
        refuseUnknown(map, allowed: ["policy", "limit"], in: "\(name).overlap")
        guard let policy = map["policy"] else {
            fault(node, "\(name).overlap has no policy; it takes \(Overlap.Policy.allCases.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        var overlap = Overlap(choice("\(name).overlap.policy", policy) ?? .allow)
        if let limit = map["limit"], let span = duration("\(name).overlap.limit", limit) {
            if span <= .days(31) { overlap.limit = span } else { fault(limit, "\(name).overlap.limit is at most 31d") }
        }
        return overlap
    }
}

// MARK: Values

extension ScheduleReader {
    private mutating func choice<Value: RawRepresentable<String> & CaseIterable>(_ place: String, _ node: Node) -> Value? {
        if let value = node.string.flatMap(Value.init) { return value }
        fault(node, "\(place) is \"\(node.string ?? "")\"; it takes \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        return nil
    }

    private mutating func duration(_ place: String, _ node: Node) -> Duration? {
        // Microseconds are what a slot is counted in; a million days is beyond any schedule, and far from overflow.
        if let value = node.string.flatMap(DurationText.parse), value >= .microseconds(1), value <= .days(1_000_000) { return value }
        fault(node, "\(place) is \"\(node.string ?? "")\"; it takes a number with ms, s, m, h or d, for example 10s")
        return nil
    }

    /// An instant; one without an offset is a wall time of the entry's zone.
    private mutating func moment(_ place: String, _ node: Node, _ zone: ScheduleZone) -> Timestamp? {
        let text = node.string ?? ""
        if let wall = Timestamp(iso8601: text + "Z") ?? Timestamp(iso8601: text + "T00:00Z") {
            let second = wall.flooredSecond
            let time = WallTime(total: second)
            let instant = zone.instants(of: time).first ?? zone.endOfGap(time)
            return Timestamp(wholeSeconds: instant) + (wall - Timestamp(wholeSeconds: second))
        }
        if let instant = Timestamp(iso8601: text) { return instant }
        fault(node, "\(place) is \"\(text)\"; it takes an ISO 8601 time, for example 2030-01-01T00:00:00Z")
        return nil
    }

    private mutating func refuseUnknown(_ map: Node.Mapping, allowed: Set<String>, in place: String) {
        for key in map.keys where !allowed.contains(key.string ?? "") {
            fault(key, "\(place) has an unknown key \"\(key.string ?? "?")\"; it takes \(allowed.sorted().joined(separator: ", "))")
        }
    }

    private mutating func fault(_ node: Node, _ text: String) {
        faults.append("\(node.mark?.line ?? 0): \(text)")
    }
}
