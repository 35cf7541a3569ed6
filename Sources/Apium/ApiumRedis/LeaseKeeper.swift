import ApiumCore
import NIOCore
import RedisClient
import Synchronization

/// Renews the session's lease, three times in its length, by a scheduled task of the broker's own event loop: nothing here awaits, so no
/// user job can hold it up. On a connection of its own, so that no large transfer stands before it.
final class LeaseKeeper: Sendable {
    private let session: RedisSession
    private let client: RedisClient
    private let period: Duration
    private let task = Mutex<RepeatedTask?>(nil)
    private let waiting = Mutex(false)

    init(session: RedisSession) {
        self.session = session
        period = Self.period(session.identity.lease)
        var configuration = session.broker.configuration
        configuration.clientName = "apium:\(session.incarnation):lease"
        // A connection that is silent for longer counts as dead.
        configuration.commandTimeout = Self.patience(session.identity.lease)
        configuration.connectTimeout = min(configuration.connectTimeout, max(.seconds(1), configuration.commandTimeout))
        let backoff = ReconnectBackoff(first: .milliseconds(50), longest: .milliseconds(500))
        client = RedisClient(configuration, eventLoop: session.broker.group.next(), backoff: backoff, logger: session.broker.logger)
    }

    func start() {
        let task = client.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: TimeAmount(period)) { [weak self] _ in self?.renew() }
        self.task.withLock { $0 = task }
    }

    func stop() async {
        task.withLock { $0.take() }?.cancel()
        await client.shutdown()
    }

    /// Stops to renew while all else goes on, as a process that was stopped would.
    func suspend() { task.withLock { $0.take() }?.cancel() }

    /// The time between two renewals.
    static func period(_ lease: Duration) -> Duration { max(lease * 0.3, .milliseconds(20)) }

    /// How long a renewal may take before its connection counts as dead: short enough for two more on a new one before the lease ends.
    static func patience(_ lease: Duration) -> Duration { max(lease / 3, .milliseconds(50)) }

    private func renew() {
        // One at a time: renewals that pile up behind a slow server say nothing more than one does.
        guard !waiting.withLock({ $0 }) else { return }
        let keys = session.keys
        // No script: on a server whose caches are busy with other things that costs three times as much, and every worker does this for ever.
        submit([
            RedisCommand("ZADD", keys.workers, "XX", "INCR", 1, session.incarnation), RedisCommand("HGET", keys.control, "epoch"),
            RedisCommand("EXISTS", keys.janitor),
        ]) { replies in
            if replies[0].error?.code == "OOM" { self.renewWithoutMemory() } else { self.renewed(replies[0], epoch: replies[1], janitor: replies[2]) }
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
                // It has waited for longer than until the next one is due.
                if (error as? RedisClientError)?.code == .timedOut, self.task.withLock({ $0 != nil }) { self.renew() }
            }
        }
    }

    /// - Parameter count: How often the lease has been renewed; nothing when it was lost.
    private func renewed(_ count: RESPValue, epoch: RESPValue, janitor: RESPValue) {
        if let refusal = count.error { return session.noteRenewalFailure(refusal) }
        if count.isNull {
            task.withLock { $0.take() }?.cancel()
            return session.noteLeaseLost()
        }
        session.noteRenewal(hasJanitor: janitor == .integer(1))
        session.noteEpoch(Int64(epoch.int ?? 0))
    }
}
