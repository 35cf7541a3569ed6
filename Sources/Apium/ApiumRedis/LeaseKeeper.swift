import ApiumCore
import NIOCore
import RedisClient
import Synchronization

/// Renews the session's lease, five times in its length, by a scheduled task of the broker's own event loop: nothing here awaits, so no
/// user job can hold it up. On a connection of its own, so that no large transfer stands before it.
final class LeaseKeeper: Sendable {
    private let session: RedisSession
    private let client: RedisClient
    private let period: Duration
    private let task = Mutex<RepeatedTask?>(nil)
    private let waiting = Mutex(false)

    init(session: RedisSession) {
        self.session = session
        period = max(session.identity.lease / 5, .milliseconds(20))
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

    /// How long a renewal may take before its connection counts as dead: short enough for two more on a new one before the lease ends.
    static func patience(_ lease: Duration) -> Duration { max(lease / 3, .milliseconds(50)) }

    private func renew() {
        // One at a time: renewals that pile up behind a slow server say nothing more than one does.
        let isFree = waiting.withLock { waiting in
            defer { waiting = true }
            return !waiting
        }
        guard isFree else { return }
        let keys = session.keys
        let command = RedisCommand.eval(RedisScripts.renew, keys: [keys.worker(session.incarnation), keys.control])
        client.submit([command], timeout: Self.patience(session.identity.lease)).whenComplete { result in
            self.waiting.withLock { $0 = false }
            switch result {
            case .success(let replies): self.renewed(replies[0])
            case .failure(let error): self.session.noteRenewalFailure(error)
            }
        }
    }

    private func renewed(_ reply: RESPValue) {
        if reply == .integer(-1) {
            task.withLock { $0.take() }?.cancel()
            return session.noteLeaseLost()
        }
        if let refusal = reply.error { return session.noteRenewalFailure(refusal) }
        guard let answer = reply.array, answer.count == 2, let epoch = answer[1].int else { return }
        session.noteRenewal()
        session.noteEpoch(Int64(epoch))
    }
}
