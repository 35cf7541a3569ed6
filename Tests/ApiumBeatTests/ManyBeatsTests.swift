import ApiumCore
import ApiumTesting
import Logging
import Randomness
import Testing

@testable import ApiumBeat

@Suite("Many beats")
struct ManyBeatsTests {
    private let clock = ManualClock()
    private let schedule = [
        ScheduleEntry(name: "interval", task: "t", schedule: .every(.seconds(7)), queue: "interval"),
        ScheduleEntry(name: "short", task: "t", schedule: .every(.milliseconds(1500)), queue: "short"),
    ]

    private func beat(_ broker: InMemoryBroker, _ entries: [ScheduleEntry], generation: Int64 = 1, router: Router = Router()) -> BeatEngine {
        BeatEngine(
            store: broker, clock: { try await broker.serverTime() }, entries, generation, router,
            Logger(label: "beat") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The slots of the jobs in a queue, in the order in which they were enqueued.
    private func slots(in queue: String, of broker: InMemoryBroker) async throws -> [String] {
        let session = broker.open(WorkerIdentity(name: "reader", pid: 1, queues: [queue]))
        let claim = try await session.claim(limit: try await broker.queueLength(queue))
        return try claim.deliveries.compactMap { delivery in
            guard case .string(let slot)? = try Message(decoding: delivery.payload).headers.custom["apium_slot"] else { return nil }
            return slot
        }
    }

    @Test("ten beats, killed and paused at random, fire over an hour exactly the slots of the hour", arguments: [1, 2, 3] as [UInt64])
    func hour(seed: UInt64) async throws {
        let broker = InMemoryBroker(clock: clock)
        var chance = SplitMix(seed: seed)
        let entries =
            schedule + [
                ScheduleEntry(name: "minutes", task: "t", schedule: .crontab(try Crontab("*/2 * * * *"), .utc, ClockChange()), queue: "minutes")
            ]
        var beats = (0..<10).map { _ in beat(broker, entries) }
        _ = try await beats[0].round()
        let start = clock.timestamp
        while clock.timestamp - start < .hours(1) {
            clock.advance(by: .milliseconds(Int.random(in: 1...4_000, using: &chance)))
            // Those that are not chosen are paused; a killed one knows nothing of what it did before.
            beats.shuffle(using: &chance)
            let awake = Array(beats.prefix(Int.random(in: 1...4, using: &chance)))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for beat in awake { group.addTask { _ = try await beat.round() } }
                try await group.waitForAll()
            }
            beats[0] = beat(broker, entries)
        }
        for entry in entries {
            var expected: [String] = []
            var cursor = start
            while let slot = entry.next(after: cursor), slot <= clock.timestamp {
                expected.append(slot.iso8601)
                cursor = slot
            }
            let found = try await slots(in: entry.queue ?? "", of: broker)
            #expect(found == expected, "\(entry.name), seed \(seed)")
            let records = try await broker.ledger(LedgerQuery(entry: entry.name, limit: 10_000))
            #expect(records.reversed().map(\.slot.iso8601) == expected.suffix(SlotRecord.kept), "the ledger of \(entry.name), seed \(seed)")
            #expect(records.allSatisfy { $0.outcome == .fired && $0.lateness < .seconds(60) })
        }
    }

    @Test("a beat of an older file stands by as soon as a newer one is adopted")
    func newestFileWins() async throws {
        let broker = InMemoryBroker(clock: clock)
        let older = beat(broker, schedule)
        _ = try await older.round()
        let newer = beat(broker, [schedule[0]], generation: 2)
        _ = try await newer.round()
        clock.advance(by: .seconds(8))
        _ = try await older.round()
        #expect(try await broker.queueLength("interval") == 0)
        _ = try await newer.round()
        #expect(try await broker.queueLength("interval") == 1)
        #expect(try await broker.queueLength("short") == 0)
    }

    @Test("an edit and enabling make no slot good, an outage of all beats does")
    func editsAndOutages() async throws {
        let broker = InMemoryBroker(clock: clock)
        var entry = ScheduleEntry(name: "e", task: "t", schedule: .every(.hours(1)), queue: "q", catchUp: CatchUp(.all))
        var generation: Int64 = 0
        func round(_ entry: ScheduleEntry) async throws -> Int {
            generation += 1
            _ = try await beat(broker, [entry], generation: generation).round()
            return try await broker.queueLength("q")
        }
        #expect(try await round(entry) == 0)
        clock.advance(by: .hours(3) + .minutes(30))
        #expect(try await round(entry) == 3, "three slots passed in an outage")
        clock.advance(by: .hours(2))
        entry.schedule = .every(.minutes(30))
        #expect(try await round(entry) == 3, "an edit made slots good")
        entry.isEnabled = false
        _ = try await round(entry)
        clock.advance(by: .hours(2))
        _ = try await round(entry)
        clock.advance(by: .minutes(45))
        entry.isEnabled = true
        #expect(try await round(entry) == 3, "enabling made slots good")
        let skipped = try await broker.ledger(LedgerQuery(entry: "e", outcomes: [.skipped])).map { "\($0.reason?.rawValue ?? "") \($0.count)" }
        #expect(skipped == ["not_in_force 1", "disabled 4", "not_in_force 5"])
    }

    @Test("two schedules of one generation take turns: neither hears the other's adoption as a change of its own")
    func sameGeneration() async throws {
        let broker = InMemoryBroker(clock: clock)
        let (one, other) = (beat(broker, [schedule[0]]), beat(broker, [schedule[1]]))
        _ = try await one.round()
        _ = try await other.round()
        let adopted = try await broker.schedule()
        await one.scheduleMayHaveChanged()
        _ = try await one.round()
        #expect(try await broker.schedule() == adopted, "a rumour made a beat adopt its schedule again")
        clock.advance(by: .seconds(8))
        #expect(try await one.round() == .seconds(30), "a beat whose entries are not in force stands by")
        _ = try await other.round()
        #expect(try await broker.queueLength("interval") == 0)
        #expect(try await broker.queueLength("short") == 5)
        clock.advance(by: .seconds(30))
        _ = try await one.round()
        #expect(try await broker.schedule().progress.keys.sorted() == ["interval"])
    }

    @Test("an entry whose jobs cannot be sent holds up no other")
    func brokenEntry() async throws {
        let broker = InMemoryBroker(clock: clock)
        let entries = [ScheduleEntry(name: "broken", task: "t", schedule: .every(.seconds(1)), queue: "undeclared")] + schedule
        let router = Router(queues: [QueueDeclaration("interval"), QueueDeclaration("short")], createMissingQueues: false)
        let engine = beat(broker, entries, router: router)
        _ = try await engine.round()
        clock.advance(by: .seconds(8))
        _ = try await engine.round()
        #expect(try await broker.queueLength("interval") == 1)
    }
}
