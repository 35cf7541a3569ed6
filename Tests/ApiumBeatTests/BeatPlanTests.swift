import ApiumCore
import Testing

@testable import ApiumBeat

@Suite("Slots that are due")
struct BeatPlanTests {
    private let entry = ScheduleEntry(name: "e", task: "t", schedule: .every(.seconds(10)))
    /// The slots that fire.
    private func due(_ entry: ScheduleEntry, _ progress: EntryProgress, now: Timestamp, tolerance: Duration) -> [Timestamp] {
        BeatPlan.decisions(entry, progress, now: now, tolerance: tolerance).compactMap { if case .fire(let slot, _) = $0 { slot } else { nil } }
    }
    private func at(_ seconds: Double) -> Timestamp { Timestamp(seconds: seconds) }

    @Test("interval slots are whole multiples since 1970, whoever computes them")
    func anchored() {
        #expect(entry.schedule.next(after: at(1_000_003)) == at(1_000_010))
        #expect(entry.schedule.next(after: at(1_000_010)) == at(1_000_020))
        #expect(entry.schedule.next(after: at(-5)) == at(0))
    }

    @Test("a new entry does not fire for slots before the beat was there")
    func newEntry() {
        #expect(due(entry, EntryProgress(since: at(1_000_003), mark: nil), now: at(1_000_009), tolerance: .seconds(10)).isEmpty)
        #expect(due(entry, EntryProgress(since: at(1_000_003), mark: nil), now: at(1_000_010.01), tolerance: .seconds(10)) == [at(1_000_010)])
    }

    @Test("a slot is due once: the mark moves on")
    func onceByMark() {
        #expect(due(entry, EntryProgress(since: at(0), mark: at(1_000_010)), now: at(1_000_012), tolerance: .seconds(10)).isEmpty)
    }

    @Test("slots missed for longer than the tolerance are skipped, or the newest is made good, as the entry says")
    func missed() {
        var hourly = ScheduleEntry(name: "h", task: "t", schedule: .every(.hours(1)))
        let now = at(3600 * 100 + 1800)
        #expect(due(hourly, EntryProgress(since: at(0), mark: at(3600 * 90)), now: now, tolerance: .seconds(10)).isEmpty)
        hourly.catchUp = .once
        #expect(due(hourly, EntryProgress(since: at(0), mark: at(3600 * 90)), now: now, tolerance: .seconds(10)) == [at(3600 * 100)])
        #expect(due(hourly, EntryProgress(since: at(0), mark: at(3600 * 100)), now: now, tolerance: .seconds(10)).isEmpty)
        let new = EntryProgress(since: now, mark: nil)
        #expect(due(hourly, new, now: now, tolerance: .seconds(10)).isEmpty, "a new entry has missed nothing")
    }

    @Test("missed slots are made good up to a number and within a window, in their order")
    func all() {
        var hourly = ScheduleEntry(name: "h", task: "t", schedule: .every(.hours(1)), catchUp: CatchUp(.all, max: 3, window: .hours(8)))
        let now = at(3600 * 100 + 1800)
        func fired(_ mark: Double) -> [Timestamp] { due(hourly, EntryProgress(since: at(0), mark: at(3600 * mark)), now: now, tolerance: .seconds(10)) }
        #expect(fired(90) == [at(3600 * 98), at(3600 * 99), at(3600 * 100)])
        #expect(fired(98) == [at(3600 * 99), at(3600 * 100)])
        hourly.catchUp.max = 100
        #expect(fired(90) == (93...100).map { at(3600 * Double($0)) })
        let new = EntryProgress(since: now, mark: nil)
        #expect(due(hourly, new, now: now, tolerance: .seconds(10)).isEmpty, "a new entry has missed nothing")
    }

    @Test("neither an edit nor enabling makes slots good: an entry begins with its version", arguments: CatchUp.Policy.allCases)
    func edits(policy: CatchUp.Policy) {
        let hourly = ScheduleEntry(name: "h", task: "t", schedule: .every(.hours(1)), catchUp: CatchUp(policy))
        let now = at(3600 * 100 + 1800)
        let edited = EntryProgress(since: at(3600 * 100 + 1700), mark: at(3600 * 90))
        #expect(due(hourly, edited, now: now, tolerance: .seconds(10)).isEmpty)
        // What is missed later, while no beat runs, is made good as the entry says.
        let later = due(hourly, edited, now: at(3600 * 102 + 1800), tolerance: .seconds(10))
        #expect(later == (policy == .skip ? [] : policy == .once ? [at(3600 * 102)] : [at(3600 * 101), at(3600 * 102)]))
    }

    @Test("the version of an entry changes with its slots and its catch-up, and not with what the job gets")
    func versions() throws {
        var edited = entry
        edited.kwargs = ["a": 1]
        edited.expires = .seconds(5)
        #expect(edited.version == entry.version)
        edited.isEnabled = false
        #expect(edited.version != entry.version, "enabling an entry lets it begin anew")
        edited.isEnabled = true
        edited.catchUp = .once
        let zone = try #require(ScheduleZone("Europe/Berlin"))
        let crontab = try Crontab("30 2 * * *")
        var others = [entry.version, edited.version]
        for change in [ClockChange(), ClockChange(skippedHour: .skip), ClockChange(repeatedHour: .both)] {
            for zone in [zone, .utc] { others.append(ScheduleEntry(name: "e", task: "t", schedule: .crontab(crontab, zone, change)).version) }
        }
        edited.start = at(5)
        others.append(edited.version)
        #expect(Set(others).count == others.count, "\(others)")
    }

    @Test("a long outage of a schedule of milliseconds is made good in a moment")
    func short() {
        let quick = ScheduleEntry(name: "q", task: "t", schedule: .every(.milliseconds(1)), catchUp: CatchUp(.all, max: 10, window: .days(31)))
        let due = self.due(quick, EntryProgress(since: at(0), mark: at(0)), now: at(10_000_000), tolerance: .milliseconds(5))
        #expect(due.count == 15 && due == due.sorted() && due.last == at(10_000_000), "\(due)")
    }

    @Test("every slot after the mark is in exactly one decision, whatever the policy", arguments: CatchUp.Policy.allCases)
    func everySlotIsDecided(policy: CatchUp.Policy) throws {
        let crontab = try Crontab("*/10 * * * *")
        for isEnabled in [true, false] {
            for (mark, since) in [(nil, 0.0), (500, 0), (500, 40_000), (90_000, 50_000)] as [(Double?, Double)] {
                for now in [100_000.0, 100_201, 187_000] {
                    let entry = ScheduleEntry(
                        name: "e", task: "t", schedule: .crontab(crontab, .utc, ClockChange()), catchUp: CatchUp(policy, max: 7, window: .hours(5)),
                        isEnabled: isEnabled)
                    let progress = EntryProgress(since: at(since), mark: mark.map(at))
                    var cursor = progress.mark ?? progress.since
                    for decision in BeatPlan.decisions(entry, progress, now: at(now), tolerance: .seconds(10)) {
                        let first: Timestamp
                        var count = 1
                        switch decision {
                        case .fire(let slot, _): first = slot
                        case .skip(_, let start, _, let slots): (first, count) = (start, slots)
                        }
                        #expect(entry.next(after: cursor) == first, "\(policy), \(progress), \(now): \(decision)")
                        for _ in 0..<count { cursor = try #require(entry.next(after: cursor)) }
                        #expect(cursor == decision.last)
                    }
                    #expect(try #require(entry.next(after: cursor)) > at(now), "a slot before \(now) is in no decision")
                }
            }
        }
    }

    @Test("a skipped slot says why: too old, not made good, more than may be, not enabled, or not in force")
    func reasons() {
        func reasons(_ entry: ScheduleEntry, since: Double = 0, mark: Double? = 0) -> [SlotRecord.Reason: Int] {
            let progress = EntryProgress(since: at(since), mark: mark.map(at))
            return BeatPlan.decisions(entry, progress, now: at(3600 * 20 + 1800), tolerance: .seconds(10)).reduce(into: [:]) {
                if case .skip(let reason, _, _, let count) = $1 { $0[reason, default: 0] += count }
            }
        }
        var hourly = ScheduleEntry(name: "h", task: "t", schedule: .every(.hours(1)))
        #expect(reasons(hourly) == [.catchUp: 20])
        #expect(reasons(hourly, since: 3600 * 5) == [.notInForce: 5, .catchUp: 15])
        #expect(reasons(hourly, since: 3600 * 5, mark: nil) == [.catchUp: 15], "a new entry has missed nothing")
        hourly.catchUp = CatchUp(.once, window: .hours(8))
        #expect(reasons(hourly) == [.window: 12, .catchUp: 7])
        hourly.catchUp = CatchUp(.all, max: 3, window: .hours(8))
        #expect(reasons(hourly) == [.window: 12, .limit: 5])
        hourly.isEnabled = false
        #expect(reasons(hourly) == [.disabled: 20])
    }

    @Test("no slot is before the start or after the end, both of which may be slots")
    func bounds() {
        let bounded = ScheduleEntry(name: "b", task: "t", schedule: .every(.seconds(10)), start: at(100), end: at(120))
        #expect(bounded.next(after: at(0)) == at(100))
        #expect(bounded.next(after: at(110)) == at(120))
        #expect(bounded.next(after: at(120)) == nil)
        #expect(bounded.last(before: at(1_000)) == at(120))
        #expect(bounded.last(before: at(95)) == nil)
    }

    @Test("the jitter of a slot is the same in every beat, below the bound, and spread over it")
    func jitter() throws {
        let entry = ScheduleEntry(name: "j", task: "t", schedule: .every(.seconds(10)), jitter: .seconds(60))
        let delays = (0..<600).compactMap { entry.delay(of: at(Double($0 * 10))) }
        #expect(delays.count == 600 && delays == (0..<600).compactMap { entry.delay(of: at(Double($0 * 10))) })
        #expect(delays.allSatisfy { $0 >= .zero && $0 < .seconds(60) })
        for third in 0..<3 {
            let share = delays.count { $0 >= .seconds(third * 20) && $0 < .seconds(third * 20 + 20) }
            #expect((120...280).contains(share), "\(share) of 600 are in third \(third)")
        }
        #expect(try entry.outgoing(slot: at(10), router: Router()).delay == entry.delay(of: at(10)))
    }

    @Test("a preview shows offsets, and says where the clock is changed")
    func preview() throws {
        let zone = try #require(ScheduleZone("Europe/Berlin"))
        func preview(_ text: String, _ start: String) throws -> [String] {
            let entry = ScheduleEntry(name: "p", task: "t", schedule: .crontab(try Crontab(text), zone, ClockChange()), zone: zone)
            return entry.preview(count: 3, after: try #require(Timestamp(iso8601: start))).map(\.description)
        }
        #expect(
            try preview("30 2 * * *", "2026-03-28T00:00:00Z") == [
                "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00  the clock was changed from +01:00 to +02:00", "2026-03-30T02:30:00+02:00",
            ])
        #expect(
            try preview("30 * * * *", "2026-10-25T00:00:00Z") == [
                "2026-10-25T02:30:00+02:00  the first time this hour is shown", "2026-10-25T02:30:00+01:00  the second time this hour is shown",
                "2026-10-25T03:30:00+01:00",
            ])
    }

    @Test("the message of a slot carries Celery's beat header, the slot and its expiry")
    func message() throws {
        var entry = entry
        entry.expires = .seconds(60)
        entry.queue = "checks"
        let outgoing = try entry.outgoing(slot: at(1_000_010), router: Router())
        #expect(outgoing.queue == "checks")
        #expect(outgoing.message.headers.custom["celery_beat_task"] == true)
        #expect(outgoing.message.headers.custom["apium_slot"] == .string(at(1_000_010).iso8601))
        #expect(outgoing.message.headers.expires == at(1_000_070).iso8601)
    }
}
