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
        let message = outgoing.message
        var bytes = [UInt8]()
        bytes.reserveCapacity(message.encodedSize)
        message.encode(publishedTo: outgoing.exchange, routingKey: outgoing.queue, into: &bytes)
        return PlacedMessage(
            queue: queue, list: ready(queue, priority: message.properties.priority), bytes: bytes, id: message.id, delay: outgoing.positiveDelay)
    }

    /// Places a message that takes the anonymous exchange.
    func place(_ outgoing: Outgoing) -> PlacedMessage { place(outgoing, in: outgoing.queue) }
}

extension Outgoing {
    /// A delay of nothing is none.
    fileprivate var positiveDelay: Duration? { delay.flatMap { $0 > .zero ? $0 : nil } }
}

extension RedisBroker {
    public func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt {
        guard !messages.isEmpty else { return EnqueueReceipt([]) }
        let routes = try await routes(of: messages) { try await self.client.replies($0) }
        guard let durability = terms.durability else { return EnqueueReceipt(try await put(messages, routes, terms, on: producing, timeout: nil)) }
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
            let commands = try enqueueCommands(messages, routes)
            if commands.count == 1 {
                try await line.sendPromptly(commands[0], timeout: timeout).checked()
            } else {
                for reply in try await line.transaction(commands, timeout: timeout) { try reply.checked() }
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return [EnqueueOutcome](repeating: .enqueued, count: messages.count)
    }

    /// One LPUSH for each run of messages to the same list, in order, and one script for all delayed ones.
    private func enqueueCommands(_ messages: [Outgoing], _ routes: ExchangeRoutes) throws -> [RedisCommand] {
        var commands = PushCommands(keys, size: messages.reduce(0) { $0 + $1.message.encodedSize })
        for outgoing in messages {
            if outgoing.exchange.isEmpty {
                commands.add(outgoing, in: outgoing.queue)
            } else {
                for queue in try routes.queues(of: outgoing) { commands.add(outgoing, in: queue) }
            }
        }
        return commands.pushes + expireCommands(commands.pushedQueues) + commands.laters
    }

    /// A queue with `x-expires` starts its time again with each message, on the lists of all steps, as kombu does it.
    private func expireCommands(_ queues: Set<String>) -> [RedisCommand] {
        guard !expiringQueues.isEmpty else { return [] }
        return queues.sorted().flatMap { queue in
            expiringQueues[queue].map { expires in keys.ready(queue).map { RedisCommand("PEXPIRE", $0, expires.wholeMilliseconds) } } ?? []
        }
    }

    public func scheduledCount() async throws -> Int {
        do { return try await client.reply(RedisCommand("ZCARD", keys.scheduled)).asInt() } catch { throw RedisFailure.apiumError(error) }
    }
}

/// Gathers messages into commands; each is written into its command, with nothing in between that has to be thrown away.
private struct PushCommands {
    private(set) var pushes: [RedisCommand] = []
    /// The script of those that are delayed, if there are any.
    private(set) var laters: [RedisCommand] = []
    private(set) var pushedQueues: Set<String> = []
    private let keys: RedisKeys
    /// About how many bytes all messages have.
    private let size: Int
    /// Where the last push goes.
    private var last: (queue: String, priority: Int, list: String)?
    private var scratch: [UInt8] = []

    init(_ keys: RedisKeys, size: Int) {
        self.keys = keys
        self.size = size
    }

    mutating func add(_ outgoing: Outgoing, in queue: String) {
        if outgoing.positiveDelay != nil { return addLater(keys.place(outgoing, in: queue)) }
        let message = outgoing.message
        let priority = message.properties.priority
        scratch.removeAll(keepingCapacity: true)
        message.encode(publishedTo: outgoing.exchange, routingKey: outgoing.queue, into: &scratch)
        if let last, last.queue == queue, last.priority == priority {
            pushes[pushes.count - 1].append(scratch)
            return
        }
        let list = keys.ready(queue, priority: priority)
        if last?.list != list {
            var push = RedisCommand("LPUSH", reserving: pushes.isEmpty ? size : message.encodedSize)
            push.append(list)
            pushes.append(push)
            pushedQueues.insert(queue)
        }
        last = (queue, priority, list)
        pushes[pushes.count - 1].append(scratch)
    }

    private mutating func addLater(_ placed: PlacedMessage) {
        if laters.isEmpty { laters.append(.eval(RedisScripts.later, keys: [keys.scheduled, keys.scheduledMessages])) }
        laters[0].append((placed.delay ?? .zero).wholeMicroseconds)
        laters[0].append(placed.member)
        laters[0].append(placed.bytes)
    }
}

/// What takes commands: the connection that all share, or one of a caller's own.
protocol CommandLine {
    func sendPromptly(_ command: RedisCommand, timeout: Duration?) async throws -> RESPValue
    func pipeline(_ commands: [RedisCommand], timeout: Duration?) async throws -> [RESPValue]
    func transaction(_ commands: [RedisCommand], timeout: Duration?) async throws -> [RESPValue]
}

extension RedisClient: CommandLine {}
extension RedisConnection: CommandLine {}
