import ApiumCore
import Logging

/// The work of one beat, round by round: it keeps the schedule in force and knows from where each entry goes on.
actor BeatEngine {
    /// An entry in force.
    private struct Active {
        var entry: ScheduleEntry
        let version: String
        var progress: EntryProgress
        /// The first slot that nobody has decided; kept, because it is asked for in each round.
        var upcoming: Timestamp?
        /// Its slots cannot fire: not tried again before.
        var brokenUntil: Timestamp?

        mutating func goOn(from mark: Timestamp?) {
            progress.mark = mark
            upcoming = entry.next(after: mark ?? progress.since)
        }
    }

    private let store: any ScheduleStore
    private let clock: @Sendable () async throws -> Timestamp
    private let router: Router
    private let format: ContentFormat
    private let logger: Logger
    private let generation: Int64
    private var book: ScheduleBook
    private var edition: ScheduleEdition
    private var active: [Active] = []
    private var syncedAt: Timestamp?
    private var isStale = true
    private var standsBy = false

    /// A slot that is older than this when a beat comes to it counts as missed.
    private let tolerance = Duration.seconds(10)
    /// The schedule is read again after this time at the latest, should a message about a change have been lost.
    private let resync = Duration.seconds(30)
    /// The skipped slots of an entry that is not enabled are noted this often at the most.
    private let disabledPause = Duration.seconds(60)

    init(
        store: any ScheduleStore, clock: @escaping @Sendable () async throws -> Timestamp, _ entries: [ScheduleEntry], _ generation: Int64, _ router: Router,
        format: ContentFormat = .json, _ logger: Logger
    ) {
        self.store = store
        self.clock = clock
        self.generation = generation
        self.router = router
        self.format = format
        self.logger = logger
        book = ScheduleBook(deployed: entries)
        edition = ScheduleEdition(generation: generation, revision: 0)
        BeatMetrics.begin()
    }

    /// The schedule is read again in the next round.
    func scheduleMayHaveChanged() { isStale = true }

    /// Decides what is due, and answers how long to sleep.
    func round() async throws -> Duration {
        let began = try await clock()
        if isStale || syncedAt.map({ began - $0 >= resync }) ?? true { try await sync(at: began) }
        if standsBy { return resync }
        // Asked for after the adoption, so that no entry is in force only later.
        let now = try await clock()
        var next = now + resync
        for place in active.indices {
            if let upcoming = active[place].upcoming, upcoming <= now { next = min(next, try await decide(place, at: now)) }
            if isStale { return .zero }
            if standsBy { return resync }
            if active[place].entry.isEnabled, let upcoming = active[place].upcoming { next = min(next, max(upcoming, active[place].brokenUntil ?? upcoming)) }
        }
        return max(next - (try await clock()), .zero)
    }

    // MARK: The schedule

    /// Reads the schedule and puts it in force.
    ///
    /// Where only a rumour of a change is the reason, and neither another deployment nor an edit is behind it, nothing is adopted: two
    /// schedules of one generation would else hear of each other for ever.
    private func sync(at now: Timestamp) async throws {
        let isDue = syncedAt.map { now - $0 >= resync } ?? true
        // Before it is read, so that a change in the middle is not forgotten.
        isStale = false
        do {
            while true {
                let stored = try await store.schedule()
                if !isDue, stored.edition == edition { return }
                for fault in book.read(edits: stored.edits) { logger.error("an entry of the dynamic store cannot be used", metadata: ["fault": "\(fault)"]) }
                edition = ScheduleEdition(generation: generation, revision: stored.edition.revision)
                if try await adopt() { break }
            }
        } catch {
            isStale = true
            throw error
        }
        syncedAt = now
    }

    /// Puts the entries in force; false when the store was edited meanwhile.
    private func adopt() async throws -> Bool {
        let entries = book.entries
        let adoption = ScheduleAdoption(
            edition: edition, entries: Dictionary(entries.map { ($0.name, $0.adopted(document: book.documents[$0.name])) }) { first, _ in first })
        switch try await store.adopt(adoption) {
        case .staleRevision: return false
        case .staleGeneration: standBy()
        case .adopted(let progress): activate(entries, progress)
        }
        return true
    }

    private func activate(_ entries: [ScheduleEntry], _ progress: [String: EntryProgress]) {
        if standsBy { logger.info("this beat's schedule is in force again", metadata: ["generation": "\(generation)"]) }
        standsBy = false
        active = entries.compactMap { entry in
            guard let known = progress[entry.name] else { return nil }
            var active = Active(entry: entry, version: entry.version, progress: known)
            active.goOn(from: known.mark)
            return active
        }
    }

    private func standBy() {
        if !standsBy { logger.warning("a newer schedule is in force; this beat stands by", metadata: ["generation": "\(generation)"]) }
        standsBy = true
        active = []
    }

    // MARK: Slots

    /// Decides the slots of one entry up to now; answers when to look again at the latest.
    private func decide(_ place: Int, at now: Timestamp) async throws -> Timestamp {
        while true {
            let entry = active[place].entry
            let later = now + resync
            if let broken = active[place].brokenUntil, broken > now { return later }
            if !entry.isEnabled, let upcoming = active[place].upcoming, now - upcoming < disabledPause { return later }
            var isMoved = false
            for plan in BeatPlan.decisions(entry, active[place].progress, now: now, tolerance: tolerance) where !isMoved {
                switch try await carryOut(plan, place, at: now) {
                case nil: return later
                case .done, .overlapped, .queued: active[place].goOn(from: plan.last)
                case .moved(let mark):
                    active[place].goOn(from: mark)
                    isMoved = true
                case .early(let wait): return now + wait
                case .staleGeneration:
                    standBy()
                    return later
                case .staleRevision:
                    isStale = true
                    return now
                case .staleVersion:
                    // Another schedule of the same generation: they take turns of this length, and slots are lost meanwhile.
                    logger.warning("entries of the same generation differ", metadata: ["entry": "\(entry.name)", "generation": "\(generation)"])
                    standsBy = true
                    return later
                }
            }
            if !isMoved { return later }
        }
    }

    /// Carries a decision out; `nil` when the entry's jobs cannot be sent, which is no fault of the broker's.
    private func carryOut(_ plan: BeatPlan.Decision, _ place: Int, at now: Timestamp) async throws -> FireOutcome? {
        let (entry, version, mark) = (active[place].entry, active[place].version, active[place].progress.mark)
        do {
            let action: ScheduledSlot.Action
            switch plan {
            case .fire(let slot, let isCaughtUp):
                action = .fire(try entry.outgoing(slot: slot, router: router, format: format), isCaughtUp: isCaughtUp, overlap: entry.overlap)
            case .skip(let reason, let first, _, let count): action = .skip(reason, first: first, count: count)
            }
            let outcome = try await store.fire(
                ScheduledSlot(entry: entry.name, edition: edition, version: version, instant: plan.last, mark: mark, action: action))
            log(outcome, action, entry, plan.last)
            BeatMetrics.decided(outcome, action, late: now - plan.last)
            return outcome
        } catch let error as ApiumError where error.code != .unavailable && error.code != .timedOut {
            BeatMetrics.failed()
            logger.error("an entry cannot fire; the others go on", metadata: ["entry": "\(entry.name)", "error": "\(error)"])
            active[place].brokenUntil = now + resync
            return nil
        }
    }

    private func log(_ outcome: FireOutcome, _ action: ScheduledSlot.Action, _ entry: ScheduleEntry, _ slot: Timestamp) {
        var about: Logger.Metadata = ["entry": "\(entry.name)", "slot": "\(slot.iso8601)"]
        switch (outcome, action) {
        case (.done, .fire(let job, let isCaughtUp, _)), (.queued, .fire(let job, let isCaughtUp, _)):
            about["job"] = "\(job.message.id)"
            logger.info(isCaughtUp ? "caught up" : "fired", metadata: about)
        case (.overlapped(let job), _):
            about["running"] = "\(job)"
            logger.info("skipped: an earlier job has not ended", metadata: about)
        case (.done, .skip(let reason, _, let count)):
            about["reason"] = "\(reason.rawValue)"
            about["count"] = "\(count)"
            logger.info("skipped", metadata: about)
        default: logger.debug("not fired", metadata: about.merging(["outcome": "\(outcome)"]) { $1 })
        }
    }
}
