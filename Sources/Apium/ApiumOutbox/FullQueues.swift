import Synchronization

/// The queues that were full when a relay last tried. Each is a line of rows with the same exchange, routing key and limit.
final class FullQueues: Sendable {
    /// How long a line rests.
    static let rest = Duration.seconds(1)
    /// Stands between the parts of a line's name, as `chr(31)` in the query.
    static let separator = "\u{1f}"

    private let ends = Mutex<[String: ContinuousClock.Instant]>([:])

    /// A row of the line was refused.
    func note(_ line: String, at now: ContinuousClock.Instant) { ends.withLock { $0[line] = now + Self.rest } }

    /// The lines that rest still.
    func resting(at now: ContinuousClock.Instant) -> [String] {
        ends.withLock { ends in
            ends = ends.filter { $0.value > now }
            return ends.keys.sorted()
        }
    }
}
