import ApiumCore

extension BrokerState {
    /// Puts messages on their queues if their conditions hold, all or each for itself.
    ///
    /// - Throws: ``QueueFull`` under terms of all or none: then nothing has changed.
    mutating func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms, at now: Timestamp) throws -> [EnqueueOutcome] {
        if queueLimits.isEmpty, messages.allSatisfy(\.conditions.isEmpty) {
            enqueue(messages, at: now)
            return messages.map { _ in .enqueued }
        }
        known = known.filter { $0.value > now }
        locks = locks.filter { $0.value.until > now }
        var next = self
        let outcomes = try messages.map { outgoing in
            let outcome = next.outcome(of: outgoing)
            if case .refused(let full) = outcome, terms.isAllOrNone { throw full }
            guard outcome == .enqueued else { return outcome }
            next.enqueue([outgoing], at: now)
            if let lock = outgoing.conditions.lock {
                next.locks[lock.key] = (outgoing.message.id, now + .milliseconds(lock.milliseconds(after: outgoing.delay)), lock.scope == .time)
            }
            if let time = outgoing.conditions.onceWithin { next.known[outgoing.message.id] = now + max(outgoing.delay ?? .zero, .zero) + time }
            return outcome
        }
        self = next
        return outcomes
    }

    private func outcome(of outgoing: Outgoing) -> EnqueueOutcome {
        let id = outgoing.message.id
        if outgoing.conditions.onceWithin != nil, known[id] != nil || results[id] != nil { return .known }
        if let lock = outgoing.conditions.lock, let holder = locks[lock.key] { return .duplicate(of: holder.id) }
        for queue in targets(of: outgoing) {
            guard let limit = outgoing.conditions.queueLimit ?? queueLimits[queue] else { continue }
            let length = (queues[queue]?.count ?? 0) + holds.waiting(of: queue)
            if length >= limit {
                return .refused(QueueFull(queue: queue, limit: limit, length: length))
            }
        }
        return .enqueued
    }
}
