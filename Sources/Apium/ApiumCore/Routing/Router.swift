/// Decides where a task's message goes, as Celery's settings say it: declared queues, `task_routes`, and the defaults.
///
/// ```swift
/// var router = Router(defaultQueue: "shop")
/// router.queues = [QueueDeclaration("images", exchange: "media", routingKey: "image.resize")]
/// router.routes = [["shop.images.*": .queue("images"), "shop.mail": Route(queue: "mail", priority: 3)]]
/// ```
///
/// A value without I/O, used by producers and by workers that send follow-ups. The order of who decides is Celery's: the caller, the
/// task's own options, `task_routes`, the defaults; each fills what the one before left open.
public struct Router: Sendable, Hashable {
    /// The queue of tasks that nothing else routes (`task_default_queue`). Default: `celery`.
    public var defaultQueue: String
    /// The exchange of declared queues that name none (`task_default_exchange`). Default: `nil`, the default queue's name.
    public var defaultExchange: String?
    /// The routing key of the default queue when it is not declared (`task_default_routing_key`). Default: `nil`, its name.
    public var defaultRoutingKey: String?
    /// The priority of messages for which nobody says one (`task_default_priority`). Default: 0, the first.
    public var defaultPriority: Int
    /// Declared queues (`task_queues`). Default: none.
    public var queues: [QueueDeclaration]
    /// Tables that are asked in order; the first that knows the task decides (`task_routes`). Default: none.
    public var routes: [RouteTable]
    /// Whether a queue that is not declared may be sent to and served (`task_create_missing_queues`). Default: `true`.
    public var createMissingQueues: Bool

    /// Makes a router; each default is given at its property.
    public init(
        defaultQueue: String = "celery", defaultExchange: String? = nil, defaultRoutingKey: String? = nil, defaultPriority: Int = 0,
        queues: [QueueDeclaration] = [], routes: [RouteTable] = [], createMissingQueues: Bool = true
    ) {
        self.defaultQueue = defaultQueue
        self.defaultExchange = defaultExchange
        self.defaultRoutingKey = defaultRoutingKey
        self.defaultPriority = defaultPriority
        self.queues = queues
        self.routes = routes
        self.createMissingQueues = createMissingQueues
    }

    /// Where a task's message goes.
    ///
    /// As in Celery, a named exchange counts only with a routing key; without both the anonymous exchange takes the message straight to
    /// the queue.
    ///
    /// - Parameter wish: what the caller and the task's own options say.
    /// - Throws: ``ApiumError`` `queueNotFound` when the queue is not declared and ``createMissingQueues`` is `false`.
    public func destination(of task: String, wish: Route = Route()) throws -> Destination {
        let route = routes.lazy.compactMap { $0.route(for: task) }.first.map(wish.completed(by:)) ?? wish
        let priority = min(max(route.priority ?? defaultPriority, 0), 9)
        if let exchange = route.exchange, let key = route.routingKey, !exchange.isEmpty, !key.isEmpty {
            if let queue = route.queue { try checkDeclared(queue) }
            return Destination(exchange: exchange, routingKey: key, priority: priority)
        }
        let queue = route.queue ?? defaultQueue
        try checkDeclared(queue)
        return Destination(routingKey: queue, priority: priority)
    }

    /// The bindings that a consumer of these queues declares, so that messages to named exchanges find them.
    ///
    /// A queue that is not declared is bound to an exchange of its own name with its name, as Celery's automatic queues are.
    ///
    /// - Throws: ``ApiumError`` `queueNotFound` when one is not declared and ``createMissingQueues`` is `false`.
    public func bindings(of names: [String]) throws -> [QueueBinding] {
        try names.map { name in
            if let declared = declaration(of: name) { return binding(declared) }
            try checkDeclared(name)
            return QueueBinding(exchange: name, routingKey: name, queue: name)
        }
    }

    /// The bindings of all declared queues, and of the default queue when none is declared.
    public var declaredBindings: [QueueBinding] {
        queues.isEmpty ? [declaration(of: defaultQueue)].compactMap { $0.map(binding) } : queues.map(binding)
    }

    /// The names of the queues that a worker serves when nobody names any: the declared ones, else the default queue.
    public var servedQueues: [String] { queues.isEmpty ? [defaultQueue] : queues.map(\.name) }

    /// How many messages may be ready in a queue, of those that have a limit.
    public var queueLimits: [String: Int] { Dictionary(queues.compactMap { queue in queue.maxLength.map { (queue.name, $0) } }) { $1 } }

    /// The declaration of a queue; the default queue counts as declared when no queue is.
    private func declaration(of name: String) -> QueueDeclaration? {
        if let declared = queues.last(where: { $0.name == name }) { return declared }
        guard queues.isEmpty, name == defaultQueue else { return nil }
        return QueueDeclaration(name, routingKey: defaultRoutingKey)
    }

    private func binding(_ queue: QueueDeclaration) -> QueueBinding {
        QueueBinding(
            exchange: queue.exchange.flatMap { $0.isEmpty ? nil : $0 } ?? defaultExchange ?? defaultQueue,
            routingKey: queue.routingKey.flatMap { $0.isEmpty ? nil : $0 } ?? queue.name, queue: queue.name, expires: queue.expires)
    }

    private func checkDeclared(_ queue: String) throws {
        guard !createMissingQueues, declaration(of: queue) == nil else { return }
        let known = servedQueues.joined(separator: ", ")
        throw ApiumError(
            .queueNotFound, "queue '\(queue)' is not declared, and task_create_missing_queues is false; declare it in task_queues, or use one of: \(known)")
    }
}
