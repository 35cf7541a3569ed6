/// Where beats agree on what has fired, and where the schedule is edited while they run (invariant 10).
public protocol ScheduleStore: Sendable {
    /// Puts the entries of a schedule in force: an entry whose version differs from the one that was in force begins now; entries that are
    /// not named are forgotten, but for their high-water marks, and their records end in 30 days. Naming the same again changes nothing
    /// but that jobs go on whose turn has come.
    func adopt(_ schedule: ScheduleAdoption) async throws -> AdoptionOutcome

    /// Carries a beat's decision out in one step: job, mark and record together. Refused when the schedule in force is another one, the
    /// entry's mark is not as the beat knows it, or the slot is later than the broker's clock; then nothing has changed.
    func fire(_ slot: ScheduledSlot) async throws -> FireOutcome

    /// The schedule as it stands.
    func schedule() async throws -> StoredSchedule

    /// Changes the dynamic store, all or nothing, and writes the audit in the same step. From then on no slot fires that was decided before.
    ///
    /// - Returns: the new revision; `nil` when one of the entries is not as its editor read it.
    func edit(_ edits: [ScheduleEdit], by editor: ScheduleEditor) async throws -> Int64?

    /// What became of slots, the newest first.
    func ledger(_ query: LedgerQuery) async throws -> [SlotRecord]

    /// Who changed what, the newest first; `entry`: only of that one.
    func scheduleAudit(entry: String?, limit: Int) async throws -> [ScheduleAuditRecord]

    /// An element for each time that the schedule may have changed: an edit, another deployment, or a connection that was away.
    func scheduleChanges() async throws -> AsyncStream<Void>
}
