/// Where a message shall go, as far as somebody has said so: a caller, a task's own options, or an entry of `task_routes`.
///
/// What is `nil` is left to whoever is asked next.
public struct Route: Sendable, Hashable {
    /// The queue.
    public var queue: String?
    /// A named direct exchange; it counts only together with a routing key.
    public var exchange: String?
    /// The routing key on that exchange.
    public var routingKey: String?
    /// 0 (first) to 9.
    public var priority: Int?

    /// Makes a route.
    public init(queue: String? = nil, exchange: String? = nil, routingKey: String? = nil, priority: Int? = nil) {
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
        self.priority = priority
    }

    /// The route to a queue.
    public static func queue(_ name: String) -> Route { Route(queue: name) }

    /// This route, with another's values in the gaps.
    public func completed(by other: Route) -> Route {
        Route(
            queue: queue ?? other.queue, exchange: exchange ?? other.exchange, routingKey: routingKey ?? other.routingKey,
            priority: priority ?? other.priority)
    }
}

/// Where a message goes: the end of routing.
public struct Destination: Sendable, Hashable {
    /// The named exchange; empty for the anonymous one, which hands to the queue of the routing key's name.
    public var exchange: String
    /// The routing key: with the anonymous exchange the queue's name.
    public var routingKey: String
    /// 0 (first) to 9.
    public var priority: Int

    /// Makes a destination.
    public init(exchange: String = "", routingKey: String, priority: Int = 0) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.priority = priority
    }
}

/// Routes by task name: an exact name first, then patterns in their order. One element of Celery's `task_routes`.
public struct RouteTable: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    private var exact: [String: Route] = [:]
    private var patterns: [(pattern: GlobPattern, route: Route)] = []
    /// The rules as they were given.
    public let rules: [Rule]

    /// A name or pattern, and where its tasks go.
    public struct Rule: Sendable, Hashable {
        /// A task's name; with `*` in it a pattern of the shell's kind.
        public var name: String
        /// Where they go.
        public var route: Route

        /// Makes a rule.
        public init(_ name: String, _ route: Route) {
            self.name = name
            self.route = route
        }
    }

    /// Makes a table of rules, in order; of equal exact names the last counts.
    public init(_ rules: [Rule]) {
        self.rules = rules
        for rule in rules {
            // As Celery: only a star makes a name a pattern.
            if rule.name.contains("*") { patterns.append((GlobPattern(rule.name), rule.route)) } else { exact[rule.name] = rule.route }
        }
    }

    /// `["shop.*": .queue("shop"), "mail.send": .queue("mail")]`.
    public init(dictionaryLiteral elements: (String, Route)...) { self.init(elements.map { Rule($0.0, $0.1) }) }

    /// The route of a task, if the table has one.
    public func route(for task: String) -> Route? { exact[task] ?? patterns.first { $0.pattern.matches(task) }?.route }

    public static func == (left: RouteTable, right: RouteTable) -> Bool { left.rules == right.rules }
    public func hash(into hasher: inout Hasher) { hasher.combine(rules) }
}
