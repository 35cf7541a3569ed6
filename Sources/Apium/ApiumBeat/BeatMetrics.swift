import ApiumCore
import Metrics

/// What a beat counts. Slots are few: nothing is kept.
enum BeatMetrics {
    /// Shows every outcome from the beginning, so that the first one is an increase.
    static func begin() { for outcome in ["fired", "caught_up", "overlapped", "skipped", "failed"] { count(outcome, 0) } }

    /// A slot was decided.
    ///
    /// - Parameter late: how long after its time it was looked at.
    static func decided(_ outcome: FireOutcome, _ action: ScheduledSlot.Action, late: Duration) {
        switch (outcome, action) {
        case (.done, .fire(_, let isCaughtUp, _)), (.queued, .fire(_, let isCaughtUp, _)):
            count(isCaughtUp ? "caught_up" : "fired")
            if !isCaughtUp { Timer(label: "apium_beat_lateness_seconds").recordNanoseconds(max(0, late.wholeMicroseconds) * 1000) }
        case (.overlapped, _): count("overlapped")
        case (.done, .skip(_, _, let slots)): count("skipped", slots)
        default: break
        }
    }

    /// A slot could not fire.
    static func failed() { count("failed") }

    private static func count(_ outcome: String, _ slots: Int = 1) {
        Counter(label: "apium_beat_slots_total", dimensions: [("outcome", outcome)]).increment(by: slots)
    }
}
