import ApiumCore
import RedisClient

/// A message with conditions: where it goes, and what must be so for it.
private struct ConditionalMessage {
    let outgoing: Outgoing
    let places: [PlacedMessage]
}

extension RedisBroker {
    /// How many messages of one call are looked at in one run of the script, so that others get their turn; a call that is all or none runs
    /// it once.
    private static let chunk = 1000

    /// Whether something has to be looked at before these messages may be pushed.
    func isConditional(_ messages: [Outgoing], _ routes: ExchangeRoutes) throws -> Bool {
        if messages.contains(where: { !$0.conditions.isEmpty }) { return true }
        guard !options.queueLimits.isEmpty else { return false }
        return try messages.contains { try routes.queues(of: $0).contains { options.queueLimits[$0] != nil } }
    }

    /// Looks and pushes in one step.
    func enqueueConditionally(
        _ messages: [Outgoing], _ routes: ExchangeRoutes, isAllOrNone: Bool, send: ([RedisCommand]) async throws -> [RESPValue]
    ) async throws -> [EnqueueOutcome] {
        let placed = try messages.map { outgoing in
            ConditionalMessage(outgoing: outgoing, places: try routes.queues(of: outgoing).map { keys.place(outgoing, in: $0) })
        }
        let size = isAllOrNone ? placed.count : Self.chunk
        let chunks = stride(from: 0, to: placed.count, by: size).map { Array(placed[$0..<min($0 + size, placed.count)]) }
        let replies = try await send(chunks.map { command($0, isAllOrNone: isAllOrNone) })
        var outcomes: [EnqueueOutcome] = []
        for (chunk, reply) in zip(chunks, replies) {
            let answers = try reply.asArray()
            guard answers.count == chunk.count else {
                throw ApiumError(.notAvailable, "the enqueue script answered \(answers.count) items for \(chunk.count)")
            }
            outcomes += try zip(chunk, answers).map { try outcome($1, of: $0) }
        }
        if isAllOrNone, let full = outcomes.lazy.compactMap(\.refusal).first { throw full }
        return outcomes
    }

    private func command(_ messages: [ConditionalMessage], isAllOrNone: Bool) -> RedisCommand {
        var command = RedisCommand.eval(
            RedisScripts.enqueue, keys: [keys.scheduled, keys.scheduledMessages, keys.uniqueQueues, keys.timedLocks, keys.held],
            isAllOrNone ? "1" : "0")
        for message in messages {
            let (conditions, id) = (message.outgoing.conditions, message.outgoing.message.id)
            command.append(conditions.onceWithin == nil ? "" : keys.known(id))
            command.append(conditions.onceWithin == nil || otherResults != nil ? "" : options.results.keys.task(id))
            // A job that is not due yet cannot be forgotten before it is.
            let due = max(message.outgoing.delay ?? .zero, .zero)
            command.append(max(((conditions.onceWithin ?? .zero) + due).wholeMilliseconds, 1))
            command.append(conditions.lock.map { keys.unique($0.key) } ?? "")
            command.append(conditions.lock == nil ? "" : id)
            command.append(conditions.lock.map { ($0.scope == .time ? "-" : "") + String($0.milliseconds(after: message.outgoing.delay)) } ?? "")
            command.append(message.places.count)
            for place in message.places { append(place, conditions, to: &command) }
        }
        return command
    }

    private func append(_ place: PlacedMessage, _ conditions: EnqueueConditions, to command: inout RedisCommand) {
        command.append(limit(of: place.queue, conditions).map(String.init) ?? "")
        command.append(expiringQueues[place.queue].map { String($0.wholeMilliseconds) } ?? "")
        command.append(place.list)
        command.append(place.delay.map { String($0.wholeMicroseconds) } ?? "")
        command.append(place.delay == nil ? "" : place.member)
        command.append(place.bytes)
        let lists = keys.ready(place.queue)
        command.append(lists.count)
        command.append(contentsOf: lists)
    }

    /// What the call says counts before what is said of the queue.
    private func limit(of queue: String, _ conditions: EnqueueConditions) -> Int? { conditions.queueLimit ?? options.queueLimits[queue] }

    private func outcome(_ answer: RESPValue, of message: ConditionalMessage) throws -> EnqueueOutcome {
        if let parts = answer.array {
            let numbers = try parts.map { try $0.asInt() }
            guard numbers.count == 2, message.places.indices.contains(numbers[0] - 1) else {
                throw ApiumError(.notAvailable, "the enqueue script named no place of the message")
            }
            let queue = message.places[numbers[0] - 1].queue
            let limit = limit(of: queue, message.outgoing.conditions) ?? 0
            return .refused(QueueFull(queue: queue, limit: limit, length: numbers[1]))
        }
        if let number = answer.int, case .integer = answer { return number == 0 ? .enqueued : .known }
        return .duplicate(of: try answer.asString())
    }
}

extension EnqueueOutcome {
    fileprivate var refusal: QueueFull? { if case .refused(let full) = self { full } else { nil } }
}
