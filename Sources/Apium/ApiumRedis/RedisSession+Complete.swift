import ApiumCore
import RedisClient

extension RedisSession {
    /// One script call per claim batch, all in one write. A cut reply is repeated with the same arguments until it is answered: what the
    /// first try ended answers "already done", which is success.
    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] {
        let routes = try await broker.routes(of: completions.flatMap(\.followUps)) { commands in
            try await self.broker.client.repliesAtLast(commands) { self.isUsable }
        }
        let completions = try await withoutHiddenSuccesses(completions)
        let arguments = CompletionArguments(self, routes)
        var open: [Int] = []
        let outcomes = try await perBatch(completions.map(\.tag)) { batch, places in
            let closing = ledger.withLock { $0.ending(batch, places.map { completions[$0].tag.index }) }
            let yields = places.contains { completions[$0].holds.givesBack }
            var command = completeCommand(batch, closing: closing, count: places.count, yields: yields)
            arguments.append(completions, at: places[...], to: &command)
            return command
        } answered: { batch, ended, rest in
            if ledger.withLock({ $0.ended(batch, ended, gone: rest.first == .integer(1)) }) { open.append(batch) }
        }
        try await close(open)
        return outcomes
    }

    /// Has batches counted once more that are ended and were not deleted.
    func close(_ open: [Int]) async throws {
        guard !open.isEmpty else { return }
        let commands = open.map { completeCommand($0, closing: true, count: 0) }
        _ = try await broker.client.repliesAtLast(commands) { self.isUsable }
        for batch in open { ledger.withLock { $0.forget(batch) } }
    }

    /// Leaves out the documents that would take the place of a compressed SUCCESS, which the script cannot see. As in Celery nothing
    /// holds a SUCCESS off that is stored right now.
    private func withoutHiddenSuccesses(_ completions: [Completion]) async throws -> [Completion] {
        let options = broker.options.results
        guard options.compression != nil else { return completions }
        let ids = Set(completions.flatMap(\.results).map(\.id))
        guard !ids.isEmpty else { return completions }
        let wanted = Array(ids)
        let replies = try await broker.client.repliesAtLast([RedisCommand("MGET", arguments: wanted.map(options.keys.task))]) { self.isUsable }
        let stored = try replies.first?.asArray() ?? []
        let hidden = Set(zip(wanted, stored).filter { options.isHiddenSuccess($0.1.bytes) }.map(\.0))
        return completions.map { completion in
            var completion = completion
            completion.results.removeAll { hidden.contains($0.id) }
            return completion
        }
    }

    private func completeCommand(_ batch: Int, closing: Bool, count: Int, yields: Bool = false) -> RedisCommand {
        var names = [
            keys.worker(incarnation), keys.flight(incarnation), keys.marks(incarnation, batch), keys.batch(incarnation, batch), keys.scheduled,
            keys.scheduledMessages, keys.joins(incarnation, batch),
        ]
        if yields { names.append(keys.holds(incarnation, batch)) }
        var command = RedisCommand.eval(RedisScripts.complete, keys: names, batch, closing ? "1" : "0", count)
        command.append(contentsOf: broker.options.results.chordSettings)
        return command
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

    /// The places of the tags of each batch, in the order of the deliveries. There are few batches, and tags of one stand together.
    private static func byBatch(_ tags: [DeliveryTag]) -> [(batch: Int, places: [Int])] {
        var batches: [(batch: Int, places: [Int])] = []
        for (place, tag) in tags.enumerated() {
            if let known = batches.lastIndex(where: { $0.batch == tag.batch }) {
                batches[known].places.append(place)
            } else {
                batches.append((tag.batch, [place]))
            }
        }
        // The script marks deliveries that follow one another by one write. Lanes end them nearly in order, but not quite.
        for batch in batches.indices { batches[batch].places.sort { (tags[$0].index, $0) < (tags[$1].index, $1) } }
        return batches.sorted { $0.batch < $1.batch }
    }

    /// Makes a command per batch, sends them all, and puts the answers in the order of `tags`.
    private func perBatch(
        _ tags: [DeliveryTag], command: (_ batch: Int, _ places: [Int]) -> RedisCommand,
        answered: (_ batch: Int, _ ended: [Int], _ rest: ArraySlice<RESPValue>) -> Void
    ) async throws -> [CompletionOutcome] {
        guard !tags.isEmpty else { return [] }
        let batches = Self.byBatch(tags)
        let replies = try await broker.client.repliesAtLast(batches.map { command($0.batch, $0.places) }) { self.isUsable }
        var outcomes = [CompletionOutcome](repeating: .taken, count: tags.count)
        for ((batch, places), reply) in zip(batches, replies) {
            let answers = try reply.asArray()
            guard answers.count >= places.count else {
                throw ApiumError(.notAvailable, "a completion script answered \(answers.count) items for \(places.count)")
            }
            for (place, answer) in zip(places, answers) { outcomes[place] = try CompletionOutcome(answer) }
            let ended = places.filter { if case .joining = outcomes[$0] { false } else { true } }
            answered(batch, ended.map { tags[$0].index }, answers.dropFirst(places.count))
        }
        if outcomes.contains(.taken) { noteLeaseLost() }
        return outcomes
    }
}

extension CompletionOutcome {
    /// Reads the number of a completion script, or its list of groups and tokens.
    fileprivate init(_ reply: RESPValue) throws {
        switch (reply.int, reply.array) {
        case (0, _): self = .done
        case (1, _): self = .alreadyDone
        case (2, _): self = .taken
        case (nil, let texts?) where !texts.isEmpty && texts.count.isMultiple(of: 2):
            self = .joining(
                try stride(from: 0, to: texts.count, by: 2).map { try ChordClaim(group: texts[$0].asString(), token: texts[$0 + 1].asString()) })
        default: throw ApiumError(.notAvailable, "a completion script answered \(reply.kind) where 0, 1, 2 or a list of joins was expected")
        }
    }
}
