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
        #expect(second.zone.name == "Europe/Moscow")
        #expect(second.schedule.next(after: try #require(Timestamp(iso8601: "2026-01-01T00:00:00Z")))?.iso8601 == "2026-01-01T01:00:00.000000+00:00")
    }

    @Test("the bounds of an entry, its catch-up and its policy for changes of the clock are read")
    func bounds() throws {
        let file = try ScheduleFile(
            yaml: """
                entries:
                  bounded:
                    task: t
                    crontab: "30 2 * * *"
                    timezone: Europe/Berlin
                    jitter: 90s
                    start: 2026-07-01T09:00:00
                    end: 2026-12-31
                    catch_up: {policy: all, max: 5, window: 6h}
                    skipped_hour: skip
                    repeated_hour: both
                  sun:
                    task: t
                    solar: {event: sunset, lat: 55.75, lon: 37.62}
                  once:
                    task: t
                    at: 2030-01-01T12:00:00+03:00
                """)
        let entry = try #require(file.entries.first)
        #expect(entry.jitter == .seconds(90))
        // Wall times of the entry's zone, where no offset is given.
        #expect(entry.start == Timestamp(iso8601: "2026-07-01T07:00:00Z"))
        #expect(entry.end == Timestamp(iso8601: "2026-12-30T23:00:00Z"))
        #expect(entry.catchUp == CatchUp(.all, max: 5, window: .hours(6)))
        guard case .crontab(_, let zone, let change) = entry.schedule else { throw ApiumError(.invalidConfiguration, "no crontab: \(entry.schedule)") }
        #expect(zone.name == "Europe/Berlin")
        #expect(change == ClockChange(skippedHour: .skip, repeatedHour: .both))
        #expect(file.entries[1].schedule == .solar(try SolarSchedule(.sunset, latitude: 55.75, longitude: 37.62)))
        #expect(file.entries[2].schedule == .at(try #require(Timestamp(iso8601: "2030-01-01T09:00:00Z"))))
    }

    @Test(
        "a wrong value is named with its line and what it takes",
        arguments: [
            ("every: 0s", "every is \"0s\""), ("every: 5s\n    jitter: much", "jitter"), ("every: 5s\n    start: soon", "start is \"soon\""),
            ("every: 5s\n    start: 2026-02-01\n    end: 2026-01-01", "end is before its start"), ("every: 5s\n    catch_up: some", "skip, once, all"),
            ("every: 5s\n    catch_up: {max: 3}", "no policy"), ("every: 5s\n    catch_up: {policy: all, max: 0}", "max is 1 to 10000"),
            ("every: 5s\n    catch_up: {policy: all, window: 32d}", "at most 31d"), ("every: 5s\n    skipped_hour: skip", "for a crontab"),
            ("crontab: \"0 0 * * *\"\n    repeated_hour: never", "first, both"), ("solar: noon", "map with event, lat and lon"),
            ("solar: {event: moonrise, lat: 1, lon: 2}", "dawn_astronomical"), ("solar: {event: sunset, lat: 91, lon: 2}", "-90 to 90"),
            ("solar: {event: sunset, lat: 1}", "lon (degrees east)"), ("at: tomorrow", "ISO 8601"), ("crontab: 5/2 * * * *", "a step follows"),
        ])
    func wrongValue(lines: String, expected: String) throws {
        let error = try #require(throws: ApiumError.self) { try ScheduleFile(yaml: "entries:\n  e:\n    task: t\n    \(lines)\n", name: "s.yaml") }
        #expect(error.message.contains(expected) && error.message.hasPrefix("s.yaml:"), "\(error.message)")
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
        for expected in ["s.yaml:3:", "priority is 0 to 9", "s.yaml:6: b.every is \"soon\"", "every and crontab", "unknown key \"tmezone\"", "Mars/Olympus"] {
            #expect(error.message.contains(expected), "\(expected) is not in:\n\(error.message)")
        }
    }

    @Test(
        "durations are numbers with a unit",
        arguments: [("10", Duration.seconds(10)), ("500ms", .milliseconds(500)), ("1.5m", .seconds(90)), ("2h", .hours(2)), ("1d", .days(1))])
    func durations(text: String, expected: Duration) { #expect(DurationText.parse(text) == expected) }

    @Test("other texts are no durations", arguments: ["", "s", "-5s", "5 s", "5w", "NaN", "1e3", "1000000000001s", ".", "²s"])
    func noDurations(text: String) { #expect(DurationText.parse(text) == nil) }

    @Test("a number of any length is a duration or none, and no schedule dies of it", arguments: ["ms", "", "s", "m", "h", "d"])
    func longNumbers(unit: String) throws {
        for length in 1...400 {
            let text = String(repeating: "9", count: length) + unit
            if let duration = DurationText.parse(text) { #expect(duration <= .seconds(1e12)) } else { #expect(length > 7) }
            let file = try? ScheduleFile(yaml: "entries: {e: {task: t, every: \(text), jitter: \(text)}}")
            #expect(file != nil || length > 5)
        }
    }

    @Test("a schedule whose next slot no timestamp can hold has none")
    func beyondTime() {
        let period = Schedule.every(.days(1_000_000))
        var slot = period.next(after: Timestamp(microseconds: 0))
        var count = 0
        while let last = slot, count < 200 {
            slot = period.next(after: last)
            if let slot { #expect(slot > last) }
            count += 1
        }
        #expect(slot == nil && count == 106)
    }
}
