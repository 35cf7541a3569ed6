/// A queue as a worker declares it: Celery's entries of `task_queues`.
///
/// Only direct exchanges are known: a binding is an exchange, a routing key and the queue that gets what is published with both.
public struct QueueDeclaration: Sendable, Hashable {
    /// The queue's name.
    public var name: String
    /// The named exchange it is bound to. Default: `nil`, the router's default exchange.
    public var exchange: String?
    /// The routing key it is bound with. Default: `nil`, the queue's name.
    public var routingKey: String?
    /// RabbitMQ's `x-max-priority`: carried for other producers; the priority steps of Redis know no maximum per queue. Default: `nil`.
    public var maxPriority: Int?
    /// RabbitMQ's `x-expires`: the queue's messages go when nothing was published to it for this long. Default: `nil`, never.
    public var expires: Duration?
    /// RabbitMQ's `x-max-length`, with its overflow `reject-publish`: while this many messages are ready, an enqueue is refused with
    /// ``QueueFull``. Python producers on Redis don't keep it. Default: `nil`, no limit.
    public var maxLength: Int?

    /// Declares a queue; each default is given at its property.
    public init(
        _ name: String, exchange: String? = nil, routingKey: String? = nil, maxPriority: Int? = nil, expires: Duration? = nil, maxLength: Int? = nil
    ) {
        self.name = name
        self.exchange = exchange
        self.routingKey = routingKey
        self.maxPriority = maxPriority
        self.expires = expires
        self.maxLength = maxLength
    }
}

/// One row of an exchange's binding table: what is published to the exchange with this routing key goes to this queue.
public struct QueueBinding: Sendable, Hashable {
    /// The named exchange.
    public var exchange: String
    /// The routing key, compared as a whole.
    public var routingKey: String
    /// The queue.
    public var queue: String
    /// The queue's `x-expires`: the binding table then goes, too, when no consumer refreshes it; `nil`: never.
    public var expires: Duration?

    /// Makes a binding.
    public init(exchange: String, routingKey: String, queue: String, expires: Duration? = nil) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.queue = queue
        self.expires = expires
    }
}
