import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumBeat

@Suite("Schedule file")
struct ScheduleFileTests {
    @Test("an entry is read with its time, arguments and options")
    func wholeEntry() throws {
        let file = try ScheduleFile(
            yaml: """
                entries:
                  check-due:
                    task: shop.check_due
                    every: 10s
                    args: [1, "2", null, true, 1.5]
                    kwargs: {deep: {list: [a, b]}}
                    options: {queue: checks, priority: 3, expires: 60}
                  nightly:
                    task: shop.report
                    crontab: "0 4 * * *"
                    timezone: Europe/Moscow
                    catch_up: once
                    enabled: false
                """)
        let first = try #require(file.entries.first)
        #expect(first.schedule == .every(.seconds(10)))
        #expect(first.args == [1, "2", .null, true, 1.5])
        #expect(first.kwargs == ["deep": ["list": ["a", "b"]]])
        #expect(first.queue == "checks")
        #expect(first.priority == 3)
        #expect(first.expires == .seconds(60))
        let second = try #require(file.entries.last)
        #expect(second.catchUp == .once)
        #expect(!second.isEnabled)
        #expect(second.schedule.next(after: try #require(Timestamp(iso8601: "2026-01-01T00:00:00Z")))?.iso8601 == "2026-01-01T01:00:00.000000+00:00")
    }

    @Test("an empty file and an empty map of entries are schedules without entries", arguments: ["", "entries:", "entries: {}"])
    func empty(yaml: String) throws {
        #expect(try ScheduleFile(yaml: yaml).entries.isEmpty)
    }

    @Test("all faults are reported at once, each with its line")
    func allFaults() throws {
        let error = try #require(throws: ApiumError.self) {
            try ScheduleFile(
                yaml: """
                    entries:
                      a:
                        task: t
                      b:
                        task: t
                        every: soon
                      c:
                        every: 5s
                        crontab: "* * * * *"
                        task: t
                      d:
                        task: t
                        every: 5s
                        tmezone: UTC
                      e:
                        task: t
                        crontab: "* * * * *"
                        timezone: Mars/Olympus
                        options: {priority: 10}
                    """, name: "s.yaml")
        }
        for expected in ["s.yaml:3:", "s.yaml:6: b.every is \"soon\"", "every and crontab", "unknown key \"tmezone\"", "Mars/Olympus"] {
            #expect(error.message.contains(expected), "\(expected) is not in:\n\(error.message)")
        }
    }

    @Test(
        "durations are numbers with a unit",
        arguments: [("10", Duration.seconds(10)), ("500ms", .milliseconds(500)), ("1.5m", .seconds(90)), ("2h", .hours(2)), ("1d", .days(1))])
    func durations(text: String, expected: Duration) { #expect(DurationText.parse(text) == expected) }

    @Test("other texts are no durations", arguments: ["", "s", "-5s", "5 s", "5w", "NaN", "1e3"])
    func noDurations(text: String) { #expect(DurationText.parse(text) == nil) }
}

@Suite("Slots that are due")
struct BeatPlanTests {
    private let entry = ScheduleEntry(name: "e", task: "t", schedule: .every(.seconds(10)))
    private func at(_ seconds: Double) -> Timestamp { Timestamp(seconds: seconds) }

    @Test("interval slots are whole multiples since 1970, whoever computes them")
    func anchored() {
        #expect(entry.schedule.next(after: at(1_000_003)) == at(1_000_010))
        #expect(entry.schedule.next(after: at(1_000_010)) == at(1_000_020))
        #expect(entry.schedule.next(after: at(-5)) == at(0))
    }

    @Test("a new entry does not fire for slots before the beat was there")
    func newEntry() {
        #expect(BeatPlan.due(entry, mark: nil, since: at(1_000_003), now: at(1_000_009), tolerance: .seconds(10)).isEmpty)
        #expect(BeatPlan.due(entry, mark: nil, since: at(1_000_003), now: at(1_000_010.01), tolerance: .seconds(10)) == [at(1_000_010)])
    }

    @Test("a slot is due once: the mark moves on")
    func onceByMark() {
        #expect(BeatPlan.due(entry, mark: at(1_000_010), since: at(0), now: at(1_000_012), tolerance: .seconds(10)).isEmpty)
    }

    @Test("slots missed for longer than the tolerance are skipped, or the newest is made good, as the entry says")
    func missed() {
        var hourly = ScheduleEntry(name: "h", task: "t", schedule: .every(.hours(1)))
        let now = at(3600 * 100 + 1800)
        #expect(BeatPlan.due(hourly, mark: at(3600 * 90), since: now, now: now, tolerance: .seconds(10)).isEmpty)
        hourly.catchUp = .once
        #expect(BeatPlan.due(hourly, mark: at(3600 * 90), since: now, now: now, tolerance: .seconds(10)) == [at(3600 * 100)])
        #expect(BeatPlan.due(hourly, mark: at(3600 * 100), since: now, now: now, tolerance: .seconds(10)).isEmpty)
        #expect(BeatPlan.due(hourly, mark: nil, since: now, now: now, tolerance: .seconds(10)).isEmpty, "an entry that never fired has missed nothing")
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
