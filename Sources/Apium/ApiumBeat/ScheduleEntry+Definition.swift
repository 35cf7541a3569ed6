import ApiumCore
import DynamicJSON
import Yams

extension ScheduleEntry {
    /// The entry as it would stand in a schedule file, under its name.
    public var definition: JSONValue {
        var map: [String: JSONValue] = ["task": .string(task)]
        writeSchedule(to: &map)
        if zone != .utc { map["timezone"] = .string(zone.name) }
        if !args.isEmpty { map["args"] = .array(args) }
        if !kwargs.isEmpty { map["kwargs"] = .object(kwargs) }
        let options: [String: JSONValue?] = [
            "queue": queue.map(JSONValue.string), "priority": priority.map { .int(Int64($0)) }, "expires": expires.map { .string(DurationText.text($0)) },
        ]
        let given = options.compactMapValues { $0 }
        if !given.isEmpty { map["options"] = .object(given) }
        if jitter > .zero { map["jitter"] = .string(DurationText.text(jitter)) }
        map["start"] = start.map { .string($0.iso8601) }
        map["end"] = end.map { .string($0.iso8601) }
        writePolicies(to: &map)
        if !isEnabled { map["enabled"] = false }
        return .object(map)
    }

    private func writeSchedule(to map: inout [String: JSONValue]) {
        switch schedule {
        case .every(let period): map["every"] = .string(DurationText.text(period))
        case .at(let instant): map["at"] = .string(instant.iso8601)
        case .solar(let solar):
            map["solar"] = ["event": .string(solar.event.rawValue), "lat": .double(solar.latitude), "lon": .double(solar.longitude)]
        case .crontab(let crontab, _, let change):
            map["crontab"] = .string(crontab.description)
            if change.skippedHour != .next { map["skipped_hour"] = .string(change.skippedHour.rawValue) }
            map["repeated_hour"] = change.repeatedHour.map { .string($0.rawValue) }
        }
    }

    private func writePolicies(to map: inout [String: JSONValue]) {
        if catchUp != .skip {
            map["catch_up"] = [
                "policy": .string(catchUp.policy.rawValue), "max": .int(Int64(catchUp.max)), "window": .string(DurationText.text(catchUp.window)),
            ]
        }
        if overlap != .allow { map["overlap"] = ["policy": .string(overlap.policy.rawValue), "limit": .string(DurationText.text(overlap.limit))] }
    }

    /// Reads an entry as it stands in a schedule file under its name.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault.
    public init(name: String, definition: JSONValue) throws {
        // A definition that is no text has no lines.
        try self.init(name: name, Node(definition)) { fault in String(fault.drop { $0 != " " }.dropFirst()) }
    }

    /// The entry as it would stand in a schedule file, under its name, as YAML.
    public var yaml: String { (try? Yams.serialize(node: Node(definition))) ?? definition.text }

    /// Reads an entry as it stands in a schedule file under its name, as YAML.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault and its line.
    public init(name: String, yaml text: String) throws {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw ApiumError(.invalidConfiguration, "the definition is no YAML", underlying: error)
        }
        try self.init(name: name, node ?? Node("")) { "line \($0)" }
    }

    private init(name: String, _ node: Node, fault: (String) -> String) throws {
        var reader = ScheduleReader()
        let entry = reader.entry(name, node)
        guard reader.faults.isEmpty, let entry else {
            throw ApiumError(.invalidConfiguration, reader.faults.map(fault).joined(separator: "\n"))
        }
        self = entry
    }
}
