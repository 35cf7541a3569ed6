import ApiumCore
import Testing

@testable import ApiumBeat

/// Every change of the clock of a dozen zones from 2020 to 2040, against an oracle that looks at each minute.
@Suite("Changes of the clock")
struct ClockChangeTests {
    static let zones = [
        "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "America/New_York", "America/St_Johns", "America/Santiago", "America/Nuuk",
        "Australia/Lord_Howe", "Africa/Casablanca", "Africa/Cairo", "Asia/Beirut", "Pacific/Auckland", "Asia/Tehran",
    ]
    static let expressions = ["*/20 * * * *", "30 2 * * *", "0,45 0-3,23 * * *"]

    @Test("every slot is found once, in order, and none is missed but by policy", arguments: zones)
    func everyChange(zoneName: String) throws {
        let zone = try #require(ScheduleZone(zoneName))
        let changes = Self.changes(of: zone)
        // Tehran gave its summer time up in 2022, Cairo took it up again in 2023.
        #expect(changes.count >= (zoneName == "Asia/Tehran" ? 4 : 36), "\(zoneName) has \(changes.count) changes")
        for change in changes {
            let minutes = Minutes(around: change, in: zone)
            for text in Self.expressions {
                let crontab = try Crontab(text)
                for skipped in ClockChange.Skipped.allCases {
                    for repeated in ClockChange.Repeated.allCases {
                        let policy = ClockChange(skippedHour: skipped, repeatedHour: repeated)
                        let found = Self.walk(crontab, zone, policy, minutes)
                        let expected = minutes.slots(of: crontab, policy)
                        #expect(found == expected, "\(zoneName) at \(change), \(text), \(policy)")
                    }
                }
            }
        }
    }

    private static func walk(_ crontab: Crontab, _ zone: ScheduleZone, _ policy: ClockChange, _ minutes: Minutes) -> [Int] {
        var found: [Int] = []
        var cursor = Timestamp(wholeSeconds: minutes.first - 1)
        while let slot = crontab.next(after: cursor, in: zone, change: policy), slot.flooredSecond <= minutes.last, found.count < 1_000 {
            found.append(slot.flooredSecond)
            cursor = slot
        }
        return found
    }

    /// The instants at which the offset changes, found hour by hour and then by halves.
    private static func changes(of zone: ScheduleZone) -> [Int] {
        let first = CivilDate.dayNumber(2020, 1, 1) * 86_400
        let last = CivilDate.dayNumber(2041, 1, 1) * 86_400
        return stride(from: first, to: last, by: 3600).compactMap { hour in
            guard zone.offset(at: hour) != zone.offset(at: hour + 3600) else { return nil }
            var low = hour
            var high = hour + 3600
            while high - low > 1 {
                let middle = (low + high) / 2
                if zone.offset(at: middle) == zone.offset(at: low) { low = middle } else { high = middle }
            }
            return high
        }
    }

    /// The minutes of three hours before and after a change, with what the clock shows.
    private struct Minutes {
        let change: Int
        let walls: [(instant: Int, wall: WallTime)]
        /// The wall times that are left out.
        let gap: [WallTime]
        var first: Int { walls[0].instant }
        var last: Int { walls[walls.count - 1].instant }

        init(around change: Int, in zone: ScheduleZone) {
            self.change = change
            walls = stride(from: change - 3 * 3600, through: change + 3 * 3600, by: 60).map { ($0, zone.wall(at: $0)) }
            let shown = zone.offset(at: change - 1) + change
            let next = zone.offset(at: change) + change
            gap = stride(from: shown, to: max(shown, next), by: 60).map { WallTime(total: $0) }
        }

        func slots(of crontab: Crontab, _ policy: ClockChange) -> [Int] {
            var shown: Set<WallTime> = []
            var slots: Set<Int> = []
            for (instant, wall) in walls {
                let isFirst = shown.insert(wall).inserted
                if fits(wall, crontab), isFirst || policy.repeatedHour == .both { slots.insert(instant) }
            }
            if policy.skippedHour == .next, gap.contains(where: { fits($0, crontab) }) { slots.insert(change) }
            return slots.sorted()
        }

        private func fits(_ wall: WallTime, _ crontab: Crontab) -> Bool {
            crontab.hours.contains(wall.second / 3600) && crontab.minutes.contains(wall.second / 60 % 60)
        }
    }

    @Test("a crontab without a named hour fires in both of the repeated hours, one with a named hour in the first")
    func defaults() throws {
        let zone = try #require(ScheduleZone("Europe/Berlin"))
        // 25 October 2026: 00:00Z is 02:00 at +02:00, 01:00Z is 02:00 at +01:00.
        let before = try #require(Timestamp(iso8601: "2026-10-25T00:10:00Z"))
        #expect(try Crontab("30 * * * *").next(after: before + .minutes(30), in: zone)?.iso8601.hasPrefix("2026-10-25T01:30") == true)
        #expect(try Crontab("30 2 * * *").next(after: before + .minutes(30), in: zone)?.iso8601.hasPrefix("2026-10-26T01:30") == true)
    }

    @Test(
        "names outside of the tz database are no zones",
        arguments: ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe", "tzdata.zi"])
    func noZones(name: String) { #expect(ScheduleZone(name) == nil) }

    @Test(
        "a TZ string gives the offsets beyond the listed changes",
        arguments: [
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2100-07-01T00:00:00Z", 7200), ("CET-1CEST,M3.5.0,M10.5.0/3", "2100-12-01T00:00:00Z", 3600),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600), ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-15T00:00:00Z", 0), ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-15T00:00:00Z", 3600),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-28T23:59:59Z", -7200), ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 39_600), ("EST5EDT,J60/2,J300/2", "2028-03-01T08:00:00Z", -14_400),
            ("<+0330>-3:30", "2030-01-01T00:00:00Z", 12_600),
        ])
    func rules(text: String, instant: String, expected: Int) throws {
        let rule = try #require(ZoneRule(text))
        #expect(rule.offset(at: try #require(Timestamp(iso8601: instant)).flooredSecond) == expected)
    }

    @Test("other texts are no rules", arguments: ["", "C-1", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.5.0", "<+03-3", "CET-1x"])
    func noRules(text: String) { #expect(ZoneRule(text) == nil) }
}
