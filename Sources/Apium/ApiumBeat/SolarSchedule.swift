import ApiumCore
import Foundation

/// An event of the sun at a place, by the names of Celery's `solar` schedule.
public struct SolarSchedule: Sendable, Hashable, CustomStringConvertible {
    /// What the sun does.
    public enum Event: String, Sendable, Hashable, CaseIterable {
        /// Before sunrise, the sun's centre comes within 18 degrees of the horizon.
        case dawnAstronomical = "dawn_astronomical"
        /// … within 12 degrees.
        case dawnNautical = "dawn_nautical"
        /// … within 6 degrees.
        case dawnCivil = "dawn_civil"
        /// The sun's upper limb appears.
        case sunrise
        /// The sun crosses the meridian.
        case solarNoon = "solar_noon"
        /// The sun's upper limb disappears.
        case sunset
        /// After sunset, the sun's centre is 6 degrees below the horizon.
        case duskCivil = "dusk_civil"
        /// … 12 degrees.
        case duskNautical = "dusk_nautical"
        /// … 18 degrees.
        case duskAstronomical = "dusk_astronomical"

        /// The height of the sun's centre in degrees. Rise and set are of the upper limb: 34' of refraction at the horizon and
        /// 16' of radius; twilights are of the centre, without refraction.
        fileprivate var altitude: Double {
            switch self {
            case .sunrise, .sunset, .solarNoon: -50.0 / 60
            case .dawnCivil, .duskCivil: -6
            case .dawnNautical, .duskNautical: -12
            case .dawnAstronomical, .duskAstronomical: -18
            }
        }

        /// -1 before noon, 0 at noon, 1 after it.
        fileprivate var side: Double {
            switch self {
            case .dawnAstronomical, .dawnNautical, .dawnCivil, .sunrise: -1
            case .solarNoon: 0
            case .sunset, .duskCivil, .duskNautical, .duskAstronomical: 1
            }
        }
    }

    /// What the sun does.
    public let event: Event
    /// Degrees north of the equator, -90 to 90.
    public let latitude: Double
    /// Degrees east of Greenwich, -180 to 180.
    public let longitude: Double

    /// Makes a schedule.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` for a place that is not on Earth.
    public init(_ event: Event, latitude: Double, longitude: Double) throws {
        guard (-90.0...90).contains(latitude) else {
            throw ApiumError(.invalidConfiguration, "lat is \(latitude); it takes degrees north, -90 to 90")
        }
        guard (-180.0...180).contains(longitude) else {
            throw ApiumError(.invalidConfiguration, "lon is \(longitude); it takes degrees east, -180 to 180")
        }
        self.event = event
        self.latitude = latitude
        self.longitude = longitude
    }

    public var description: String { "solar \(event.rawValue) at \(latitude), \(longitude)" }

    /// The first event after an instant, in whole seconds; `nil` when there is none within 366 days (at the poles there may be none).
    public func next(after instant: Timestamp) -> Timestamp? {
        let second = instant.flooredSecond
        // The half before may still have an event to come.
        var half = Int(((Double(second) + longitude * 240) / 43_200).rounded(.down)) - 1
        var start = turn(half)
        while Int(start) <= second + 366 * 86_400 {
            let end = turn(half + 1)
            if let found = event(between: start, and: end, endsAtNoon: half % 2 == 0), found > second { return Timestamp(wholeSeconds: found) }
            half += 1
            start = end
        }
        return nil
    }

    /// When the sun crosses the meridian: for an even number below the pole, for an odd one above it. Between two turns it rises all the
    /// time, or sinks.
    private func turn(_ half: Int) -> Double {
        let mean = Double(half) * 43_200 - longitude * 240
        let estimate = mean - SunPosition(at: mean).equationOfTime
        return mean - SunPosition(at: estimate).equationOfTime
    }

    /// The event in half a day, in seconds since 1970; `nil` when the sun is not at that height then.
    private func event(between start: Double, and end: Double, endsAtNoon: Bool) -> Int? {
        guard event.side != 0 else { return endsAtNoon ? Int(end.rounded()) : nil }
        // Morning's events are crossings upward. Near the poles one may lie in the other half of the day.
        var (low, high) = (start, end)
        guard height(at: low) * event.side >= 0, height(at: high) * event.side < 0 else { return nil }
        while high - low > 0.01 {
            let middle = (low + high) / 2
            if height(at: middle) * event.side >= 0 { low = middle } else { high = middle }
        }
        return Int(high.rounded())
    }

    /// The sine of the height of the sun's centre, less that of the event's height.
    func height(at second: Double) -> Double {
        let sun = SunPosition(at: second)
        let angle = ((second + longitude * 240 + sun.equationOfTime).truncatingRemainder(dividingBy: 86_400) - 43_200) / 240 * .pi / 180
        let latitude = latitude * .pi / 180
        return sin(latitude) * sin(sun.declination) + cos(latitude) * cos(sun.declination) * cos(angle) - sin(event.altitude * .pi / 180)
    }
}

/// Where the sun stands.
///
/// Jean Meeus, Astronomical Algorithms, 2nd edition (1998), chapters 12 (sidereal time, whose mean solar form gives the equation of time in
/// chapter 28), 22 (obliquity of the ecliptic, main term of nutation) and 25 (solar coordinates of low accuracy: 0.01 degrees, which is
/// two seconds of time at the equator).
private struct SunPosition {
    /// Radians north of the celestial equator.
    let declination: Double
    /// Apparent minus mean solar time, in seconds.
    let equationOfTime: Double

    /// - Parameter second: since 1970, in universal time.
    init(at second: Double) {
        // 2000-01-01T12:00Z is 946 728 000; the dynamical clock of the formulas is about 70 seconds ahead in this century.
        let centuries = (second + 70 - 946_728_000) / 86_400 / 36_525
        let radian = Double.pi / 180
        let meanLongitude = 280.46646 + centuries * (36_000.76983 + centuries * 0.0003032)
        let anomaly = (357.52911 + centuries * (35_999.05029 - centuries * 0.0001537)) * radian
        let centre =
            (1.914602 - centuries * (0.004817 + centuries * 0.000014)) * sin(anomaly) + (0.019993 - centuries * 0.000101) * sin(2 * anomaly)
            + 0.000289 * sin(3 * anomaly)
        let node = (125.04 - 1934.136 * centuries) * radian
        let apparent = (meanLongitude + centre - 0.00569 - 0.00478 * sin(node)) * radian
        let meanObliquity = 23.4392911 - centuries * (0.0130042 + centuries * 0.00000016)
        let obliquity = (meanObliquity + 0.00256 * cos(node)) * radian
        let ascension = atan2(cos(obliquity) * sin(apparent), cos(apparent)) / radian
        declination = asin(sin(obliquity) * sin(apparent))
        let difference = meanLongitude - 0.0057183 - ascension - 0.00478 * sin(node) * cos(obliquity)
        equationOfTime = (difference - 360 * (difference / 360).rounded()) * 240
    }
}
