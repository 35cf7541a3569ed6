import DynamicJSON

/// Celery's `rate_limit`: so many jobs of a task in a time, per worker (celery-wire 12.5).
struct RateLimit: Sendable, Hashable {
    /// The text as it was given, for `inspect registered`.
    var text: String
    /// The time between two jobs.
    var interval: Duration

    /// Reads a number of jobs per second or a text such as `10/m`. `nil` is no limit: 0, an empty text, `null`.
    ///
    /// - Throws: ``InvalidRate`` when it is anything else.
    static func parse(_ value: JSONValue) throws(InvalidRate) -> RateLimit? {
        let text: String
        switch value {
        case .null: return nil
        case .string(let string): text = string
        case .int, .double: text = value.text
        default: throw InvalidRate(text: value.text)
        }
        if text.isEmpty { return nil }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let units: [Substring: Double] = ["s": 1, "m": 60, "h": 3600]
        guard let count = Double(parts[0].trimmed), count.isFinite, count >= 0, let unit = parts.count == 2 ? units[parts[1]] : 1 else {
            throw InvalidRate(text: text)
        }
        if count == 0 { return nil }
        // No rate is so low that a job would wait for more than a year.
        return RateLimit(text: text, interval: .seconds(min(unit / count, 365 * 86_400)))
    }
}

/// A text that is no rate.
struct InvalidRate: Error {
    var text: String
}

/// One token bucket of capacity one for each limited task, as Celery's workers have them: a job takes the token, or is given the next turn
/// that nobody has, so that what waits is served in order.
struct RateBuckets: Sendable {
    /// When the next turn that nobody has begins, by task.
    private var next: [String: ContinuousClock.Instant] = [:]

    /// The limit has changed: everybody asks anew.
    mutating func forget(_ task: String) { next[task] = nil }

    /// `nil`: a job may run now. Else its turn comes after this time.
    mutating func wait(_ task: String, _ limit: RateLimit, at now: ContinuousClock.Instant) -> Duration? {
        let turn = max(next[task] ?? now, now)
        next[task] = turn + limit.interval
        return turn > now ? turn - now : nil
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return text
    }
}
