import ApiumCore
import RedisClient

extension RedisSession {
    /// One script call per claim batch, all in one write. A cut reply is repeated with the same arguments until it is answered: what the
    /// first try ended answers "already done", which is success.
    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] {
        let routes = try await broker.routes(of: completions.flatMap(\.followUps)) { commands in
            try await self.broker.client.repliesAtLast(commands) { self.isUsable }
        }
        let placed = completions.map { PlacedCompletion($0, self, routes) }
        var open: [Int] = []
        let outcomes = try await perBatch(completions.map(\.tag)) { batch, places in
            let closing = ledger.withLock { $0.ending(batch, places.map { completions[$0].tag.index }) }
            var command = completeCommand(batch, closing: closing, count: places.count)
            for place in places { placed[place].append(to: &command) }
            return command
        } answered: { batch, indices, rest in
            if ledger.withLock({ $0.ended(batch, indices, gone: rest.first == .integer(1)) }) { open.append(batch) }
        }
        if !open.isEmpty {
            let commands = open.map { completeCommand($0, closing: true, count: 0) }
            _ = try await broker.client.repliesAtLast(commands) { self.isUsable }
            for batch in open { ledger.withLock { $0.forget(batch) } }
        }
        return outcomes
    }

    private func completeCommand(_ batch: Int, closing: Bool, count: Int) -> RedisCommand {
        .eval(
            RedisScripts.complete,
            keys: [
                keys.worker(incarnation), keys.flight(incarnation), keys.marks(incarnation, batch), keys.batch(incarnation, batch), keys.scheduled,
                keys.scheduledMessages,
            ], batch, closing ? "1" : "0", count)
    }

    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] {
        try await perBatch(tags) { batch, places in
            var command = RedisCommand.eval(
                RedisScripts.acknowledge, keys: [keys.worker(incarnation), keys.flight(incarnation), keys.marks(incarnation, batch)], batch)
            for place in places { command.append(tags[place].index) }
            return command
        } answered: { _, _, _ in
        }
    }

    /// Makes a command per batch, sends them all, and puts the answers in the order of `tags`.
    private func perBatch(
        _ tags: [DeliveryTag], command: (_ batch: Int, _ places: [Int]) -> RedisCommand,
        answered: (_ batch: Int, _ indices: [Int], _ rest: ArraySlice<RESPValue>) -> Void
    ) async throws -> [CompletionOutcome] {
        guard !tags.isEmpty else { return [] }
        let batches = Dictionary(grouping: tags.indices) { tags[$0].batch }.sorted { $0.key < $1.key }
        let replies = try await broker.client.repliesAtLast(batches.map { command($0.key, $0.value) }) { self.isUsable }
        var outcomes = [CompletionOutcome](repeating: .taken, count: tags.count)
        for ((batch, places), reply) in zip(batches, replies) {
            let answers = try reply.asArray()
            guard answers.count >= places.count else {
                throw ApiumError(.notAvailable, "a completion script answered \(answers.count) items for \(places.count)")
            }
            for (place, answer) in zip(places, answers) { outcomes[place] = try CompletionOutcome(answer) }
            answered(batch, places.map { tags[$0].index }, answers.dropFirst(places.count))
        }
        if outcomes.contains(.taken) { noteLeaseLost() }
        return outcomes
    }
}

extension CompletionOutcome {
    /// Reads the number of a completion script.
    fileprivate init(_ reply: RESPValue) throws {
        switch reply.int {
        case 0: self = .done
        case 1: self = .alreadyDone
        case 2: self = .taken
        default: throw ApiumError(.notAvailable, "a completion script answered \(reply.kind) where 0, 1 or 2 was expected")
        }
    }
}

/// A completion as the script's arguments. Made once, so that a repeated call sends the very same: ids and nonces included.
private struct PlacedCompletion {
    private let index: Int
    private let result: (key: String, seconds: Int64, isSuccess: Bool, document: [UInt8])?
    private let followUps: [FollowUp]

    private enum FollowUp {
        case push(list: String, [UInt8])
        case later(microseconds: Int64, member: String, [UInt8])
        case shelf(key: String, id: String, [UInt8])

        /// One for each queue. A message that would reach none is parked: its job has ended and nobody would hear of an error.
        static func of(_ outgoing: Outgoing, _ routes: ExchangeRoutes, _ keys: RedisKeys) -> [FollowUp] {
            do {
                return try routes.queues(of: outgoing).map { FollowUp(keys.place(outgoing, in: $0)) }
            } catch {
                let message = keys.place(outgoing)
                let record = ShelvedRecord(
                    id: message.id, task: outgoing.message.task, queue: outgoing.queue, reason: "\(error)", at: .now(), attempts: 0, payload: message.bytes)
                return [.shelf(key: keys.shelf(.parked), id: record.id, record.encoded)]
            }
        }

        init(_ message: PlacedMessage) {
            if let delay = message.delay {
                self = .later(microseconds: delay.wholeMicroseconds, member: message.member, message.bytes)
            } else {
                self = .push(list: message.list, message.bytes)
            }
        }
    }

    init(_ completion: Completion, _ session: RedisSession, _ routes: ExchangeRoutes) {
        index = completion.tag.index
        let options = session.broker.options
        result = completion.results.first.map { document in
            let key = ResultKeys.key(ResultKeys.prefix(options.resultKeyPrefix), document.id)
            return (key, ResultKeys.seconds(options.resultExpires), document.state == .success, document.encoded())
        }
        var followUps = completion.followUps.flatMap { FollowUp.of($0, routes, session.keys) }
        switch completion.disposition {
        case .done: break
        case .schedule(let message, let queue, let delay): followUps.append(FollowUp(session.keys.place(Outgoing(message, to: queue, after: delay))))
        case .requeue(let message, let queue): followUps.append(FollowUp(session.keys.place(Outgoing(message, to: queue))))
        case .shelve(let shelf, let record): followUps.append(.shelf(key: session.keys.shelf(shelf), id: record.id, record.encoded))
        }
        self.followUps = followUps
    }

    func append(to command: inout RedisCommand) {
        command.append(index)
        command.append(result?.key ?? "")
        command.append(result?.seconds ?? 0)
        command.append(result?.isSuccess == true ? "1" : "0")
        command.append(result?.document ?? [])
        command.append(followUps.count)
        for followUp in followUps {
            switch followUp {
            case .push(let list, let message): append(to: &command, "push", list, message, [])
            case .later(let delay, let member, let message): append(to: &command, "later", String(delay), Array(member.utf8), message)
            case .shelf(let key, let id, let record): append(to: &command, "shelf", key, Array(id.utf8), record)
            }
        }
    }

    private func append(to command: inout RedisCommand, _ verb: String, _ first: String, _ second: [UInt8], _ third: [UInt8]) {
        command.append(verb)
        command.append(first)
        command.append(second)
        command.append(third)
    }
}
