import ApiumCore
import RedisClient

/// A message with its place on the server.
struct PlacedMessage {
    let queue: String
    /// The ready list.
    let list: String
    let bytes: [UInt8]
    let id: String
    /// Nil: at once.
    let delay: Duration?

    /// The member of the scheduled set: task id, list, and a nonce that keeps two sends of one task apart.
    var member: String { "\(id)\u{0}\(list)\u{0}\(JobID.make())" }
}

extension RedisKeys {
    /// Gives a message its delivery information, as kombu does at each publish, and its list in a queue. The anonymous exchange routes by
    /// the queue's name; for a named one `queue` is one of those that are bound.
    func place(_ outgoing: Outgoing, in queue: String) -> PlacedMessage {
        var message = outgoing.message
        var properties = message.properties
        (properties.exchange, properties.routingKey, properties.deliveryTag) = (outgoing.exchange, outgoing.queue, nil)
        message.properties = properties
        let delay = outgoing.delay.flatMap { $0 > .zero ? $0 : nil }
        return PlacedMessage(
            queue: queue, list: ready(queue, priority: message.properties.priority), bytes: message.encoded(), id: message.id, delay: delay)
    }

    /// Places a message that takes the anonymous exchange.
    func place(_ outgoing: Outgoing) -> PlacedMessage { place(outgoing, in: outgoing.queue) }
}

extension RedisBroker {
    public func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt {
        guard !messages.isEmpty else { return EnqueueReceipt([]) }
        let routes = try await routes(of: messages) { try await self.client.replies($0) }
        guard let durability = terms.durability else { return EnqueueReceipt(try await put(messages, routes, terms, on: client, timeout: nil)) }
        let (outcomes, confirmation) = try await confirming.confirming(durability) { connection, timeout in
            try await put(messages, routes, terms, on: connection, timeout: timeout)
        }
        return EnqueueReceipt(outcomes, confirmation: confirmation)
    }

    private func put(_ messages: [Outgoing], _ routes: ExchangeRoutes, _ terms: EnqueueTerms, on line: some CommandLine, timeout: Duration?) async throws
        -> [EnqueueOutcome]
    {
        do {
            if try isConditional(messages, routes) {
                return try await enqueueConditionally(messages, routes, isAllOrNone: terms.isAllOrNone) { commands in
                    try await line.pipeline(commands, timeout: timeout).map { try $0.checked() }
                }
            }
            let commands = enqueueCommands(try messages.flatMap { outgoing in try routes.queues(of: outgoing).map { keys.place(outgoing, in: $0) } })
            let replies = commands.count == 1 ? try await line.pipeline(commands, timeout: timeout) : try await line.transaction(commands, timeout: timeout)
            for reply in replies { try reply.checked() }
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return [EnqueueOutcome](repeating: .enqueued, count: messages.count)
    }

    /// One LPUSH for each run of messages to the same list, in order, and one script for all delayed ones.
    private func enqueueCommands(_ messages: [PlacedMessage]) -> [RedisCommand] {
        var commands: [RedisCommand] = []
        var list: String?
        var later = RedisCommand.eval(RedisScripts.later, keys: [keys.scheduled, keys.scheduledMessages])
        var hasLater = false
        for message in messages {
            if let delay = message.delay {
                later.append(delay.wholeMicroseconds)
                later.append(message.member)
                later.append(message.bytes)
                hasLater = true
            } else if message.list == list {
                commands[commands.count - 1].append(message.bytes)
            } else {
                commands.append(RedisCommand("LPUSH", message.list, message.bytes))
                list = message.list
            }
        }
        return commands + expireCommands(messages) + (hasLater ? [later] : [])
    }

    /// A queue with `x-expires` starts its time again with each message, on the lists of all steps, as kombu does it.
    private func expireCommands(_ messages: [PlacedMessage]) -> [RedisCommand] {
        guard !expiringQueues.isEmpty else { return [] }
        let queues = Set(messages.filter { $0.delay == nil }.map(\.queue)).sorted()
        return queues.flatMap { queue in
            expiringQueues[queue].map { expires in keys.ready(queue).map { RedisCommand("PEXPIRE", $0, expires.wholeMilliseconds) } } ?? []
        }
    }

    public func scheduledCount() async throws -> Int {
        do { return try await client.reply(RedisCommand("ZCARD", keys.scheduled)).asInt() } catch { throw RedisFailure.apiumError(error) }
    }
}

/// What takes commands: the connection that all share, or one of a caller's own.
protocol CommandLine {
    func pipeline(_ commands: [RedisCommand], timeout: Duration?) async throws -> [RESPValue]
    func transaction(_ commands: [RedisCommand], timeout: Duration?) async throws -> [RESPValue]
}

extension RedisClient: CommandLine {}
extension RedisConnection: CommandLine {}
