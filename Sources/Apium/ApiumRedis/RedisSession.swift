import ApiumCore
import Logging
import NIOCore
import RedisClient
import Synchronization

/// One worker process' records and lease on the server.
///
/// The parts: ``ClaimLoop`` moves messages into this session's batches, `BatchLedger` remembers what they hold, ``LeaseKeeper`` renews,
/// ``Janitor`` does the shared duties while this session has their lease.
final class RedisSession: BrokerSession {
    let incarnation: String
    let events: AsyncStream<SessionEvent>
    let identity: WorkerIdentity
    let broker: RedisBroker
    let ledger = Mutex(BatchLedger())
    private let news: AsyncStream<SessionEvent>.Continuation
    private let state = Mutex(State())
    private let controlListener = Mutex<RedisSubscription?>(nil)
    /// Set up by `register`, after which it never changes.
    private let parts = Mutex<Parts?>(nil)

    private struct State {
        var closed = false
        var leaseLost = false
        var epoch: Int64 = 0
        var lastFetch: SuspendingClock.Instant?
        var lastRenewal: SuspendingClock.Instant?
        var lastError: String?
        /// The queues that were asked for; those that are paused are left out.
        var served: [String]?
        var paused: Set<String> = []
        var renewalError: String?
    }

    /// What a registered session consists of.
    struct Parts: Sendable {
        let claims: ClaimLoop
        let lease: LeaseKeeper
        let janitor: Janitor
    }

    init(broker: RedisBroker, identity: WorkerIdentity) {
        self.broker = broker
        self.identity = identity
        incarnation = JobID.make()
        (events, news) = AsyncStream.makeStream(of: SessionEvent.self, bufferingPolicy: .bufferingNewest(64))
    }

    var keys: RedisKeys { broker.keys }

    /// The thread of the connections: a loop there pays no change of threads for a reply.
    var executor: (any TaskExecutor)? { broker.executor }

    /// Enters the register, declares the queues as kombu's consumers do, and starts to renew.
    func register() async throws {
        let command = RedisCommand.eval(
            RedisScripts.register, keys: [keys.version, keys.workers, keys.worker(incarnation)], Self.layoutVersion, incarnation,
            "name", identity.name, "pid", Int(identity.pid), "queues", identity.queues.joined(separator: ","), "jobs", identity.jobs.joined(separator: ","),
            "lease_ms", identity.lease.wholeMilliseconds, "started", Timestamp.now().microseconds)
        let stored = try await broker.client.reply(command)
        guard stored == .integer(0) else {
            throw ApiumError(
                .notAvailable, "the layout on the Redis server has version \(stored.int ?? 0), this worker knows \(Self.layoutVersion); run a newer release")
        }
        _ = try await broker.client.replies(identity.bindings.flatMap(keys.bindCommands))
        let lease = LeaseKeeper(session: self)
        parts.withLock { $0 = Parts(claims: ClaimLoop(session: self), lease: lease, janitor: Janitor(broker: broker, incarnation: incarnation)) }
        lease.start()
        await listenForControl()
    }

    /// The version of the keys and scripts of this release.
    static let layoutVersion = 1

    /// A push spares waiting for the next renewal; without it the session works all the same.
    private func listenForControl() async {
        do {
            let listener = try await broker.subscriber.subscribe(channels: [keys.control]) { [weak self] event in
                guard case .message(let message) = event, let epoch = Int64(String(decoding: message.payload, as: UTF8.self)) else { return }
                self?.noteEpoch(epoch)
            }
            controlListener.withLock { $0 = listener }
        } catch {
            broker.logger.notice("Changes of control are learnt by renewals alone", metadata: ["error": "\(error)"])
        }
    }

    private func require() throws -> Parts {
        guard let parts = parts.withLock({ $0 }) else { throw ApiumError(.unavailable, "the session is not registered") }
        return parts
    }

    // MARK: What happens

    /// - Throws: ``ApiumError`` when the session is closed or has lost its lease.
    func checkUsable() throws {
        let (closed, lost) = state.withLock { ($0.closed, $0.leaseLost) }
        if closed { throw ApiumError(.unavailable, "the session is closed") }
        if lost { throw ApiumError(.unavailable, "the session has lost its lease; open a new one") }
    }

    var isUsable: Bool { state.withLock { !$0.closed && !$0.leaseLost } }

    func noteLeaseLost() {
        let isNew = state.withLock { state in
            defer { state.leaseLost = true }
            return !state.leaseLost && !state.closed
        }
        guard isNew else { return }
        news.yield(.leaseLost)
        parts.withLock { $0 }?.claims.wake()
    }

    func noteEpoch(_ epoch: Int64) {
        let isNew = state.withLock { state in
            defer { state.epoch = epoch }
            return epoch != state.epoch
        }
        if isNew { news.yield(.controlChanged(epoch: epoch)) }
    }

    /// - Parameter hasJanitor: Whether somebody has the shared duties.
    func noteRenewal(hasJanitor: Bool) {
        state.withLock { state in
            state.lastRenewal = .now
            state.renewalError = nil
        }
        if !hasJanitor { parts.withLock { $0 }?.janitor.noteVacancy() }
    }

    /// The batches and keys of the blocked reads that wait now.
    var waitingReads: [Int: [String]] { parts.withLock { $0 }?.claims.waitingReads ?? [:] }

    /// A blocked read may wait in vain.
    func noteDeafReads() { parts.withLock { $0 }?.claims.suspectReads() }

    /// The server still holds a batch that is over.
    func noteForgotten() { parts.withLock { $0 }?.claims.suspectForgotten() }

    func noteRenewalFailure(_ error: any Error) { state.withLock { $0.renewalError = String(describing: error) } }

    func noteFetch() {
        state.withLock { state in
            state.lastFetch = .now
            state.lastError = nil
        }
    }

    /// Whether the last attempt to fetch failed.
    var isFetchFailing: Bool { state.withLock { $0.lastError != nil } }

    /// One line per change, however often it is tried.
    func noteFailure(_ error: any Error) {
        let text = String(describing: error)
        let isNew = state.withLock { state in
            defer { state.lastError = text }
            return state.lastError != text
        }
        if isNew { broker.logger.notice("Fetching jobs fails; trying again", metadata: ["error": "\(text)"]) }
    }

    var health: SessionHealth {
        let now = SuspendingClock.now
        return state.withLock { state in
            SessionHealth(
                sinceLastFetch: state.lastFetch.map { $0.duration(to: now) }, sinceLastRenewal: state.lastRenewal.map { $0.duration(to: now) },
                lastError: state.lastError ?? state.renewalError)
        }
    }

    /// Stops to renew while all else goes on, as a process that was stopped would: for tests of lost leases.
    func suspendRenewal() { parts.withLock { $0 }?.lease.suspend() }

    // MARK: Duties

    func claim(limit: Int) async throws -> Claim { try await require().claims.claim(limit: limit) }

    func untilMaintenance(atMost limit: Duration) async {
        guard let parts = parts.withLock({ $0 }) else { return }
        await parts.janitor.rest(atMost: limit)
    }

    func maintain() async throws -> MaintenanceReport {
        try checkUsable()
        return try await require().janitor.round()
    }

    func control() async throws -> ControlState { try await control(since: nil, knowing: 0) }

    func control(since epoch: Int64?, knowing ids: Int) async throws -> ControlState {
        let control = try await broker.controlState(since: epoch, knowing: ids)
        let isNew = state.withLock { state in
            state.epoch = control.epoch
            defer { state.paused = control.holds.pausedQueues }
            return state.paused != control.holds.pausedQueues
        }
        if isNew { try require().claims.serve(queuesToClaim) }
        return control
    }

    /// What is served and not paused.
    private var queuesToClaim: [String] {
        state.withLock { state in (state.served ?? identity.queues).filter { !state.paused.contains($0) } }
    }

    func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool {
        let commands = try await broker.registered().filter { $0 != incarnation }.map { RedisCommand("HMGET", keys.worker($0), "queues", "jobs") }
        guard !commands.isEmpty else { return false }
        return try await broker.client.replies(commands).contains { reply in
            let names = try reply.asArray().map { ($0.string ?? "").split(separator: ",").map(String.init) }
            return names.count == 2 && names[0].contains(queue) && names[1].contains(task)
        }
    }

    /// Declares what is new, changes the register, and leaves the rest to the task that claims.
    func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws {
        try checkUsable()
        let parts = try require()
        do {
            // The worker's record must not come to life again when the janitor has just removed it.
            try await broker.client.reply(.eval(RedisScripts.serve, keys: [keys.worker(incarnation)], queues.joined(separator: ",")))
            _ = try await broker.client.replies(bindings.flatMap(keys.bindCommands))
        } catch {
            throw RedisFailure.apiumError(error)
        }
        state.withLock { $0.served = queues }
        parts.claims.serve(queuesToClaim)
    }

    /// Stops the waiting reads first, so that nothing arrives any more; then gives back what is left; then leaves the register.
    func close() async throws {
        let wasOpen = state.withLock { state in
            defer { state.closed = true }
            return !state.closed
        }
        guard wasOpen, let parts = parts.withLock({ $0 }) else { return }
        defer { news.finish() }
        await parts.claims.stop()
        parts.janitor.stop()
        controlListener.withLock { $0.take() }?.cancel()
        do {
            try await giveBackAndLeave()
        } catch {
            // Without renewals the lease ends, and the janitor gives back what we could not.
            await parts.lease.stop()
            throw RedisFailure.apiumError(error)
        }
        await parts.lease.stop()
    }

    /// Leaves first, so that every end that comes from now on is refused: what was returned must not be ended any more. Should this
    /// process die in between, the janitor goes on, as it would for a worker that was lost, but counts no crash.
    private func giveBackAndLeave() async throws {
        let replies = try await broker.client.uncancelledReplies([
            RedisCommand("HSET", keys.flight(incarnation), BatchReturner.closingField, "1"),
            .eval(RedisScripts.expire, keys: [keys.worker(incarnation), keys.workers, keys.reaped], incarnation, ""),
            .eval(RedisScripts.leave, keys: [keys.janitor], incarnation),
        ])
        for reply in replies { try reply.checked() }
        try await BatchReturner(broker: broker).returnAll(of: incarnation, because: .closing, turns: ledger.withLock(\.turns))
        _ = try await broker.client.uncancelledReplies([RedisCommand("HDEL", keys.flight(incarnation), BatchReturner.closingField)])
    }
}
