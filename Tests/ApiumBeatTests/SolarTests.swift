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

    @Test("a place that is not on Earth is refused", arguments: [(91.0, 0.0), (-90.5, 0), (0, 180.5), (.nan, 0)])
    func noPlace(latitude: Double, longitude: Double) {
        #expect(throws: ApiumError.self) { try SolarSchedule(.sunset, latitude: latitude, longitude: longitude) }
    }
}
