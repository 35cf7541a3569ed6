/// When the janitor's rest ends: after the time that its last round said, or sooner, for something that it was told of is due before.
///
/// What it is told of while a round is under way counts at the round's end, for the round may have looked before.
struct RestAlarm {
    /// Being told of something that is due no more than this before the end is no reason to look twice.
    private static let tolerance = Duration.milliseconds(2)

    /// The end of the rest; nil while a round is under way.
    private var end: SuspendingClock.Instant?
    /// The first that was told of during the round.
    private var told: SuspendingClock.Instant?

    /// A round begins.
    mutating func roundBegins() { (end, told) = (nil, nil) }

    /// A round has ended, and the next is to follow at `next`.
    /// - Returns: Whether it is to follow at once.
    mutating func roundEnded(next: SuspendingClock.Instant) -> Bool {
        end = next
        return told.map { $0 + Self.tolerance < next } ?? false
    }

    /// Something is due at this time.
    /// - Returns: Whether the rest is over.
    mutating func tell(_ due: SuspendingClock.Instant) -> Bool {
        told = min(told ?? due, due)
        return end.map { due + Self.tolerance < $0 } ?? false
    }
}
