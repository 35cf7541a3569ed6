/// Durations as people write them: `500ms`, `10s`, `5m`, `1h`, `2d`; a bare number is seconds.
public enum DurationText {
    /// Units in seconds.
    private static let units: [Substring: Double] = ["ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400]

    /// Reads a duration; `nil` when it is none, or above 10¹² seconds (30,000 years): a `Duration` cannot hold whatever can be written.
    public static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits), let unit = units[text.dropFirst(digits.count)] else { return nil }
        let seconds = unit < 1 ? number / 1000 : number * unit
        return seconds <= 1e12 ? .seconds(seconds) : nil
    }

    /// Writes a duration, in the greatest unit of which it is a whole number; what is no whole millisecond is written as a fraction of one.
    public static func text(_ duration: Duration) -> String {
        let microseconds = duration.wholeMicroseconds
        for (unit, length) in [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)] as [(String, Int64)]
        where microseconds.isMultiple(of: length) && microseconds != 0 {
            return "\(microseconds / length)\(unit)"
        }
        return microseconds == 0 ? "0s" : "\(Double(microseconds) / 1000)ms"
    }
}
