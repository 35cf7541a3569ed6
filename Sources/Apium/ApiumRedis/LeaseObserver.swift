/// Decides who has lost the lease, from the renewal counters alone.
///
/// A lease has run out only when the same counter was seen for all of it, on our own clock, over one unbroken connection. Time in which we
/// did not look doesn't count: while the server, or we, stood still, nobody could renew and nobody is expired for it.
struct LeaseObserver {
    private struct Observation {
        var beat: String?
        var silence: Duration
    }

    /// The longest time between two looks that counts as having looked.
    private let longestGap: Duration
    private var observations: [String: Observation] = [:]
    private var lastLook: SuspendingClock.Instant?
    private var connection: ObjectIdentifier?

    init(longestGap: Duration = .milliseconds(1500)) { self.longestGap = longestGap }

    /// Takes in one look at all workers.
    /// - Returns: Those whose lease has run out, with the counter that stood still.
    mutating func look(
        _ workers: [(incarnation: String, beat: String?, lease: Duration)], over connection: ObjectIdentifier, at now: SuspendingClock.Instant
    ) -> [(incarnation: String, beat: String?)] {
        if self.connection != connection {
            observations = [:]
            lastLook = nil
            self.connection = connection
        }
        let elapsed = lastLook.map { min($0.duration(to: now), longestGap) } ?? .zero
        lastLook = now
        var next: [String: Observation] = [:]
        var expired: [(incarnation: String, beat: String?)] = []
        for worker in workers {
            var observation = Observation(beat: worker.beat, silence: .zero)
            if let before = observations[worker.incarnation], before.beat == worker.beat { observation.silence = before.silence + elapsed }
            if observation.silence >= worker.lease { expired.append((worker.incarnation, worker.beat)) }
            next[worker.incarnation] = observation
        }
        observations = next
        return expired
    }
}
