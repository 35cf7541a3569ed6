import ApiumCore
import NIOCore
import RedisClient
import Synchronization

/// Renews the session's lease, three times in its length, by a scheduled task of the broker's own event loop: nothing here awaits, so no
/// user job can hold it up. On a connection of its own, so that no large transfer stands before it. On the way it looks whether the session's
/// blocked reads are still heard.
final class LeaseKeeper: Sendable {
    private let session: RedisSession
    private let client: RedisClient
    private let period: Duration
    /// The next renewal; nil when there is none to come.
    private let next = Mutex<Scheduled<Void>?>(nil)
    /// A renewal that follows one that failed.
    private let retry = Mutex<Scheduled<Void>?>(nil)
    private let waiting = Mutex(false)
    private let deafness = Mutex(DeafReads())

    init(session: RedisSession) {
        self.session = session
        period = Self.period(session.identity.lease)
        var configuration = session.broker.configuration
        configuration.clientName = "apium:\(session.incarnation):lease"
        // A connection that is silent for longer counts as dead.
        configuration.commandTimeout = Self.patience(session.identity.lease)
        configuration.connectTimeout = min(configuration.connectTimeout, max(.seconds(1), configuration.commandTimeout))
        let backoff = ReconnectBackoff(first: .milliseconds(50), longest: Self.longestBackoff)
        client = RedisClient(configuration, eventLoop: session.broker.group.next(), backoff: backoff, logger: session.broker.logger)
    }

    func start() { next.withLock { $0 = schedule(in: .zero) } }

    func stop() async {
        suspend()
        retry.withLock { $0.take() }?.cancel()
        await client.shutdown()
    }

    /// Stops to renew while all else goes on, as a process that was stopped would.
    func suspend() { next.withLock { $0.take() }?.cancel() }

    private var isActive: Bool { next.withLock { $0 != nil } }

    private func schedule(in delay: Duration) -> Scheduled<Void> {
        client.eventLoop.scheduleTask(in: TimeAmount(delay)) { [weak self] in self?.beat() }
    }

    /// Renews, and arranges for the next time.
    private func beat() {
        guard isActive else { return }
        renew()
        let delay = TickGrid.delay(period, tick: period / 6, at: .now())
        next.withLock { if $0 != nil { $0 = schedule(in: delay) } }
    }

    /// The time between two renewals.
    static func period(_ lease: Duration) -> Duration { max(lease * 0.3, .milliseconds(20)) }

    /// How long a renewal may take before its connection counts as dead: short enough for two more on a new one before the lease ends.
    static func patience(_ lease: Duration) -> Duration { max(lease / 3, .milliseconds(50)) }

    /// How long the client waits at most before it connects again.
    static let longestBackoff = Duration.milliseconds(250)

    /// How soon a renewal is tried again that could not be sent, or was cut off. ``LeaseObserver/grace(_:)`` stands on this: who lives renews soon after the
    /// server is back.
    static func retryDelay(_ lease: Duration) -> Duration { max(lease / 20, .milliseconds(50)) }

    private func renew() {
        // One at a time: renewals that pile up behind a slow server say nothing more than one does.
        guard !waiting.withLock({ $0 }) else { return }
        let keys = session.keys
        let reads = session.waitingReads
        // No script: on a server whose caches are busy with other things that costs three times as much, and every worker does this for ever.
        var commands = [
            RedisCommand("ZADD", keys.workers, "XX", "INCR", 1, session.incarnation), RedisCommand("HGET", keys.control, "epoch"),
            RedisCommand("EXISTS", keys.janitor),
        ]
        if !reads.isEmpty { commands.append(RedisCommand("EXISTS", arguments: reads.values.flatMap { $0 })) }
        // Its answer is of no interest.
        if let passing = session.broker.passing.take() { commands.append(passing) }
        submit(commands) { replies in
            if replies[0].error?.code == "OOM" {
                // What waits would get nothing either; begun anew it says so.
                if !reads.isEmpty { self.session.noteDeafReads() }
                return self.renewWithoutMemory()
            }
            if !reads.isEmpty { self.looked(at: Set(reads.keys), replies[3]) }
            self.renewed(replies[0], epoch: replies[1], janitor: replies[2])
        }
    }

    /// The same on a server that is full: the script needs no memory.
    private func renewWithoutMemory() {
        let keys = session.keys
        submit([.eval(RedisScripts.renew, keys: [keys.workers, keys.control, keys.janitor], session.incarnation)]) { replies in
            guard let parts = replies[0].array, parts.count == 3 else { return self.renewed(replies[0], epoch: .null, janitor: .null) }
            self.renewed(parts[0], epoch: parts[1], janitor: parts[2])
        }
    }

    private func submit(_ commands: [RedisCommand], _ answered: @escaping @Sendable ([RESPValue]) -> Void) {
        waiting.withLock { $0 = true }
        client.submit(commands, timeout: Self.patience(session.identity.lease)).whenComplete { result in
            self.waiting.withLock { $0 = false }
            switch result {
            case .success(let replies): answered(replies)
            case .failure(let error):
                self.session.noteRenewalFailure(error)
                self.renewAgain(in: (error as? RedisClientError)?.code == .timedOut ? .zero : Self.retryDelay(self.session.identity.lease))
            }
        }
    }

    /// The next renewal need not wait for its time.
    private func renewAgain(in delay: Duration) {
        guard isActive else { return }
        let task = client.eventLoop.scheduleTask(in: TimeAmount(delay)) { [weak self] in
            guard let self, self.isActive else { return }
            self.renew()
        }
        retry.withLock { old in
            old?.cancel()
            old = task
        }
    }

    /// - Parameter count: How often the lease has been renewed; nothing when it was lost.
    private func renewed(_ count: RESPValue, epoch: RESPValue, janitor: RESPValue) {
        if let refusal = count.error { return session.noteRenewalFailure(refusal) }
        if count.isNull {
            suspend()
            return session.noteLeaseLost()
        }
        session.noteRenewal(hasJanitor: janitor == .integer(1))
        session.noteEpoch(Int64(epoch.int ?? 0))
    }

    /// What was seen of the blocked reads. Fine ones show that jobs can be fetched.
    private func looked(at reads: Set<Int>, _ filled: RESPValue) {
        guard let filled = filled.int else { return }
        let still = reads.intersection(session.waitingReads.keys)
        switch deafness.withLock({ $0.look(still, isFilled: filled > 0) }) {
        case .fine: if !still.isEmpty { session.noteFetch() }
        case .lookAgain: renewAgain(in: period / 3)
        case .deaf: session.noteDeafReads()
        }
    }
}
