import ApiumCore
import Testing

@testable import ApiumBeat

@Suite("Crontab")
struct CrontabTests {
    private func next(_ text: String, after instant: String, in zone: String = "UTC") throws -> String? {
        let zone = try #require(ScheduleZone(zone))
        return try Crontab(text).next(after: try #require(Timestamp(iso8601: instant)), in: zone)?.iso8601
    }

    @Test(
        "the next slot of an expression is the first that fits all five fields",
        arguments: [
            ("*/5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00.000000+00:00"),
            ("*/5 * * * *", "2026-01-01T00:04:59.999999Z", "2026-01-01T00:05:00.000000+00:00"),
            ("0 4 * * *", "2026-01-01T04:00:00Z", "2026-01-02T04:00:00.000000+00:00"),
            ("30 9 * * mon-fri", "2026-01-02T10:00:00Z", "2026-01-05T09:30:00.000000+00:00"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000000+00:00"),
            ("0 0 1 jan,jul *", "2026-02-01T00:00:00Z", "2026-07-01T00:00:00.000000+00:00"),
            ("15 22-2 * * *", "2026-01-01T23:20:00Z", "2026-01-02T00:15:00.000000+00:00"),
            // Celery's rule: both day fields must fit.
            ("0 0 13 * fri", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00.000000+00:00"),
        ])
    func nextSlot(text: String, after: String, expected: String) throws {
        #expect(try next(text, after: after) == expected)
    }

    @Test("a date that never comes has no slot")
    func neverComes() throws {
        #expect(try next("0 0 31 2 *", after: "2026-01-01T00:00:00Z") == nil)
    }

    @Test("a slot in the skipped hour fires at the first instant after the gap")
    func skippedHour() throws {
        // Berlin, 29 March 2026: 02:00 to 03:00 does not exist.
        #expect(try next("30 2 * * *", after: "2026-03-28T12:00:00Z", in: "Europe/Berlin") == "2026-03-29T01:00:00.000000+00:00")
    }

    @Test("a slot in the repeated hour fires once, the first time")
    func repeatedHour() throws {
        // Berlin, 25 October 2026: 02:00 to 03:00 is there twice, first at +02:00.
        #expect(try next("30 2 * * *", after: "2026-10-24T12:00:00Z", in: "Europe/Berlin") == "2026-10-25T00:30:00.000000+00:00")
        #expect(try next("30 2 * * *", after: "2026-10-25T00:30:00Z", in: "Europe/Berlin") == "2026-10-26T01:30:00.000000+00:00")
    }

    @Test(
        "over every change of offset the next slot is later than the last, and no day is missed",
        arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago", "Asia/Tehran"])
    func overTransitions(zoneName: String) throws {
        let zone = try #require(ScheduleZone(zoneName))
        let daily = try Crontab("30 2 * * *")
        var cursor = try #require(Timestamp(iso8601: "2024-01-01T00:00:00Z"))
        for _ in 0..<800 {
            let slot = try #require(daily.next(after: cursor, in: zone))
            #expect(slot > cursor)
            #expect(slot - cursor <= .hours(50), "a daily slot is missing after \(cursor.iso8601) in \(zoneName)")
            cursor = slot
        }
    }

    @Test(
        "a wrong field is named with what stands there and what it takes",
        arguments: [
            ("* * * *", "4 fields"), ("60 * * * *", "minute"), ("* 24 * * *", "hour"), ("* * 0 * *", "day of month"), ("* * * foo *", "month"),
            ("* * * * 7", "day of week"), ("*/0 * * * *", "step"),
            ("5/2 * * * *", "a step follows"), ("1,,2 * * * *", "minute"), ("", "0 fields"), ("1-2-3 * * * *", "minute"),
        ])
    func wrongField(text: String, word: String) throws {
        let error = try #require(throws: ApiumError.self) { try Crontab(text) }
        #expect(error.message.contains(word), "\(error)")
    }
}
