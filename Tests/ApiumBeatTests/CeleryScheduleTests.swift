import ApiumCore
import Testing

@testable import ApiumBeat

@Suite("Celery's beat_schedule")
struct CeleryScheduleTests {
    @Test("seconds, crontabs, events of the sun, arguments and options are taken over")
    func wholeSchedule() throws {
        let zone = try #require(ScheduleZone("Europe/Berlin"))
        let schedule = try CelerySchedule(
            yaml: """
                beat_schedule:
                  add-every-30-seconds: {task: tasks.add, schedule: 30.0, args: [16, 16]}
                  monday-morning:
                    task: tasks.add
                    schedule: {minute: 30, hour: 7, day_of_week: 1}
                    kwargs: {x: "1"}
                    options: {queue: slow, priority: 3, expires: 15.0}
                  nested: {task: t, schedule: {crontab: {hour: [1, 2], day_of_month: "*/7"}}}
                  text: {task: t, schedule: "*/5 * * * *", relative: false, args: null}
                  sun: {task: t, schedule: {solar: {event: sunset, lat: -37.8, lon: 144.9}}}
                  redbeat: {name: redbeat, task: t, schedule: {__type__: interval, every: 90, relative: false}}
                """, zone: zone)
        #expect(schedule.faults.isEmpty, "\(schedule.faults)")
        func crontab(_ text: String) throws -> Schedule { .crontab(try Crontab(text), zone, ClockChange()) }
        #expect(
            schedule.entries.map(\.schedule) == [
                .every(.seconds(30)), try crontab("30 7 * * 1"), try crontab("* 1,2 */7 * *"), try crontab("*/5 * * * *"),
                .solar(try SolarSchedule(.sunset, latitude: -37.8, longitude: 144.9)), .every(.seconds(90)),
            ])
        #expect(schedule.entries[0].args == [16, 16])
        let morning = schedule.entries[1]
        #expect(morning.kwargs == ["x": "1"] && morning.queue == "slow" && morning.priority == 3 && morning.expires == .seconds(15))
        #expect(schedule.entries.allSatisfy { $0.zone == zone && $0.catchUp == .skip })
    }

    @Test("JSON is read as well, and a map of entries by itself")
    func json() throws {
        let schedule = try CelerySchedule(yaml: #"{"a": {"task": "t", "schedule": 10}}"#)
        #expect(schedule.entries.map(\.schedule) == [.every(.seconds(10))])
    }

    @Test(
        "what cannot be taken over is named with its line; the other entries are there",
        arguments: [
            ("schedule: 10\n    relative: true", "4: bad.relative cannot be taken over"),
            ("schedule: 10\n    options: {exchange: x}", "routes are settings"), ("schedule: 10\n    options: {expires: 2030-01-01}", "a number of seconds"),
            ("schedule: 10\n    options: {headers: {a: 1}}", "options.headers cannot be taken over"), ("schedule: 0", "above 0.001"),
            ("schedule: {minute: 61}", "minute is \"61\""), ("schedule: {minutes: 5}", "unknown key \"minutes\""),
            ("schedule: {event: noon, lat: 1, lon: 2}", "dawn_astronomical"), ("schedule: myapp.schedules.Own", "A class of one's own"),
            ("args: [1]", "bad has no schedule"), ("schedule: 10\n    sender: x", "unknown key \"sender\""),
        ])
    func faults(lines: String, expected: String) throws {
        let schedule = try CelerySchedule(yaml: "bad:\n    task: t\n    \(lines)\ngood: {task: t, schedule: 5}\n", name: "c.yaml")
        #expect(schedule.faults.count == 1 && schedule.faults[0].contains(expected) && schedule.faults[0].hasPrefix("c.yaml:"), "\(schedule.faults)")
        #expect(schedule.entries.map(\.name) == ["good"])
    }
}
