import ApiumCore
import DynamicJSON

extension BrokerState {
    /// A job that ended with its worker: what another result backend has to be told, and the message that resumes the joins which its
    /// parts complete.
    struct Loss: Sendable {
        var told: JobLoss
        var place: Place
    }

    /// A message's place in a queue.
    struct Place: Sendable {
        var queue: String
        var list: Int
        var payload: [UInt8]
    }

    /// What became of the jobs of sessions that ended.
    struct Reaping: Sendable {
        var reaped = 0
        var quarantined = 0
        var sessions: [String] = []
        var losses: [Loss] = []
    }

    /// Ends a session in good order: what it had not finished goes back to the front, the oldest next, marked redelivered.
    /// A job acknowledged before its run does not run again: it counts as lost.
    mutating func close(_ incarnation: String, at now: Timestamp) -> [Loss] {
        guard let session = sessions.removeValue(forKey: incarnation) else { return [] }
        if janitor == incarnation { janitor = nil }
        giveBackHolds(of: session, incarnation, at: now)
        var losses: [Loss] = []
        for record in session.newestFirst {
            if record.acknowledged && record.joining.isEmpty {
                losses += lose(record, at: now)
            } else {
                giveBack(record, crashes: nil)
            }
        }
        return losses
    }

    /// Returns the jobs of dead workers.
    mutating func reap(except own: String, at now: Timestamp) -> Reaping {
        var reaping = Reaping()
        for (incarnation, session) in sessions.filter({ $0.key != own && $0.value.hasExpired(at: now) }) {
            sessions[incarnation] = nil
            giveBackHolds(of: session, incarnation, at: now)
            reaping.sessions.append(incarnation)
            for record in session.newestFirst { returnCrashed(record, at: now, &reaping) }
        }
        return reaping
    }

    /// A job that has ended took nobody down: only its joins are left to do.
    private mutating func returnCrashed(_ record: InFlight, at now: Timestamp, _ reaping: inout Reaping) {
        let crashes = record.crashes + 1
        if !record.joining.isEmpty {
            giveBack(record, crashes: nil)
            reaping.reaped += 1
        } else if record.acknowledged {
            reaping.losses += lose(record, at: now)
        } else if let error = record.fault {
            reaping.losses += park(record, error, at: now)
            reaping.quarantined += 1
        } else if crashes >= BrokerState.crashLimit {
            reaping.losses += quarantine(record, crashes, at: now)
            reaping.quarantined += 1
        } else {
            giveBack(record, crashes: crashes)
            reaping.reaped += 1
        }
    }

    /// Whether `incarnation` holds the janitor lease now; takes it when nobody alive does.
    mutating func isJanitor(_ incarnation: String, at now: Timestamp) -> Bool {
        if let janitor, let holder = sessions[janitor], !holder.hasExpired(at: now) { return janitor == incarnation }
        guard sessions[incarnation]?.silentSince == nil else { return false }
        janitor = incarnation
        return true
    }

    private mutating func giveBack(_ record: InFlight, crashes: Int?) {
        queues[record.queue, default: Queue()][record.list].pushFront(record.redelivered(crashes: crashes))
    }

    private mutating func quarantine(_ record: InFlight, _ crashes: Int, at now: Timestamp) -> [Loss] {
        let message = try? Message(decoding: record.payload)
        let reason = "its worker died \(crashes) times while it ran"
        shelve(record.shelved(message, reason, crashes, now, record.redelivered(crashes: crashes)), in: .quarantine)
        return message.map { fail($0, reason, record, at: now) } ?? []
    }

    /// What cannot be read can hold no count of crashes: it is set aside at once.
    private mutating func park(_ record: InFlight, _ error: ApiumError, at now: Timestamp) -> [Loss] {
        let head = Message(headOf: record.payload)
        let reason = "its worker was lost, and it cannot be read: \(error)"
        shelve(record.shelved(head, reason, 0, now, record.payload), in: .parked)
        return head.map { fail($0, reason, record, at: now) } ?? []
    }

    private mutating func lose(_ record: InFlight, at now: Timestamp) -> [Loss] {
        let message = try? Message(decoding: record.payload)
        let reason = "the worker was lost after it had acknowledged the job"
        shelve(record.shelved(message, reason, record.crashes + 1, now, record.payload), in: .dead)
        return message.map { fail($0, reason, record, at: now) } ?? []
    }

    /// Ends a lost job as `WorkerLostError`, here or by whoever keeps the results; its parts in chords are brought with it.
    private mutating func fail(_ message: Message, _ reason: String, _ record: InFlight, at now: Timestamp) -> [Loss] {
        if let lock = message.uniqueLock, lock.isTakenAtEnqueue { free(lock, of: message.id) }
        let place = Place(queue: record.queue, list: record.list, payload: record.payload)
        let loss = Loss(told: message.loss(reason, at: now), place: place)
        if let errbacks = loss.told.errbacks { queues[record.queue, default: Queue()][record.list].pushFront(errbacks.encoded()) }
        if resultsAreElsewhere { return [loss] }
        for document in loss.told.results { store(document) }
        resumeJoins(bring(loss.told.parts, at: now), at: place)
        return []
    }

    /// Puts a message in front that resumes joins which nobody is there to do.
    mutating func resumeJoins(_ claims: [ChordClaim], at place: Place) {
        guard !claims.isEmpty, var message = try? Message(decoding: place.payload) else { return }
        message.properties.redelivered = true
        message.joining = claims
        queues[place.queue, default: Queue()][place.list].pushFront(message.encoded())
    }

    // MARK: Control

    mutating func revoke(_ revocation: Revocation, at now: Timestamp) {
        guard !revocation.ids.isEmpty || revocation.stamps.contains(where: { !$0.value.isEmpty }) else { return }
        revoked.removeAll { now - $0.at >= BrokerState.revokeLife }
        epoch += 1
        revoked.append((now, epoch, revocation))
    }

    /// - Parameters:
    ///   - known: the epoch that the caller knows.
    ///   - ids: how many revoked ids it knows.
    func control(at now: Timestamp, since known: Int64? = nil, knowing ids: Int = 0) -> ControlState {
        let orders = revoked.filter { now - $0.at < BrokerState.revokeLife }
        var control = ControlState(epoch: epoch)
        control.holds = holds.state
        for order in orders.map(\.order) {
            control.revoked.formUnion(order.ids)
            if order.terminate { control.terminated.formUnion(order.ids) }
            for (name, values) in order.stamps {
                control.revokedStamps[name, default: []].formUnion(values)
                if order.terminate { control.terminatedStamps[name, default: []].formUnion(values) }
            }
        }
        guard let known, known <= epoch, ids <= 2 * control.revoked.count + 1_000 else { return control }
        let news = orders.filter { $0.epoch > known }.map(\.order)
        control.revoked = Set(news.flatMap(\.ids))
        control.terminated = Set(news.filter(\.terminate).flatMap(\.ids))
        control.since = known
        return control
    }

    /// The jobs that wait for their time, and those in a queue that carry a later ETA.
    func scheduledJobs(on names: [String], at now: Timestamp) -> [ScheduledJob] {
        let waiting = scheduled.filter { names.contains($0.queue) }.compactMap { entry in
            (try? Message(decoding: entry.payload)).map { ScheduledJob(due: entry.due, queue: entry.queue, message: $0) }
        }
        let ready = names.flatMap { name in
            (queues[name]?.payloads ?? []).compactMap { payload -> ScheduledJob? in
                guard let message = try? Message(decoding: payload), let due = message.headers.eta.flatMap({ Timestamp(iso8601: $0) }), due > now else {
                    return nil
                }
                return ScheduledJob(due: due, queue: name, message: message)
            }
        }
        return (waiting + ready).sorted { $0.due < $1.due }
    }
}

extension BrokerState.SessionState {
    /// In the order in which they are pushed to the front, so that the oldest is next.
    fileprivate var newestFirst: [BrokerState.InFlight] {
        flight.sorted { ($0.key.batch, $0.key.index) > ($1.key.batch, $1.key.index) }.map(\.value)
    }
}

extension BrokerState.InFlight {
    /// How often the job's worker died before.
    fileprivate var crashes: Int {
        guard let message = try? Message(decoding: payload) else { return 0 }
        // A sender may have put any number there.
        return Int(min(max(message.headers.custom[BrokerState.crashHeader]?.intValue ?? 0, 0), 1_000_000))
    }

    /// Why it is no message, if it is none.
    fileprivate var fault: ApiumError? {
        do {
            _ = try Message(decoding: payload)
        } catch let error as ApiumError where error.code == .malformedMessage {
            return error
        } catch {}
        return nil
    }

    /// The payload marked as delivered before. What is no message goes back as it is: whoever claims it parks it.
    fileprivate func redelivered(crashes: Int?) -> [UInt8] {
        guard var message = try? Message(decoding: payload) else { return payload }
        message.properties.redelivered = true
        if let crashes { message.headers.custom[BrokerState.crashHeader] = .int(Int64(crashes)) }
        if !joining.isEmpty { message.joining = joining }
        return message.encoded()
    }

    fileprivate func shelved(_ message: Message?, _ reason: String, _ attempts: Int, _ now: Timestamp, _ payload: [UInt8]) -> ShelvedRecord {
        ShelvedRecord(id: message?.id ?? JobID.make(), task: message?.task, queue: queue, reason: reason, at: now, attempts: attempts, payload: payload)
    }
}
