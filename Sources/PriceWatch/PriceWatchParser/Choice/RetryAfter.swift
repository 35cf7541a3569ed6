/// Reads `Retry-After` (RFC 9110, section 10.2.3).
enum RetryAfter {
    /// The longest wait that is believed, in seconds: a week.
    static let longest = 604_800

    /// How many seconds to wait: a number of them, or a date, counted from the answer's own `Date` so that no clock of ours
    /// matters. `nil` for what is neither, and for a date without one to count from.
    static func seconds(_ text: String, date: String?) -> Int? {
        let text = text.trimmed
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) { return min(Int(text) ?? longest, longest) }
        guard let then = instant(text), let now = date.flatMap({ instant($0.trimmed) }) else { return nil }
        return min(max(then - now, 0), longest)
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the form that servers have to send.
    private static func instant(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]), (1970...9999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]) else { return nil }
        // Years that begin in March have their leap day last.
        let marchMonth = (month + 10) % 12
        let marchYear = month < 2 ? year - 1 : year
        let days = marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + (153 * marchMonth + 2) / 5 + day - 1 - 719_468
        return days * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
    }
}

extension String {
    fileprivate var trimmed: String { String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()) }
}
