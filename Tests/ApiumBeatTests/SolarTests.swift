import ApiumCore
import Testing

@testable import ApiumBeat

@Suite("Solar schedules")
struct SolarTests {
    private func next(_ event: SolarSchedule.Event, _ latitude: Double, _ longitude: Double, after text: String) throws -> Timestamp? {
        try SolarSchedule(event, latitude: latitude, longitude: longitude).next(after: try #require(Timestamp(iso8601: text)))
    }

    /// Reda and Andreas, Solar Position Algorithm for Solar Radiation Applications, NREL/TP-560-34302 (2008): the example of appendix A.5
    /// (Golden, Colorado) and the sunrises and sunsets that its appendix compares with the Astronomical Almanac.
    @Test(
        "an event is within a minute of the published time",
        arguments: [
            (SolarSchedule.Event.sunrise, 39.742476, -105.1786, "2003-10-17T06:00:00Z", "2003-10-17T13:12:43Z"),
            (.solarNoon, 39.742476, -105.1786, "2003-10-17T06:00:00Z", "2003-10-17T18:46:05Z"),
            // The paper's day is that of universal time: its sunset is the evening before, in Colorado.
            (.sunset, 39.742476, -105.1786, "2003-10-16T12:00:00Z", "2003-10-17T00:20:19Z"),
            (.sunrise, 35, 0, "1994-01-02T00:00:00Z", "1994-01-02T07:08:13Z"), (.sunset, 35, 0, "1994-01-02T00:00:00Z", "1994-01-02T16:59:56Z"),
            (.sunrise, -35, 0, "1996-07-05T00:00:00Z", "1996-07-05T07:08:15Z"), (.sunset, -35, 0, "1996-07-05T00:00:00Z", "1996-07-05T17:01:04Z"),
            (.sunrise, -35, 0, "2004-12-04T00:00:00Z", "2004-12-04T04:38:57Z"), (.sunset, -35, 0, "2004-12-04T00:00:00Z", "2004-12-04T19:02:02Z"),
        ])
    func published(event: SolarSchedule.Event, latitude: Double, longitude: Double, after: String, expected: String) throws {
        let found = try #require(try next(event, latitude, longitude, after: after))
        let published = try #require(Timestamp(iso8601: expected))
        let distance = found > published ? found - published : published - found
        #expect(distance < .seconds(60), "\(event) is at \(found.iso8601), published as \(expected)")
    }

    @Test("the events of a day come in the order of the sun's height, and each is later than the last", arguments: [-45.0, 0, 51.5])
    func order(latitude: Double) throws {
        let start = try #require(Timestamp(iso8601: "2026-03-20T12:00:00Z"))
        var cursor = start
        for _ in 0..<40 {
            for event in SolarSchedule.Event.allCases {
                let slot = try #require(try SolarSchedule(event, latitude: latitude, longitude: 150).next(after: cursor))
                #expect(slot > cursor && slot - cursor < .hours(25), "\(event) at \(latitude) is \(slot.iso8601) after \(cursor.iso8601)")
                cursor = slot
            }
        }
    }

    @Test("where the sun stays up, the next sunset is weeks away; where it never sinks low enough all is skipped until it does")
    func polarDay() throws {
        // Tromso: the sun stays above the horizon from May to July.
        let sunset = try #require(try next(.sunset, 69.65, 18.96, after: "2026-06-01T00:00:00Z"))
        #expect(sunset.iso8601.hasPrefix("2026-07-2"), "the first sunset is \(sunset.iso8601)")
        #expect(try next(.duskAstronomical, 69.65, 18.96, after: "2026-06-01T00:00:00Z").map { $0 - sunset > .days(30) } == true)
    }

    @Test(
        "the first event after a long day or a long night comes on its day: as early as a search minute by minute finds it",
        arguments: [48.9, 59.9, 66.2, 67.5, 69.65, 78.2, 85, 89.5, -66.8, -77.85])
    func afterPauses(latitude: Double) throws {
        for event in SolarSchedule.Event.allCases where event != .solarNoon {
            let schedule = try SolarSchedule(event, latitude: latitude, longitude: 18.96)
            let isRising = [.dawnAstronomical, .dawnNautical, .dawnCivil, .sunrise].contains(event)
            var cursor = try #require(Timestamp(iso8601: "2026-01-01T00:00:00Z"))
            let end = try #require(Timestamp(iso8601: "2027-01-01T00:00:00Z"))
            // A step of some weeks after each event found, so that all pauses of the year are met in a moment.
            while cursor < end, let found = schedule.next(after: cursor) {
                #expect(schedule.isCrossing(at: found, upward: isRising), "\(event) at \(latitude): \(found.iso8601)")
                if found - cursor > .hours(25) {
                    let earlier = schedule.firstCrossing(after: max(cursor, found + (.zero - .days(3))), before: found, upward: isRising)
                    #expect(earlier == nil, "\(event) at \(latitude) is \(found.iso8601), and \(earlier?.iso8601 ?? "") before it")
                }
                cursor = found + (found - cursor > .hours(25) ? .seconds(1) : .hours(19))
            }
        }
    }

    @Test("a place that is not on Earth is refused", arguments: [(91.0, 0.0), (-90.5, 0), (0, 180.5), (.nan, 0)])
    func noPlace(latitude: Double, longitude: Double) {
        #expect(throws: ApiumError.self) { try SolarSchedule(.sunset, latitude: latitude, longitude: longitude) }
    }
}

extension SolarSchedule {
    /// Whether the sun passes the event's height within two seconds of an instant.
    fileprivate func isCrossing(at instant: Timestamp, upward: Bool) -> Bool {
        let (before, after) = (height(at: instant.seconds - 2), height(at: instant.seconds + 2))
        return upward ? before < 0 && after >= 0 : before >= 0 && after < 0
    }

    /// A crossing that a look at each minute finds, but for those of less than two minutes and the minutes around `end`.
    fileprivate func firstCrossing(after start: Timestamp, before end: Timestamp, upward: Bool) -> Timestamp? {
        var last = height(at: start.seconds)
        for second in stride(from: start.seconds + 60, to: end.seconds - 120, by: 60) {
            let next = height(at: second)
            if upward ? last < 0 && next >= 0 : last >= 0 && next < 0 { return Timestamp(seconds: second) }
            last = next
        }
        return nil
    }
}
