import ApiumCore

extension InMemoryBroker {
    public func adopt(_ schedule: ScheduleAdoption) async throws -> AdoptionOutcome {
        let (outcome, isNew) = core.change { $0.adopt(schedule, at: $1) }
        if isNew { core.announceSchedule() }
        return outcome
    }

    public func fire(_ slot: ScheduledSlot) async throws -> FireOutcome {
        let (outcome, cancels) = core.change { state, now in
            let epoch = state.epoch
            return (state.fire(slot, at: now), state.epoch != epoch)
        }
        if cancels { core.announceControl() }
        return outcome
    }

    public func schedule() async throws -> StoredSchedule {
        core.read { state, _ in
            let schedule = state.schedule
            let progress = schedule.versions.map { ($0.key, EntryProgress(since: $0.value.since, mark: schedule.marks[$0.key])) }
            return StoredSchedule(edition: schedule.edition, deployed: schedule.deployed, edits: schedule.edits, progress: Dictionary(progress) { $1 })
        }
    }

    public func edit(_ edits: [ScheduleEdit], by editor: ScheduleEditor) async throws -> Int64? {
        let revision = core.change { $0.schedule.edit(edits, by: editor, at: $1) }
        if revision != nil { core.announceSchedule() }
        return revision
    }

    public func ledger(_ query: LedgerQuery) async throws -> [SlotRecord] {
        core.read { state, _ in
            let records = query.entry.map { state.schedule.ledger[$0] ?? [] } ?? state.schedule.ledger.values.flatMap { $0 }
            return Array(records.filter(query.fits).sorted { ($0.slot, $0.entry) > ($1.slot, $1.entry) }.prefix(max(query.limit, 0)))
        }
    }

    public func scheduleAudit(entry: String?, limit: Int) async throws -> [ScheduleAuditRecord] {
        core.read { state, _ in
            Array(state.schedule.audit.reversed().filter { record in entry.map { $0 == record.entry } ?? true }.prefix(max(limit, 0)))
        }
    }

    public func scheduleChanges() async throws -> AsyncStream<Void> { core.scheduleChanges() }
}
