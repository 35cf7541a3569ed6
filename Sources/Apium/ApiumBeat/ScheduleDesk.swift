import ApiumCore
import DynamicJSON

/// The schedule of a running system: reads it, edits the dynamic store, and says what became of slots. The command line, the HTTP API and
/// the admin panel are three doors to this one desk.
///
/// ```swift
/// let desk = ScheduleDesk(broker: client.broker)
/// try await desk.add(ScheduleEntry("nightly", WriteReport(), .crontab("0 3 * * *")), by: "anna")
/// ```
///
/// Each edit says who makes it, is made only to what was read, and is in force before the call returns: no slot fires afterwards that
/// was decided before.
public struct ScheduleDesk: Sendable {
    private let broker: any Broker
    private let router: Router
    private let format: ContentFormat

    /// How many entries the dynamic store takes.
    public static let greatestCount = 10_000
    /// How long a definition may be, in bytes of JSON.
    public static let greatestDefinition = 65_536

    /// Makes a desk.
    /// - Parameters:
    ///   - router: decides where the jobs of entries go that are run by hand and name no queue. Default: the queue `celery`.
    ///   - format: how the bodies of those jobs are written. Default: JSON.
    public init(broker: any Broker, router: Router = Router(), format: ContentFormat = .json) {
        self.broker = broker
        self.router = router
        self.format = format
    }

    /// Makes a desk that routes and writes as a client does.
    public init(of client: ApiumClient) { self.init(broker: client.broker, router: client.router, format: client.format) }

    // MARK: Reading

    /// The whole schedule.
    public func overview() async throws -> ScheduleOverview {
        let stored = try await broker.schedule()
        return ScheduleOverview(stored, now: try await broker.serverTime())
    }

    /// One entry.
    ///
    /// - Throws: ``ApiumError`` `noSuchEntry`.
    public func listing(_ name: String) async throws -> ScheduleListing {
        let overview = try await overview()
        guard let listing = overview[name] else { throw noEntry(name, overview.entries.map(\.name)) }
        return listing
    }

    /// How an entry would stand in the schedule, were it added; nothing is changed.
    public func listing(adding entry: ScheduleEntry) async throws -> ScheduleListing {
        let now = try await broker.serverTime()
        return ScheduleListing(
            name: entry.name, source: .added, entry: entry, isSwitched: false, isShadowing: false, next: entry.isEnabled ? entry.next(after: now) : nil)
    }

    /// The slots to come of an entry, enabled or not.
    ///
    /// - Parameters:
    ///   - count: 1 to 10,000.
    ///   - instant: from where on. Default: now, on the broker's clock.
    public func preview(_ name: String, count: Int, after instant: Timestamp? = nil) async throws -> [SlotPreview] {
        guard (1...10_000).contains(count) else { throw ApiumError(.invalidConfiguration, "a preview shows 1 to 10000 slots, not \(count)") }
        guard let entry = try await listing(name).entry else { throw noEntry(name, []) }
        let now = try await broker.serverTime()
        return entry.preview(count: count, after: instant ?? now)
    }

    /// What became of slots, the newest first.
    public func ledger(_ query: LedgerQuery) async throws -> [SlotRecord] { try await broker.ledger(query) }

    /// Who changed what, the newest first.
    /// - Parameter entry: only of this one; `nil`: of all.
    public func audit(entry: String? = nil, limit: Int = 100) async throws -> [ScheduleAuditRecord] {
        try await broker.scheduleAudit(entry: entry, limit: limit)
    }

    // MARK: Editing

    /// Adds an entry to the dynamic store.
    ///
    /// - Parameters:
    ///   - replacing: whether an entry that was added before is replaced; else that is refused.
    ///   - revision: refuse the edit when the schedule has been edited since this revision was read. Default: `nil`, only what this entry
    ///     was before counts.
    /// - Throws: ``ApiumError`` `invalidConfiguration` for a name or an entry that is not taken, `scheduleConflict`.
    public func add(_ entry: ScheduleEntry, by editor: String, replacing: Bool = false, since revision: Int64? = nil) async throws {
        let plan = try await plan(adding: [entry], replacing: replacing)
        guard let fault = plan.refusals.first else {
            return try await make(plan.edits, by: ScheduleEditor(editor, action: plan.edits.first?.before == nil ? "add" : "edit"), since: revision)
        }
        throw fault
    }

    /// What adding entries would do, and which of them cannot be added.
    public func plan(adding entries: [ScheduleEntry], replacing: Bool = false) async throws -> SchedulePlan {
        let stored = try await broker.schedule()
        var plan = SchedulePlan()
        var count = stored.edits.count
        for entry in entries {
            do {
                try check(entry, stored, replacing: replacing)
                let after = ScheduleBook.Edit.entry(entry).document
                let before = stored.edits[entry.name]
                if before == nil { count += 1 }
                guard count <= Self.greatestCount else { throw ApiumError(.invalidConfiguration, "the dynamic store takes \(Self.greatestCount) entries") }
                if before != after { plan.edits.append(ScheduleEdit(entry: entry.name, before: before, after: after)) }
            } catch let error as ApiumError {
                plan.refusals.append(error)
            }
        }
        return plan
    }

    /// Makes the edits of a plan, all or nothing.
    ///
    /// - Throws: ``ApiumError`` `scheduleConflict` when one of the entries has been edited since the plan was made.
    public func carryOut(_ plan: SchedulePlan, by editor: String, action: String = "import") async throws {
        guard !plan.edits.isEmpty else { return }
        try await make(plan.edits, by: ScheduleEditor(editor, action: action), since: nil)
    }

    /// Switches an entry on or off, a deployment's too. Slots that pass while it is off are not made good.
    public func setEnabled(_ isEnabled: Bool, _ name: String, by editor: String) async throws {
        let stored = try await broker.schedule()
        let overview = ScheduleOverview(stored, now: Timestamp(microseconds: 0))
        guard let listing = overview[name], var entry = listing.entry else { throw noEntry(name, overview.entries.map(\.name)) }
        entry.isEnabled = isEnabled
        var after: String? = ScheduleBook.Edit.entry(entry).document
        if listing.source == .deployed {
            // Where the deployment says the same there is nothing to override.
            let own = stored.deployed[name].flatMap { try? JSONValue(parsing: $0) }?["enabled"]?.boolValue ?? true
            after = own == isEnabled ? nil : ScheduleBook.Edit.enabled(isEnabled).document
        }
        let edit = ScheduleEdit(entry: name, before: stored.edits[name], after: after)
        guard edit.before != edit.after else { return }
        try await make([edit], by: ScheduleEditor(editor, action: isEnabled ? "enable" : "disable"), since: nil)
    }

    /// Removes what stands in the dynamic store under a name.
    ///
    /// - Throws: ``ApiumError`` `noSuchEntry`; `scheduleConflict` for an entry that the deployment brings, which can only be disabled.
    public func remove(_ name: String, by editor: String) async throws {
        let stored = try await broker.schedule()
        let overview = ScheduleOverview(stored, now: Timestamp(microseconds: 0))
        guard let listing = overview[name] else { throw noEntry(name, overview.entries.map(\.name)) }
        guard let before = stored.edits[name], listing.source != .deployed || listing.isShadowing else {
            throw ApiumError(.scheduleConflict, "'\(name)' belongs to the deployment: it can be disabled here, and removed with the next deployment")
        }
        try await make([ScheduleEdit(entry: name, before: before, after: nil)], by: ScheduleEditor(editor, action: "remove"), since: nil)
    }

    /// Enqueues an entry's job now, enabled or not, whatever runs. It is of no slot: neither the mark nor the ledger knows of it, the
    /// audit does.
    ///
    /// - Returns: the job's id.
    public func run(_ name: String, by editor: String) async throws -> String {
        let stored = try await broker.schedule()
        let overview = ScheduleOverview(stored, now: Timestamp(microseconds: 0))
        guard let entry = overview[name]?.entry else { throw noEntry(name, overview.entries.map(\.name)) }
        let job = try entry.outgoing(slot: nil, router: router, format: format)
        try await make(
            [ScheduleEdit(entry: name, before: stored.edits[name], after: stored.edits[name])], by: ScheduleEditor(editor, action: "run"), since: nil)
        try await broker.enqueue([job])
        return job.message.id
    }

    private func make(_ edits: [ScheduleEdit], by editor: ScheduleEditor, since revision: Int64?) async throws {
        if let revision, try await broker.schedule().edition.revision != revision {
            throw ApiumError(.scheduleConflict, "the schedule has been edited meanwhile: read it again")
        }
        guard try await broker.edit(edits, by: editor) != nil else {
            throw ApiumError(.scheduleConflict, "the entry has been edited meanwhile: read it again")
        }
    }

    private func check(_ entry: ScheduleEntry, _ stored: StoredSchedule, replacing: Bool) throws {
        let name = entry.name
        guard (1...200).contains(name.unicodeScalars.count), name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw ApiumError(.invalidConfiguration, "an entry's name has 1 to 200 characters, none of them a control character")
        }
        if stored.deployed[name] != nil { throw ApiumError(.scheduleConflict, "'\(name)' is an entry of the deployment; take another name, or disable it") }
        if stored.edits[name] != nil, !replacing { throw ApiumError(.scheduleConflict, "there is an entry '\(name)' already") }
        let length = ScheduleBook.Edit.entry(entry).document.utf8.count
        guard length <= Self.greatestDefinition else {
            throw ApiumError(.invalidConfiguration, "the definition of '\(name)' has \(length) bytes; \(Self.greatestDefinition) are taken")
        }
    }

    private func noEntry(_ name: String, _ names: [String]) -> ApiumError {
        ApiumError(.noSuchEntry, "there is no entry '\(name)'" + (names.isEmpty ? "" : "; there are \(names.prefix(20).joined(separator: ", "))"))
    }
}

/// What an edit of several entries would do.
public struct SchedulePlan: Sendable {
    /// The edits; entries that stand there as they are now have none.
    public var edits: [ScheduleEdit] = []
    /// Why others cannot be made.
    public var refusals: [ApiumError] = []
}

extension ApiumError.Code {
    /// There is no schedule entry of that name.
    public static let noSuchEntry = ApiumError.Code(rawValue: "no such entry")
    /// A schedule entry belongs to somebody else, or has been edited meanwhile.
    public static let scheduleConflict = ApiumError.Code(rawValue: "schedule conflict")
}
