import ApiumCore
import DynamicJSON

extension SettingShape where Value == [QueueDeclaration] {
    static let queues = SettingShape(
        "a map from name to options, or a list of names and of maps with a name", isStructured: true,
        read: { value, note in
            let entries: [(String?, JSONValue)]
            switch value {
            case .object(let members): entries = members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            case .array(let list): entries = list.map { (nil, $0) }
            default: throw SettingFault("takes a map or a list of queues")
            }
            let queues = try entries.map { try QueueReading.queue($0.0, $0.1, note) }
            let names = queues.map(\.name)
            if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) { throw SettingFault("declares queue '\(twice)' twice") }
            return queues
        }, show: { .array($0.map(QueueReading.shown)) })
}

extension SettingShape where Value == [RouteTable] {
    /// A table arrives as a list of pairs, because the order of patterns counts; see `SettingsDocument`.
    static let routes = SettingShape(
        "a map from task name or pattern to route, or a list of such maps", isStructured: true,
        read: { value, _ in
            guard case .array(let tables) = value else { throw SettingFault("takes a map from task to route, or a list of such maps") }
            return try tables.map(RouteReading.table)
        }, show: { .array($0.map(RouteReading.shown)) })
}

/// One entry of `task_queues`.
enum QueueReading {
    private static let names = ["name", "exchange", "exchange_type", "routing_key", "binding_key", "expires", "max_priority", "max_length", "queue_arguments"]
    /// Options of RabbitMQ's queues that Redis has nothing for.
    private static let withoutEffect = ["durable", "auto_delete", "exclusive", "message_ttl", "max_length_bytes", "no_ack", "alias", "bindings"]

    static func queue(_ key: String?, _ value: JSONValue, _ note: (String, String) -> Void) throws -> QueueDeclaration {
        if key == nil, case .string(let name) = value { return QueueDeclaration(name) }
        guard case .object(var members) = value == .null ? .object([:]) : value else { throw SettingFault("takes a map of options for each queue") }
        guard let name = try key ?? members["name"].map(SettingValue.text), !name.isEmpty else { throw SettingFault("has a queue without a name") }
        members["name"] = nil
        var queue = QueueDeclaration(name)
        do {
            for (option, member) in members.sorted(by: { $0.key < $1.key }) where member != .null { try read(option, member, into: &queue, note) }
        } catch let fault as SettingFault {
            throw SettingFault("has a fault in queue '\(name)': \(fault.reason)")
        }
        return queue
    }

    private static func read(_ option: String, _ value: JSONValue, into queue: inout QueueDeclaration, _ note: (String, String) -> Void) throws {
        switch option {
        case "exchange":
            guard case .object(let exchange) = value else { return queue.exchange = try SettingValue.text(value) }
            queue.exchange = try exchange["name"].map(SettingValue.text)
            if let type = exchange["type"] { try checkDirect(type) }
        case "exchange_type": try checkDirect(value)
        case "routing_key": queue.routingKey = try SettingValue.text(value)
        case "binding_key": queue.routingKey = try queue.routingKey ?? SettingValue.text(value)
        case "expires": queue.expires = try SettingValue.seconds(value, least: 0.001)
        case "max_priority": queue.maxPriority = try SettingValue.integer(value, in: 0...255)
        case "max_length": queue.maxLength = try SettingValue.integer(value, in: 1...Int.max)
        case "queue_arguments":
            guard case .object(let arguments) = value else { throw SettingFault("queue_arguments takes a map") }
            if let milliseconds = arguments["x-expires"] { queue.expires = .milliseconds(try SettingValue.integer(milliseconds, in: 1...Int.max / 1_000_000)) }
            if let length = arguments["x-max-length"] { queue.maxLength = try SettingValue.integer(length, in: 1...Int.max) }
            if let priority = arguments["x-max-priority"] { queue.maxPriority = try SettingValue.integer(priority, in: 0...255) }
        default:
            if withoutEffect.contains(option) { return note("\(queue.name).\(option)", "queues on Redis have no such property") }
            throw SettingFault("'\(option)' is no option of a queue\(NearestName.hint(option, among: names))")
        }
    }

    static func checkDirect(_ value: JSONValue) throws {
        let type = try SettingValue.text(value)
        guard type == "direct" else { throw SettingFault("the exchange type '\(type)' is not supported; only direct exchanges are") }
    }

    static func shown(_ queue: QueueDeclaration) -> JSONValue {
        var members: [String: JSONValue] = ["name": .string(queue.name)]
        if let exchange = queue.exchange { members["exchange"] = .string(exchange) }
        if let key = queue.routingKey { members["routing_key"] = .string(key) }
        if let priority = queue.maxPriority { members["max_priority"] = .int(Int64(priority)) }
        if let length = queue.maxLength { members["max_length"] = .int(Int64(length)) }
        if let expires = queue.expires { members["expires"] = SettingValue.shown(expires) }
        return .object(members)
    }
}

/// One element of `task_routes`.
enum RouteReading {
    private static let names = ["queue", "exchange", "exchange_type", "routing_key", "priority"]

    static func table(_ value: JSONValue) throws -> RouteTable {
        guard case .array(let pairs) = value else { throw SettingFault("takes a map from task to route") }
        return RouteTable(
            try pairs.map { pair in
                guard case .array(let parts) = pair, parts.count == 2, case .string(let name) = parts[0] else {
                    throw SettingFault("takes pairs of a task's name and its route")
                }
                do {
                    return RouteTable.Rule(name, try route(parts[1]))
                } catch let fault as SettingFault {
                    throw SettingFault("has a fault in the route of '\(name)': \(fault.reason)")
                }
            })
    }

    private static func route(_ value: JSONValue) throws -> Route {
        guard case .object(let members) = value else { return .queue(try SettingValue.text(value)) }
        var route = Route()
        for (option, member) in members.sorted(by: { $0.key < $1.key }) where member != .null {
            switch option {
            case "queue": route.queue = try SettingValue.text(member)
            case "exchange": route.exchange = try SettingValue.text(member)
            case "routing_key": route.routingKey = try SettingValue.text(member)
            case "priority": route.priority = try SettingValue.integer(member, in: 0...9)
            case "exchange_type": try QueueReading.checkDirect(member)
            default: throw SettingFault("'\(option)' is no part of a route\(NearestName.hint(option, among: names))")
            }
        }
        if route.exchange != nil, route.routingKey == nil { throw SettingFault("an exchange needs a routing_key beside it") }
        return route
    }

    static func shown(_ table: RouteTable) -> JSONValue {
        .array(table.rules.map { .array([.string($0.name), shown($0.route)]) })
    }

    private static func shown(_ route: Route) -> JSONValue {
        var members: [String: JSONValue] = [:]
        if let queue = route.queue { members["queue"] = .string(queue) }
        if let exchange = route.exchange { members["exchange"] = .string(exchange) }
        if let key = route.routingKey { members["routing_key"] = .string(key) }
        if let priority = route.priority { members["priority"] = .int(Int64(priority)) }
        return .object(members)
    }
}
