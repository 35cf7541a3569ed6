/// Decides who has lost the lease, from the renewal counters alone.
///
/// A lease has run out only when the same counter was seen for all of it, on our own clock, while this server ran. Time in which we did not look
/// doesn't count: while the server, or we, stood still, or the way to it was broken, nobody could renew and nobody is expired for it.
///
/// What was seen outlasts a connection when somebody renewed all the while: then it was our connection that broke, and not the server's service.
/// It outlasts the observer, too: what one has seen of silent workers, another goes on from. Another run of the server forgets everything.
struct LeaseObserver {
    /// One worker's renewals, as they are now.
    typealias Look = (incarnation: String, beat: String?, lease: Duration)

    /// How long a counter has been seen to stand still.
    struct Silence: Sendable, Equatable {
        var beat: String?
        var length: Duration
    }

    /// Through what the counters were seen.
    struct Sight: Equatable {
        /// The run of the server, which no restart and no other server has; nil where the server doesn't say.
        var server: String?
        var connection: ObjectIdentifier
    }

    /// The longest time between two looks that counts as having looked; for a short lease less than a third of that.
    private let longestGap: Duration
    private var silences: [String: Silence] = [:]
    private var lastLook: SuspendingClock.Instant?
    private var sight: Sight?

    init(longestGap: Duration = .milliseconds(1500)) { self.longestGap = longestGap }

    /// Whether nothing was seen yet, or all was forgotten: what others have seen is of use then.
    var isFresh: Bool { lastLook == nil && silences.isEmpty }

    /// Forgets all that was seen.
    mutating func forget() {
        silences = [:]
        lastLook = nil
    }

    /// Takes in one look at all workers.
    /// - Parameter told: What other observers of this run of the server have seen; of account while this one is fresh.
    /// - Returns: Those whose lease has run out, with the counter that stood still.
    mutating func look(
        _ workers: [Look], through sight: Sight, told: [String: Silence] = [:], at now: SuspendingClock.Instant
    ) -> [(incarnation: String, beat: String?)] {
        if let before = self.sight, before != sight {
            let isSame = before.server != nil && before.server == sight.server
            if isSame, wasServed(workers, until: now) { lastLook = nil } else { forget() }
        }
        self.sight = sight
        if isFresh { silences = told }
        let elapsed = lastLook.map { $0.duration(to: now) } ?? .zero
        lastLook = now
        var next: [String: Silence] = [:]
        var expired: [(incarnation: String, beat: String?)] = []
        for worker in workers {
            var silence = Silence(beat: worker.beat, length: .zero)
            if let before = silences[worker.incarnation], before.beat == worker.beat {
                silence.length = before.length + min(elapsed, longestGap, worker.lease * 0.3)
            }
            if silence.length >= worker.lease { expired.append((worker.incarnation, worker.beat)) }
            next[worker.incarnation] = silence
        }
        silences = next
        return expired
    }

    /// Those who have been silent for longer than from one renewal to the next: what is worth telling others. A worker in order never seems so,
    /// for two looks are closer together than two renewals, and three are not.
    func silent(among workers: [Look]) -> [String: Silence] {
        let pairs = workers.compactMap { worker in
            silences[worker.incarnation].flatMap { $0.length > LeaseKeeper.period(worker.lease) ? (worker.incarnation, $0) : nil }
        }
        return Dictionary(pairs) { $1 }
    }

    /// Whether some worker has renewed throughout the time since the last look, as often as a ``LeaseKeeper`` does: what its renewals do not
    /// account for is no more than a look and a renewal may be apart.
    private func wasServed(_ workers: [Look], until now: SuspendingClock.Instant) -> Bool {
        guard let lastLook else { return silences.isEmpty }
        let gap = lastLook.duration(to: now)
        return workers.contains { worker in
            guard let before = silences[worker.incarnation]?.beat.flatMap({ Int($0) }), let beat = worker.beat.flatMap({ Int($0) }) else { return false }
            let period = LeaseKeeper.period(worker.lease)
            return gap - period * (beat - before) <= min(longestGap, worker.lease * 0.3) + period
        }
    }
}
