import ApiumCore
import DynamicJSON

/// A job's turn under the rate limit of one worker. It stands in the message while the job waits for it, so that whichever worker the job
/// comes back to keeps it: the turn was taken out of the first one's bucket.
struct RateTurn: Sendable, Hashable {
    /// The limit, as it was given: a turn under another one is void.
    var limit: String
    /// When it begins, by the clock of the worker that gave it.
    var begins: Timestamp

    /// Whether the turn counts now. The broker gives the job out when it has come; what comes long after it, or long before by this worker's
    /// clock, asks anew: the message may have been set aside meanwhile, or written by anybody.
    func hasCome(under limit: RateLimit, at now: Timestamp) -> Bool {
        self.limit == limit.text && (now + .seconds(-60)...now + .seconds(2)).contains(begins)
    }
}

extension Message {
    /// The job's turn under a rate limit. Kept in the header `apium_turn`: the limit, and microseconds.
    var rateTurn: RateTurn? {
        get {
            guard case .array(let parts)? = headers.custom[Self.turnHeader], parts.count == 2, let limit = parts[0].stringValue, let time = parts[1].intValue
            else { return nil }
            return RateTurn(limit: limit, begins: Timestamp(microseconds: time))
        }
        set { headers.custom[Self.turnHeader] = newValue.map { [.string($0.limit), .int($0.begins.microseconds)] } }
    }

    private static let turnHeader = "apium_turn"
}
