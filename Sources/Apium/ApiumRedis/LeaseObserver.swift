/// Decides who has lost the lease, from the renewal counters alone.
///
/// A lease has run out only when the same counter was seen for all of it, on our own clock, while a server ran. Time in which we did not look
/// doesn't count: while the server, or we, stood still, or the way to it was broken, nobody could renew and nobody is expired for it.
///
/// What was seen outlasts a connection when somebody renewed all the while: then it was our connection that broke, and not the server's service.
/// It outlasts the observer, too: what one has seen of silent workers, another goes on from.
///
/// **After an outage** (a restart, a fail-over, a time in which nobody renewed) a new *period* begins. What was seen of a counter before it stays
/// valid, but time counts again only when the counter has stood still in this period for longer than ``grace(_:)``; then all of it counts. So silence
/// adds up over restarts, however short the server lives in between.
///
/// Why nobody who lives is expired by that: a lease runs out only in a look at which silence grows. In the first period it grows from nothing, so the
/// counter has stood still for the whole lease. In a later one it has stood still for longer than the grace, in that period. A ``LeaseKeeper`` renews
/// within the grace of the beginning of every period that is longer, and then the counter is another, and its silence begins at nothing. This is so
/// whatever the server has lost with its restart: a counter that was set back and has grown to the old number again stands still for no longer than
/// from one renewal to the next.
struct LeaseObserver {
    /// One worker's renewals, as they are now.
    typealias Look = (incarnation: String, beat: String?, lease: Duration)

    /// How long a counter has been seen to stand still.
    struct Silence: Sendable, Equatable {
        var beat: String?
        var length: Duration
        /// For a counter that was known before this period, and is as it was: how long it was seen to be so in this one. It counts beyond the grace.
        var pending: Duration?
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

    /// Within this time of the beginning of a period a worker that lives renews: an attempt that was under way then fails
    /// (``LeaseKeeper/patience(_:)``, or the second that a connection may take), its client waits before it connects again, the next attempt follows,
    /// and is answered. A server that was there and refused (LOADING, READONLY) is asked again after ``LeaseKeeper/period(_:)``, which is shorter.
    static func grace(_ lease: Duration) -> Duration {
        max(LeaseKeeper.patience(lease), .seconds(1)) + LeaseKeeper.longestBackoff + LeaseKeeper.retryDelay(lease) + .milliseconds(130)
    }

    /// Whether nothing was seen yet: what others have seen is of use then.
    var isFresh: Bool { lastLook == nil && silences.isEmpty }

    /// Whether workers that may be dead are looked at through a period that may be short: then looks have to be close together.
    var isInHaste: Bool { silences.values.contains { $0.pending != nil } }

    /// The server is away, or refuses renewals: what is seen next is seen in another period.
    mutating func interrupt() {
        for incarnation in silences.keys { silences[incarnation]?.pending = .zero }
        lastLook = nil
    }

    /// Takes in one look at all workers.
    /// - Parameter told: What other observers have seen, with what is pending where it was seen in another run of the server; of account while this
    ///   one is fresh.
    /// - Returns: Those whose lease has run out, with the counter that stood still.
    mutating func look(
        _ workers: [Look], through sight: Sight, told: [String: Silence] = [:], at now: SuspendingClock.Instant
    ) -> [(incarnation: String, beat: String?)] {
        if let before = self.sight, before != sight {
            let isSame = before.server != nil && before.server == sight.server
            if isSame, wasServed(workers, until: now) { lastLook = nil } else { interrupt() }
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
                silence = before
                silence.grow(by: min(elapsed, longestGap, worker.lease * 0.3), grace: Self.grace(worker.lease))
            }
            if silence.length >= worker.lease, silence.pending == nil { expired.append((worker.incarnation, worker.beat)) }
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

extension LeaseObserver.Silence {
    /// The counter was seen to stand still for so much longer.
    fileprivate mutating func grow(by time: Duration, grace: Duration) {
        guard let before = pending else { return length += time }
        let seen = before + time
        if seen > grace {
            length += seen
            pending = nil
        } else {
            pending = seen
        }
    }
}
