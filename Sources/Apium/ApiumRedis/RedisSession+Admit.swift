import ApiumCore
import RedisClient

extension RedisSession {
    /// One script call per claim batch, all in one write. What was moved into a line has ended for its batch.
    func admit(_ admissions: [Admission]) async throws -> [AdmissionOutcome] {
        guard !admissions.isEmpty else { return [] }
        let batches = Dictionary(grouping: admissions.indices) { admissions[$0].tag.batch }.sorted { $0.key < $1.key }
        let commands = batches.map { admitCommand($0.key, $0.value.map { admissions[$0] }) }
        let replies = try await broker.client.repliesAtLast(commands) { self.isUsable }
        var outcomes = [AdmissionOutcome](repeating: .taken, count: admissions.count)
        var open: [Int] = []
        for ((batch, places), reply) in zip(batches, replies) {
            let answers = try reply.asArray()
            guard answers.count == places.count else {
                throw ApiumError(.notAvailable, "the script of admissions answered \(answers.count) items for \(places.count)")
            }
            var moved: [Int] = []
            for (place, answer) in zip(places, answers) {
                outcomes[place] = try AdmissionOutcome(answer)
                if case .waiting = outcomes[place] { moved.append(admissions[place].tag.index) }
            }
            let isEnded = ledger.withLock { ledger in
                _ = ledger.ending(batch, moved)
                return ledger.ended(batch, moved, gone: false)
            }
            if isEnded { open.append(batch) }
        }
        try await close(open)
        if outcomes.contains(.taken) { noteLeaseLost() }
        return outcomes
    }

    private func admitCommand(_ batch: Int, _ admissions: [Admission]) -> RedisCommand {
        var command = RedisCommand.eval(
            RedisScripts.admit,
            keys: [keys.worker(incarnation), keys.flight(incarnation), keys.marks(incarnation, batch), keys.holds(incarnation, batch)], batch,
            admissions.count)
        for admission in admissions {
            command.append(admission.tag.index)
            command.append(admission.id)
            command.append(admission.isReturning ? "1" : "0")
            command.append(admission.lock.map { keys.unique($0.key) } ?? "")
            command.append(admission.payload)
            command.append(admission.targets.map(\.text).joined(separator: "\u{0}"))
        }
        return command
    }
}

extension AdmissionOutcome {
    fileprivate init(_ reply: RESPValue) throws {
        switch (reply.int, reply.string) {
        case (0, _): self = .admitted
        case (1, _): self = .waiting(on: nil)
        case (2, _): self = .taken
        case (_, let text?): self = .waiting(on: HoldTarget(text: text))
        default: throw ApiumError(.notAvailable, "the script of admissions answered \(reply.kind) where 0, 1, 2 or a target was expected")
        }
    }
}

extension RedisKeys {
    /// What the job's end gives back, as operations of complete.lua; one that runs again keeps its lock.
    func releases(_ holds: CompletionHolds, of tag: DeliveryTag, _ disposition: Completion.Disposition) -> [[String]] {
        var releases: [[String]] = []
        if holds.givesBack { releases.append(["yield", String(tag.index)]) }
        guard let (lock, id) = holds.lock, lock.isTakenAtEnqueue else { return releases }
        switch disposition {
        case .done, .shelve(.dead, _), .shelve(.quarantine, _): releases.append(["free", unique(lock.key), id])
        case .schedule(_, _, let delay): releases.append(["keep", unique(lock.key), id, String(lock.milliseconds(after: delay))])
        case .requeue, .shelve(.parked, _): break
        }
        return releases
    }
}
