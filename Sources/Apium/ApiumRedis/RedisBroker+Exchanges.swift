import ApiumCore
import RedisClient

extension RedisKeys {
    /// The row of a binding in its exchange's table: routing key, an empty pattern because the exchange is a direct one, queue.
    func row(_ binding: QueueBinding) -> String { [binding.routingKey, "", binding.queue].joined(separator: separator) }

    /// Declares a binding as kombu's consumers do.
    func bindCommands(_ binding: QueueBinding) -> [RedisCommand] {
        guard let expires = binding.expires else {
            return [
                RedisCommand("SADD", self.binding(binding.exchange), row(binding)),
                RedisCommand("SADD", permanentBinding(binding.exchange), row(binding)),
            ]
        }
        let kept = max(expires.wholeMilliseconds * 2, Self.shortestTable)
        return [.eval(RedisScripts.bind, keys: [self.binding(binding.exchange), bindingDeadlines], row(binding), binding.exchange, kept)]
    }

    /// kombu keeps the table of a queue that expires for an hour at least, in milliseconds.
    private static let shortestTable: Int64 = 3_600_000
}

/// Where messages to named exchanges go, looked up before a step that cannot wait.
struct ExchangeRoutes: Sendable {
    private struct Place: Hashable {
        let exchange: String
        let routingKey: String
    }

    private var queues: [Place: [String]] = [:]
    private var faults: [Place: ApiumError] = [:]

    /// The queues of a message: its own, or those that its exchange is bound to.
    /// - Throws: ``ApiumError`` `unroutable`, `notAvailable` for an exchange that is not a direct one.
    func queues(of outgoing: Outgoing) throws -> [String] {
        guard !outgoing.exchange.isEmpty else { return [outgoing.queue] }
        let place = Place(exchange: outgoing.exchange, routingKey: outgoing.queue)
        if let fault = faults[place] { throw fault }
        return queues[place] ?? []
    }

    mutating func learn(_ outgoing: Outgoing, _ table: BindingTable) {
        let place = Place(exchange: outgoing.exchange, routingKey: outgoing.queue)
        if table.hasPatterns {
            faults[place] = ApiumError(
                .notAvailable, "exchange '\(outgoing.exchange)' is a topic exchange; only direct exchanges are supported: send to a queue by its name")
        } else if table.queues(for: outgoing.queue).isEmpty {
            faults[place] = ApiumError(
                .unroutable,
                "no queue is bound to exchange '\(outgoing.exchange)' with routing key '\(outgoing.queue)', so the message would be lost; "
                    + "start a consumer of such a queue, or declare the queue in task_queues")
        } else {
            queues[place] = table.queues(for: outgoing.queue)
        }
    }
}

extension RedisBroker {
    /// Gives messages their lists; a message to a named exchange once for each queue that is bound.
    /// - Throws: ``ApiumError`` `unroutable`, `notAvailable`, `unavailable`.
    func place(_ messages: [Outgoing]) async throws -> [PlacedMessage] {
        let routes = try await routes(of: messages) { try await self.client.replies($0) }
        return try messages.flatMap { outgoing in try routes.queues(of: outgoing).map { keys.place(outgoing, in: $0) } }
    }

    /// Looks up where messages to named exchanges go; messages to queues cost nothing.
    /// - Parameter send: sends the commands of the look-up.
    func routes(of messages: [Outgoing], send: ([RedisCommand]) async throws -> [RESPValue]) async throws -> ExchangeRoutes {
        var routes = ExchangeRoutes()
        for outgoing in messages where !outgoing.exchange.isEmpty {
            routes.learn(outgoing, try await table(for: outgoing, send: send))
        }
        return routes
    }

    /// The table of a message's exchange: the one that was read lately if it knows the routing key, else as it is now; a queue that this
    /// program declares is bound first, as kombu's producers declare what they send to.
    private func table(for outgoing: Outgoing, send: ([RedisCommand]) async throws -> [RESPValue]) async throws -> BindingTable {
        if let known = bindings.table(of: outgoing.exchange), !known.queues(for: outgoing.queue).isEmpty { return known }
        let declared = options.declaredBindings.filter { $0.exchange == outgoing.exchange && $0.routingKey == outgoing.queue }
        if !declared.isEmpty { _ = try await send(declared.flatMap(keys.bindCommands)) }
        let rows = try await send([RedisCommand("SMEMBERS", keys.binding(outgoing.exchange))])[0].asArray().map { try $0.asString() }
        let table = BindingTable(rows: rows, separator: keys.separator)
        bindings.keep(table, of: outgoing.exchange)
        return table
    }
}
