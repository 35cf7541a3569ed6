import ApiumCore
import RedisClient

extension RedisSession {
    /// One script call for all of them: a call costs as much as twenty of the items in it. A cut reply is repeated with the same arguments until it is
    /// answered: what the first try ended answers "already done", which is success.
    func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] {
        guard !completions.isEmpty else { return [] }
        let routes = try await broker.routes(of: completions.flatMap(\.followUps)) { commands in
            try await self.broker.client.repliesAtLast(commands) { self.isUsable }
        }
        let completions = try await withoutHiddenSuccesses(completions)
        let tags = completions.map(\.tag)
        let batches = Self.byBatch(tags)
        let arguments = CompletionArguments(self, routes)
        var command = completeCommand(batches.map(\.batch))
        for (batch, places) in batches {
            let isEnding = ledger.withLock { $0.ending(batch, places.map { tags[$0].index }) }
            append(batch, closing: isEnding, count: places.count, to: &command)
            arguments.append(completions, at: places[...], to: &command)
        }
        let answers = try await broker.client.repliesAtLast([command]) { self.isUsable }[0].asArray()
        guard answers.count == tags.count + batches.count else { throw Self.unexpected(answers.count, for: tags.count + batches.count) }
        return try await outcomes(answers, of: tags, batches)
    }

    /// Reads what complete.lua answered, batch by batch, and has those counted once more that are ended and were not deleted.
    private func outcomes(_ answers: [RESPValue], of tags: [DeliveryTag], _ batches: [(batch: Int, places: [Int])]) async throws -> [CompletionOutcome] {
        var outcomes = [CompletionOutcome](repeating: .taken, count: tags.count)
        var open: [Int] = []
        var next = answers.startIndex
        for (batch, places) in batches {
            for place in places {
                outcomes[place] = try CompletionOutcome(answers[next])
                next += 1
            }
            let isGone = answers[next] == .integer(1)
            next += 1
            let ended = places.filter { if case .joining = outcomes[$0] { false } else { true } }.map { tags[$0].index }
            if ledger.withLock({ $0.ended(batch, ended, gone: isGone) }) { open.append(batch) }
        }
        if outcomes.contains(.taken) { noteLeaseLost() }
        try await close(open)
        return outcomes
    }

    /// Has batches counted once more that are ended and were not deleted.
    func close(_ open: [Int]) async throws {
        guard !open.isEmpty else { return }
        var command = completeCommand(open)
        for batch in open { append(batch, closing: true, count: 0, to: &command) }
        let answers = try await broker.client.repliesAtLast([command]) { self.isUsable }[0].asArray()
        for batch in open { ledger.withLock { $0.forget(batch) } }
        if answers.contains(where: { $0 != .integer(1) }) { noteForgotten() }
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

    /// complete.lua for these batches; what follows is appended in their order.
    private func completeCommand(_ batches: [Int]) -> RedisCommand {
        var names = [keys.worker(incarnation), keys.flight(incarnation), keys.scheduled, keys.scheduledMessages]
        for batch in batches {
            names += [keys.marks(incarnation, batch), keys.batch(incarnation, batch), keys.joins(incarnation, batch), keys.holds(incarnation, batch)]
        }
        return RedisCommand.eval(RedisScripts.complete, keys: names, arguments: broker.options.results.chordSettings)
    }

    private func append(_ batch: Int, closing: Bool, count: Int, to command: inout RedisCommand) {
        command.append(batch)
        command.append(closing ? "1" : "0")
        command.append(count)
    }

    func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] {
        guard !tags.isEmpty else { return [] }
        let batches = Self.byBatch(tags)
        let commands = batches.map { batch, places in
            var command = RedisCommand.eval(
                RedisScripts.acknowledge, keys: [keys.worker(incarnation), keys.flight(incarnation), keys.marks(incarnation, batch)], batch)
            for place in places { command.append(tags[place].index) }
            return command
        }
        let replies = try await broker.client.repliesAtLast(commands) { self.isUsable }
        var outcomes = [CompletionOutcome](repeating: .taken, count: tags.count)
        for ((_, places), reply) in zip(batches, replies) {
            let answers = try reply.asArray()
            guard answers.count == places.count else { throw Self.unexpected(answers.count, for: places.count) }
            for (place, answer) in zip(places, answers) { outcomes[place] = try CompletionOutcome(answer) }
        }
        if outcomes.contains(.taken) { noteLeaseLost() }
        return outcomes
    }

    private static func unexpected(_ count: Int, for expected: Int) -> ApiumError {
        ApiumError(.notAvailable, "a completion script answered \(count) items where \(expected) were expected")
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
