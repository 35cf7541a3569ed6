import DynamicJSON

/// One of Celery's monitoring events (celery-wire 14): something a worker or a client tells whoever watches.
public struct WorkerEvent: Sendable, Hashable {
    /// For example `task-succeeded`.
    public var type: String
    /// The node name of the sender.
    public var node: String
    /// When, on the sender's own clock.
    public var timestamp: Timestamp
    /// The sender's logical clock.
    public var clock: Int64
    /// The sender's process id.
    public var pid: Int32
    /// Hours west of UTC; our times are UTC, so 0.
    public var utcOffset: Double
    /// What this type of event carries.
    public var fields: [String: JSONValue]

    /// Makes an event.
    public init(
        _ type: String, node: String, at timestamp: Timestamp, clock: Int64, pid: Int32, utcOffset: Double = 0, fields: [String: JSONValue] = [:]
    ) {
        self.type = type
        self.node = node
        self.timestamp = timestamp
        self.clock = clock
        self.pid = pid
        self.utcOffset = utcOffset
        self.fields = fields
    }

    /// `task` or `worker`: the part before the first dash.
    public var group: String { String(type.prefix { $0 != "-" }) }

    /// The type with dots, for example `task.succeeded`.
    public var routingKey: String { String(type.map { $0 == "-" ? "." : $0 }) }

    /// The event as it stands in a message.
    public var json: JSONValue {
        var members = fields
        members["type"] = .string(type)
        members["hostname"] = .string(node)
        members["timestamp"] = .double(timestamp.seconds)
        members["clock"] = .int(clock)
        members["pid"] = .int(Int64(pid))
        members["utcoffset"] = .double(utcOffset)
        return .object(members)
    }

    /// Reads an event; `nil` when it has no type.
    public init?(json: JSONValue) {
        guard case .object(var members) = json, let type = members.removeValue(forKey: "type")?.stringValue else { return nil }
        let node = members.removeValue(forKey: "hostname")?.stringValue ?? ""
        let seconds = members.removeValue(forKey: "timestamp")?.doubleValue ?? 0
        let clock = members.removeValue(forKey: "clock")?.intValue ?? 0
        let pid = members.removeValue(forKey: "pid")?.intValue ?? 0
        let offset = members.removeValue(forKey: "utcoffset")?.doubleValue ?? 0
        self.init(
            type, node: node, at: Timestamp(seconds: seconds), clock: clock, pid: Int32(truncatingIfNeeded: pid), utcOffset: offset, fields: members)
    }

    /// The envelope of events of one group: one under its own routing key, several as a list under `<group>.multi`. `nil` for none.
    public static func envelope(of events: [WorkerEvent], exchange: String) -> ControlEnvelope? {
        guard let first = events.first else { return nil }
        let isOne = events.count == 1
        return ControlEnvelope(
            body: isOne ? first.json : .array(events.map(\.json)), headers: ["hostname": .string(first.node)], exchange: exchange,
            routingKey: isOne ? first.routingKey : "\(first.group).multi")
    }

    /// The events in an envelope's body; what is no event is left out.
    public static func events(in envelope: ControlEnvelope) -> [WorkerEvent] {
        if case .array(let list) = envelope.body { return list.compactMap { WorkerEvent(json: $0) } }
        return WorkerEvent(json: envelope.body).map { [$0] } ?? []
    }
}
