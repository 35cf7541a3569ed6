/// Decides who has lost the lease, from the renewal counters alone.
///
/// A lease has run out only when the same counter was seen for all of it, on our own clock, over one unbroken connection. Time in which we
/// did not look doesn't count: while the server, or we, stood still, nobody could renew and nobody is expired for it.
struct LeaseObserver {
    private struct Observation {
        var beat: String?
        var silence: Duration
    }

    /// The longest time between two looks that counts as having looked; for a short lease less than a third of that.
    private let longestGap: Duration
    private var observations: [String: Observation] = [:]
    private var lastLook: SuspendingClock.Instant?
    private var connection: ObjectIdentifier?

    init(longestGap: Duration = .milliseconds(1500)) { self.longestGap = longestGap }

    /// Forgets all that was seen.
    mutating func forget() {
        observations = [:]
        lastLook = nil
    }

    /// Takes in one look at all workers.
    /// - Returns: Those whose lease has run out, with the counter that stood still.
    mutating func look(
        _ workers: [(incarnation: String, beat: String?, lease: Duration)], over connection: ObjectIdentifier, at now: SuspendingClock.Instant
    ) -> [(incarnation: String, beat: String?)] {
        if self.connection != connection {
            forget()
            self.connection = connection
        }
        let elapsed = lastLook.map { $0.duration(to: now) } ?? .zero
        lastLook = now
        var next: [String: Observation] = [:]
        var expired: [(incarnation: String, beat: String?)] = []
        for worker in workers {
            var observation = Observation(beat: worker.beat, silence: .zero)
            if let before = observations[worker.incarnation], before.beat == worker.beat {
                observation.silence = before.silence + min(elapsed, longestGap, worker.lease * 0.3)
            }
            if observation.silence >= worker.lease { expired.append((worker.incarnation, worker.beat)) }
            next[worker.incarnation] = observation
        }
        observations = next
        return expired
    }
}
