import ApiumCore

extension BrokerState {
    // MARK: Operators

    mutating func setLimit(_ limit: Limit?, on target: HoldTarget, at now: Timestamp) {
        if holds.setLimit(limit, on: target) { epoch += 1 }
        releaseAll(at: now)
    }

    mutating func pause(_ target: HoldTarget, at now: Timestamp) -> Bool {
        guard holds.pause(target, at: now) else { return false }
        epoch += 1
        if case .queue(let name) = target { recall(from: name, at: now) }
        return true
    }

    /// Those that were let go to a queue which is paused now give their places to the next ones.
    private mutating func recall(from name: String, at now: Timestamp) {
        holds.forget(name)
        for message in queues[name]?.payloads.compactMap({ try? Message(decoding: $0) }) ?? [] where !message.waitedFor.isEmpty {
            holds.recall(message.id, message.waitedFor, at: now)
            release(Set(message.waitedFor), at: now)
        }
    }

    mutating func resume(_ target: HoldTarget, at now: Timestamp) -> Bool {
        guard holds.resume(target) else { return false }
        epoch += 1
        releaseAll(at: now)
        return true
    }

    // MARK: Asking

    mutating func admit(_ admissions: [Admission], by incarnation: String, at now: Timestamp) -> [AdmissionOutcome] {
        let outcomes = admissions.map { admit($0, by: incarnation, at: now) }
        release(Set(admissions.flatMap(\.targets)), at: now)
        return outcomes
    }

    private mutating func admit(_ admission: Admission, by incarnation: String, at now: Timestamp) -> AdmissionOutcome {
        guard let session = sessions[incarnation], admission.tag.batch <= session.lastBatch else { return .taken }
        guard let record = session.flight[admission.tag] else { return .waiting(on: nil) }
        if !record.targets.isEmpty { return .admitted }
        holds.arrived(from: record.queue, list: record.list)
        if let refusing = holds.ask(admission, .running(incarnation: incarnation, tag: admission.tag), at: now) {
            let entry = HoldBook.Entry(
                id: admission.id, queue: record.queue, list: record.list, targets: admission.targets, payload: admission.payload,
                since: (try? Message(decoding: admission.payload))?.waitedSince ?? 0)
            holds.wait(entry, for: refusing, isReturning: admission.isReturning)
            sessions[incarnation]?.flight[admission.tag] = nil
            return .waiting(on: refusing)
        }
        sessions[incarnation]?.flight[admission.tag]?.targets = admission.targets
        if let lock = admission.lock { free(lock, of: admission.id) }
        return .admitted
    }

    // MARK: Giving back

    /// What a delivery has taken goes back with its end, and the lock of a job that has ended.
    mutating func settle(_ completion: Completion, by incarnation: String, at now: Timestamp) {
        giveBackHolds(of: completion.tag, sessions[incarnation]?.flight[completion.tag]?.targets ?? [], incarnation, at: now)
        sessions[incarnation]?.flight[completion.tag]?.targets = []
        guard let (lock, id) = completion.holds.lock, lock.isTakenAtEnqueue else { return }
        switch completion.disposition {
        case .done, .shelve(.dead, _), .shelve(.quarantine, _): free(lock, of: id)
        case .schedule(_, _, let delay):
            if locks[lock.key]?.id == id { locks[lock.key]?.until = now + .milliseconds(lock.milliseconds(after: delay)) }
        case .requeue, .shelve(.parked, _): break
        }
    }

    /// The session is over: everything that its jobs have taken goes back.
    mutating func giveBackHolds(of session: SessionState, _ incarnation: String, at now: Timestamp) {
        for (tag, record) in session.flight { giveBackHolds(of: tag, record.targets, incarnation, at: now) }
    }

    private mutating func giveBackHolds(of tag: DeliveryTag, _ targets: [HoldTarget], _ incarnation: String, at now: Timestamp) {
        guard !targets.isEmpty else { return }
        holds.giveBack(targets, of: .running(incarnation: incarnation, tag: tag))
        release(Set(targets), at: now)
    }

    /// A job that was set aside lives again: it takes its lock, unless another has it.
    mutating func relock(_ payload: [UInt8], at now: Timestamp) {
        guard let message = try? Message(decoding: payload), let lock = message.uniqueLock, lock.isTakenAtEnqueue else { return }
        if let holder = locks[lock.key], holder.until > now { return }
        locks[lock.key] = (message.id, now + .milliseconds(lock.milliseconds(after: nil)), false)
    }

    /// Messages are deleted: their locks go with them.
    mutating func free(_ payloads: [[UInt8]]) {
        guard !locks.isEmpty else { return }
        for payload in payloads {
            if let message = try? Message(decoding: payload), let lock = message.uniqueLock { free(lock, of: message.id) }
        }
    }

    mutating func free(_ lock: UniqueLock, of id: String) { if locks[lock.key]?.id == id { locks[lock.key] = nil } }

    // MARK: Letting go

    /// Looks at every line, as the timer does.
    mutating func releaseAll(at now: Timestamp) { release(Set(holds.lines.keys), at: now) }

    /// Looks at one line.
    mutating func releaseLine(_ target: HoldTarget, at now: Timestamp) { release([target], at: now) }

    private mutating func release(_ targets: Set<HoldTarget>, at now: Timestamp) {
        let draining = holds.draining
        for target in targets {
            for entry in holds.release(target, at: now).reversed() { queues[entry.queue, default: Queue()][entry.list].pushFront(entry.payload) }
        }
        if holds.draining != draining { epoch += 1 }
    }
}

extension InMemoryBroker {
    public func setLimit(_ limit: Limit?, on target: HoldTarget) async throws {
        try target.validateForLimit()
        try limit?.validate()
        core.change { $0.setLimit(limit, on: target, at: $1) }
        core.announceControl()
    }

    public func pause(_ target: HoldTarget) async throws -> Bool {
        try target.validateForPause()
        defer { core.announceControl() }
        return core.change { $0.pause(target, at: $1) }
    }

    public func resume(_ target: HoldTarget) async throws -> Bool {
        try target.validateForPause()
        defer { core.announceControl() }
        return core.change { $0.resume(target, at: $1) }
    }

    public func uniqueLocks(limit: Int) async throws -> [UniqueLockRow] {
        core.read { state, now in
            state.locks.filter { $0.value.until > now }.sorted { $0.key < $1.key }.prefix(max(limit, 0)).map {
                UniqueLockRow(key: $0.key, id: $0.value.id, remaining: $0.value.until - now, isForTime: $0.value.isForTime)
            }
        }
    }

    public func unlock(_ key: String, heldBy id: String) async throws -> Bool {
        core.change { state, now in
            guard let holder = state.locks[key], holder.id == id, holder.until > now else { return false }
            state.locks[key] = nil
            return true
        }
    }

    public func holds() async throws -> [HoldRow] { core.read { state, _ in state.holds.rows } }

    public func waitingJobs(on target: HoldTarget, from offset: Int, limit: Int) async throws -> [WaitingJob] {
        core.read { state, _ in
            (state.holds.lines[target] ?? []).dropFirst(max(offset, 0)).prefix(max(limit, 0)).map {
                WaitingJob(queue: $0.queue, payload: $0.payload, key: Array($0.id.utf8))
            }
        }
    }
}
