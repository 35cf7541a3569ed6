/// Durations as people write them: `500ms`, `10s`, `5m`, `1h`, `2d`; a bare number is seconds.
public enum DurationText {
    /// Reads a duration; `nil` when it is none.
    public static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits), number.isFinite else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return .seconds(number / 1000)
        case "", "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        case "d": return .seconds(number * 86_400)
        default: return nil
        }
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
