import ApiumCore

/// What an in-memory broker knows of the schedule.
struct ScheduleState {
    var generation: Int64?
    var revision: Int64 = 0
    var marks: [String: Timestamp] = [:]
    var versions: [String: (text: String, since: Timestamp)] = [:]
    var deployed: [String: String] = [:]
    var edits: [String: String] = [:]
    /// In the order in which they were written.
    var ledger: [String: [SlotRecord]] = [:]
    var audit: [ScheduleAuditRecord] = []
    /// Whose turn it is, and until when it is at the latest.
    var runs: [String: (job: String, until: Timestamp)] = [:]
    /// The jobs that wait for their turn, the next one first.
    var waiting: [String: [(job: Outgoing, limit: Duration)]] = [:]

    var edition: ScheduleEdition { ScheduleEdition(generation: generation ?? 0, revision: revision) }

    /// Why a slot may not be decided as the caller asks.
    func refusal(_ slot: ScheduledSlot, at now: Timestamp) -> FireOutcome? {
        if slot.edition.generation < generation ?? .min { return .staleGeneration }
        if slot.edition.revision != revision { return .staleRevision }
        if slot.edition.generation != generation || versions[slot.entry]?.text != slot.version { return .staleVersion }
        if marks[slot.entry] != slot.mark { return .moved(mark: marks[slot.entry]) }
        return slot.instant > now ? .early(by: slot.instant - now) : nil
    }

    mutating func record(_ record: SlotRecord) {
        ledger[record.entry, default: []].append(record)
        if ledger[record.entry, default: []].count > SlotRecord.kept { ledger[record.entry]?.removeFirst() }
        marks[record.entry] = record.slot
    }

    /// Skips slots; a last record with the same reason grows.
    mutating func skip(_ entry: String, _ reason: SlotRecord.Reason, first: Timestamp, last: Timestamp, count: Int, at now: Timestamp) {
        var skipped = SlotRecord(entry: entry, slot: last, first: first, count: count, outcome: .skipped, reason: reason, decided: now)
        if let before = ledger[entry]?.last, before.outcome == .skipped, before.reason == reason {
            skipped.first = before.first
            skipped.count = min(before.count + count, SlotRecord.greatestCount)
            ledger[entry]?.removeLast()
        }
        record(skipped)
    }

    mutating func edit(_ changes: [ScheduleEdit], by editor: ScheduleEditor, at now: Timestamp) -> Int64? {
        guard changes.allSatisfy({ edits[$0.entry] == $0.before }) else { return nil }
        for change in changes {
            edits[change.entry] = change.after
            audit.append(ScheduleAuditRecord(at: now, editor: editor, entry: change.entry, before: change.before, after: change.after))
        }
        audit = audit.suffix(ScheduleAuditRecord.kept)
        if changes.contains(where: { $0.before != $0.after }) { revision += 1 }
        return revision
    }
}

extension BrokerState {
    /// Puts a schedule in force; the second answer says whether anything is new.
    mutating func adopt(_ adoption: ScheduleAdoption, at now: Timestamp) -> (AdoptionOutcome, isNew: Bool) {
        if adoption.edition.generation < schedule.generation ?? .min { return (.staleGeneration, false) }
        if adoption.edition.revision != schedule.revision { return (.staleRevision, false) }
        var isNew = schedule.generation != adoption.edition.generation
        schedule.generation = adoption.edition.generation
        for entry in schedule.versions.keys where adoption.entries[entry] == nil {
            isNew = true
            schedule.versions[entry] = nil
            while schedule.waiting[entry] != nil { advance(entry, at: now) }
            schedule.runs[entry] = nil
        }
        schedule.deployed = adoption.entries.compactMapValues(\.document)
        var progress: [String: EntryProgress] = [:]
        for (name, entry) in adoption.entries {
            if schedule.versions[name]?.text != entry.version {
                isNew = true
                schedule.versions[name] = (entry.version, now)
            }
            if entry.queues, turn(of: name, at: now) == nil { advance(name, at: now) }
            progress[name] = EntryProgress(since: schedule.versions[name]?.since ?? now, mark: schedule.marks[name])
        }
        return (.adopted(progress), isNew)
    }

    mutating func fire(_ slot: ScheduledSlot, at now: Timestamp) -> FireOutcome {
        if let refusal = schedule.refusal(slot, at: now) { return refusal }
        switch slot.action {
        case .skip(let reason, let first, let count):
            schedule.skip(slot.entry, reason, first: first, last: slot.instant, count: count, at: now)
            return .done
        case .fire(let job, let isCaughtUp, let overlap):
            var record = SlotRecord(
                entry: slot.entry, slot: slot.instant, outcome: isCaughtUp ? .caughtUp : .fired, jobID: job.message.id, decided: now)
            return fire(job, overlap, &record, at: now)
        }
    }

    private mutating func fire(_ job: Outgoing, _ overlap: Overlap, _ record: inout SlotRecord, at now: Timestamp) -> FireOutcome {
        let entry = record.entry
        if overlap.policy == .queue, turn(of: entry, at: now) == nil { advance(entry, at: now) }
        record.blocker = overlap.policy == .allow ? nil : turn(of: entry, at: now)
        guard let blocker = record.blocker else { return send(job, overlap, record, at: now) }
        let isFull = (schedule.waiting[entry]?.count ?? 0) >= Overlap.greatestQueue
        if overlap.policy == .skip || overlap.policy == .queue && isFull {
            record.outcome = .skipped
            record.reason = overlap.policy == .skip ? .overlap : .queueFull
            record.jobID = nil
            schedule.record(record)
            return .overlapped(by: blocker)
        }
        if overlap.policy == .queue {
            schedule.waiting[entry, default: []].append((job, overlap.limit))
            schedule.record(record)
            return .queued(behind: blocker)
        }
        revoke(Revocation(ids: [blocker], terminate: true), at: now)
        return send(job, overlap, record, at: now)
    }

    private mutating func send(_ job: Outgoing, _ overlap: Overlap, _ record: SlotRecord, at now: Timestamp) -> FireOutcome {
        enqueue([job], at: now)
        if overlap.policy != .allow { schedule.runs[record.entry] = (job.message.id, now + overlap.limit) }
        schedule.record(record)
        return .done
    }

    /// The job that has its turn and has not ended.
    private func turn(of entry: String, at now: Timestamp) -> String? {
        guard let run = schedule.runs[entry], run.until > now else { return nil }
        return (try? document(run.job))?.state.isReady == true ? nil : run.job
    }

    /// Gives the turn to the next job that waits.
    mutating func advance(_ entry: String, at now: Timestamp) {
        guard var waiting = schedule.waiting[entry], !waiting.isEmpty else {
            schedule.runs[entry] = nil
            return
        }
        var (job, limit) = waiting.removeFirst()
        schedule.waiting[entry] = waiting.isEmpty ? nil : waiting
        job.delay = nil
        enqueue([job], at: now)
        schedule.runs[entry] = (job.message.id, now + limit)
    }
}
