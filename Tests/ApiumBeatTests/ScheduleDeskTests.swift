import ApiumCore
import ApiumTesting
import DynamicJSON
import Logging
import Testing

@testable import ApiumBeat

/// The schedule edited while a beat runs, round by round, on a manual clock.
@Suite("Schedule desk")
struct ScheduleDeskTests {
    private let clock = ManualClock()
    private let broker: InMemoryBroker
    private let desk: ScheduleDesk

    init() {
        broker = InMemoryBroker(clock: clock)
        desk = ScheduleDesk(broker: broker)
    }

    private func beat(_ entries: [ScheduleEntry], generation: Int64 = 1) -> BeatEngine {
        let broker = broker
        return BeatEngine(
            store: broker, clock: { try await broker.serverTime() }, entries, generation, Router(),
            Logger(label: "beat") { _ in SwiftLogNoOpLogHandler() })
    }

    private func entry(_ name: String, every seconds: Int = 10, queue: String = "q", enabled: Bool = true) -> ScheduleEntry {
        ScheduleEntry(name: name, task: "t", schedule: .every(.seconds(seconds)), queue: queue, isEnabled: enabled)
    }

    private func code(_ body: () async throws -> Void) async -> ApiumError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? ApiumError)?.code
        }
    }

    @Test("an entry that is added while a beat runs fires from then on, and no more when it is disabled or removed")
    func lifeOfAnEntry() async throws {
        let beat = beat([entry("own", queue: "own")])
        _ = try await beat.round()
        try await desk.add(entry("added"), by: "anna")
        await beat.scheduleMayHaveChanged()
        _ = try await beat.round()
        clock.advance(by: .seconds(10))
        _ = try await beat.round()
        #expect(try await broker.queueLength("q") == 1)
        try await desk.setEnabled(false, "added", by: "anna")
        try await desk.setEnabled(false, "own", by: "anna")
        clock.advance(by: .seconds(10))
        // The beat has not heard of it yet; firing is refused, and the schedule read again.
        #expect(try await beat.round() == .zero)
        _ = try await beat.round()
        #expect(try await broker.queueLength("q") == 1)
        #expect(try await broker.queueLength("own") == 1)
        try await desk.setEnabled(true, "added", by: "anna")
        clock.advance(by: .seconds(30))
        _ = try await beat.round()
        #expect(try await broker.queueLength("q") == 1, "enabling made slots good")
        clock.advance(by: .seconds(10))
        _ = try await beat.round()
        #expect(try await broker.queueLength("q") == 2)
        try await desk.remove("added", by: "anna")
        clock.advance(by: .seconds(10))
        _ = try await beat.round()
        _ = try await beat.round()
        #expect(try await broker.queueLength("q") == 2)
        let audit = try await desk.audit(entry: "added").map { "\($0.editor.name) \($0.editor.action)" }
        #expect(audit == ["anna remove", "anna enable", "anna disable", "anna add"])
    }

    @Test("a deployment's entries are its own: they can be switched, and not taken, changed or removed")
    func deployedEntries() async throws {
        _ = try await beat([entry("own"), entry("off", enabled: false)]).round()
        #expect(await code { try await desk.add(entry("own"), by: "a", replacing: true) } == .scheduleConflict)
        #expect(await code { try await desk.remove("own", by: "a") } == .scheduleConflict)
        #expect(await code { try await desk.remove("other", by: "a") } == .noSuchEntry)
        try await desk.setEnabled(true, "off", by: "a")
        var listing = try await desk.listing("off")
        #expect(listing.source == .deployed && listing.isSwitched && listing.entry?.isEnabled == true && listing.next != nil)
        try await desk.setEnabled(false, "off", by: "a")
        listing = try await desk.listing("off")
        #expect(!listing.isSwitched && listing.entry?.isEnabled == false && listing.next == nil)
        #expect(try await broker.schedule().edits.isEmpty, "a switch that says what the deployment says is none")
    }

    @Test("a deployment that brings an entry of the same name takes it over; what was added is shown, and can be removed")
    func shadowing() async throws {
        try await desk.add(entry("report", queue: "added"), by: "a")
        let beat = beat([entry("report", queue: "deployed")])
        _ = try await beat.round()
        clock.advance(by: .seconds(10))
        _ = try await beat.round()
        #expect(try await broker.queueLength("deployed") == 1)
        #expect(try await broker.queueLength("added") == 0)
        let listing = try await desk.listing("report")
        #expect(listing.source == .deployed && listing.isShadowing && listing.entry?.queue == "deployed")
        try await desk.remove("report", by: "a")
        #expect(try await !desk.listing("report").isShadowing)
    }

    @Test("what a deployment no longer brings is a stray switch, which can be removed; what cannot be read is shown with its fault")
    func strays() async throws {
        _ = try await beat([entry("own")]).round()
        try await desk.setEnabled(false, "own", by: "a")
        _ = try await broker.edit([ScheduleEdit(entry: "broken", before: nil, after: #"{"entry":{"every":"5s"}}"#)], by: ScheduleEditor("a", action: "add"))
        _ = try await beat([], generation: 2).round()
        let overview = try await desk.overview()
        #expect(overview.entries.map(\.source) == [.stray, .stray])
        #expect(overview["broken"]?.fault?.contains("no task") == true)
        try await desk.remove("own", by: "a")
        try await desk.remove("broken", by: "a")
        #expect(try await desk.overview().entries.isEmpty)
    }

    @Test("of two who edit the same the second is refused, and so is an edit of what was read before another edit")
    func conflicts() async throws {
        try await desk.add(entry("e"), by: "a")
        let revision = try await desk.overview().edition.revision
        #expect(await code { try await desk.add(entry("e", every: 5), by: "b") } == .scheduleConflict)
        let plan = try await desk.plan(adding: [entry("e", every: 20), entry("new")], replacing: true)
        try await desk.add(entry("e", every: 30), by: "b", replacing: true)
        #expect(await code { try await desk.carryOut(plan, by: "a") } == .scheduleConflict)
        #expect(await code { try await desk.add(entry("e", every: 40), by: "a", replacing: true, since: revision) } == .scheduleConflict)
        let overview = try await desk.overview()
        #expect(overview.entries.map(\.name) == ["e"] && overview["e"]?.entry?.schedule == .every(.seconds(30)))
    }

    @Test("a name or a definition that is no good is refused", arguments: ["", "a\u{0}b", String(repeating: "x", count: 201)])
    func badNames(name: String) async {
        #expect(await code { try await desk.add(entry(name), by: "a") } == .invalidConfiguration)
        var large = entry("large")
        large.args = [.string(String(repeating: "x", count: ScheduleDesk.greatestDefinition))]
        #expect(await code { try await desk.add(large, by: "a") } == .invalidConfiguration)
    }

    @Test("a run by hand is a job of no slot, and stands in the audit")
    func run() async throws {
        _ = try await beat([entry("own", enabled: false)]).round()
        let id = try await desk.run("own", by: "a")
        let session = broker.open(WorkerIdentity(name: "w", pid: 1, queues: ["q"]))
        let message = try Message(decoding: try await session.claim(limit: 1).deliveries[0].payload)
        #expect(message.id == id && message.headers.custom["celery_beat_task"] == true && message.headers.custom["apium_slot"] == nil)
        #expect(try await desk.ledger(LedgerQuery()).isEmpty)
        #expect(try await desk.audit().map(\.editor.action) == ["run"])
        #expect(await code { _ = try await desk.run("other", by: "a") } == .noSuchEntry)
    }

    @Test("a beat wakes when the schedule changes, and stops while it sleeps", .timeLimit(.minutes(1)))
    func wakes() async throws {
        let broker = InMemoryBroker()
        let beat = Beat(broker: broker, entries: [], generation: 1, logger: Logger(label: "beat") { _ in SwiftLogNoOpLogHandler() })
        let desk = ScheduleDesk(broker: broker)
        let session = broker.open(WorkerIdentity(name: "w", pid: 1, queues: ["q"]))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat.run() }
            try await desk.add(ScheduleEntry(name: "quick", task: "t", schedule: .every(.milliseconds(50)), queue: "q"), by: "a")
            // Without the change being heard the next look would be 30 seconds later.
            let began = ContinuousClock.now
            _ = try await session.claim(limit: 1)
            #expect(ContinuousClock.now - began < .seconds(25))
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}

@Suite("Definitions of entries")
struct DefinitionTests {
    @Test("an entry that is written and read again is the same, whatever it has")
    func roundTrip() throws {
        let berlin = try #require(ScheduleZone("Europe/Berlin"))
        let schedules: [Schedule] = [
            .every(.milliseconds(1500)), .every(.days(2)), .every(.microseconds(2500)), .at(Timestamp(microseconds: 1_900_000_000_000_001)),
            try .crontab("*/5 1-3 * jan mon", in: berlin, change: ClockChange(skippedHour: .skip, repeatedHour: .both)),
            .solar(try SolarSchedule(.duskCivil, latitude: -33.5, longitude: 151)),
        ]
        for schedule in schedules {
            let plain = ScheduleEntry(name: "e", task: "t", schedule: schedule, zone: berlin)
            var full = plain
            full.args = ["007", 7, 1.5, true, .null, ["deep": ["a\nb", "да", "🙂"]]]
            full.kwargs = ["yes": "no", "text": "2026-01-01"]
            (full.queue, full.priority, full.expires, full.jitter) = ("q", 3, .seconds(90), .minutes(5))
            (full.start, full.end) = (Timestamp(microseconds: 1_800_000_000_000_000), Timestamp(microseconds: 1_990_000_000_000_000))
            (full.catchUp, full.overlap, full.isEnabled) = (CatchUp(.all, max: 3, window: .hours(6)), Overlap(.queue, limit: .hours(2)), false)
            for entry in [plain, full] {
                let text = entry.definition.text
                let again = try ScheduleEntry(name: "e", definition: try JSONValue(parsing: text))
                #expect(again == entry, "\(text)")
                #expect(again.version == entry.version)
                #expect(try ScheduleEntry(name: "e", yaml: entry.yaml) == entry, "\(entry.yaml)")
            }
        }
    }

    @Test("a definition with faults is refused with all of them")
    func faults() throws {
        let error = try #require(throws: ApiumError.self) {
            try ScheduleEntry(name: "e", definition: ["every": "soon", "options": ["priority": 10], "overlap": "never"])
        }
        for expected in ["e has no task", "every is \"soon\"", "priority is 0 to 9", "allow, skip, queue, cancel"] {
            #expect(error.message.contains(expected), "\(error.message)")
        }
    }

    private struct Report: JobDefinition {
        static let name = "shop.report"
        static let options = JobOptions(queue: "reports", priority: 2)
        typealias Output = NoOutput
        var kind: String
    }

    @Test("an entry of a job type takes name, arguments and options from it")
    func typed() throws {
        let entry = try ScheduleEntry("reports", Report(kind: "daily"), .crontab("0 3 * * *"), catchUp: .once, overlap: Overlap(.skip))
        #expect(entry.name == "reports" && entry.task == "shop.report" && entry.kwargs == ["kind": "daily"])
        #expect(entry.queue == "reports" && entry.priority == 2 && entry.overlap.policy == .skip)
        let message = try entry.outgoing(slot: Timestamp(microseconds: 0), router: Router()).message
        #expect(message.entryRun == EntryRun(entry: "reports", jobID: message.id))
    }

    @Test("the entries of a file and of a program stand beside each other, under names of their own")
    func fileAndCode() throws {
        let file = try ScheduleFile(yaml: "entries: {a: {task: t, every: 5s}}")
        let code = ScheduleEntry(name: "b", task: "t", schedule: .every(.seconds(1)))
        #expect(try file.adding([code]).map(\.name) == ["a", "b"])
        #expect(throws: ApiumError.self) { try file.adding([ScheduleEntry(name: "a", task: "t", schedule: .every(.seconds(1)))]) }
    }
}
