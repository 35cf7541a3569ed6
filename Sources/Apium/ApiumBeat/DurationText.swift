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
}
