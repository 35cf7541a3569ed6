import ApiumCore
import Logging
import NIOCore
import RedisClient
import Synchronization

/// The shared duties: due jobs go to their queues, jobs of dead workers are returned, those of Python's too, bounds are kept. One session at a time has them; the
/// lease for it is short, and whoever follows goes on where the last one stopped.
final class Janitor: Sendable {
    private struct State {
        var observer = LeaseObserver()
        /// The run of the server, as it was asked for over this connection.
        var server: (connection: ObjectIdentifier, run: String?)?
        /// How often the renewal counters are read: four times in the shortest lease, and at least each second.
        var lookPeriod = Duration.milliseconds(100)
        /// Whether this session reads them although another is janitor: until the first look nobody knows.
        var isDeputy = true
        /// How long the lease of each worker is: it never changes.
        var leases: [String: Duration] = [:]
        /// What it is told of that is due soon.
        var notices: RedisSubscription?
        var alarm = RestAlarm()
        /// Until when the lease is certainly this session's and not asked for again: rounds may follow one another quickly.
        var isHeldUntil: SuspendingClock.Instant?
        var lastDone: [Duty: SuspendingClock.Instant] = [:]
        var sweeps = SweepSchedule()

        /// How often the renewal counters are looked at beside the janitor.
        var watchPeriod: Duration { isDeputy ? lookPeriod : .seconds(30) }
        /// How often this session looks at them.
        var ownLookPeriod: Duration { isHeldUntil == nil ? watchPeriod : lookPeriod }
    }

    /// What is not done in every round.
    private enum Duty { case look, restore, trim, listen }

    private let broker: RedisBroker
    private let incarnation: String
    private let unacked: UnackedRestorer
    private let state = Mutex(State())
    /// Ends the rest between two rounds.
    private let signal = Signal()

    init(broker: RedisBroker, incarnation: String) {
        self.broker = broker
        self.incarnation = incarnation
        unacked = UnackedRestorer(broker: broker, token: incarnation)
    }

    private var keys: RedisKeys { broker.keys }

    /// One round. See ``BrokerSession/maintain()``.
    func round() async throws -> MaintenanceReport {
        state.withLock { $0.alarm.roundBegins() }
        let report = try await duties()
        let next = SuspendingClock.now + report.next
        if state.withLock({ $0.alarm.roundEnded(next: next) }) { signal.raise() }
        return report
    }

    /// Waits for the next round; see ``BrokerSession/untilMaintenance(atMost:)``.
    func rest(atMost limit: Duration) async { await signal.wait(atMost: limit, on: broker.group.next()) }

    /// Nobody has the shared duties, as a renewal saw: the next round follows at once.
    func noteVacancy() { signal.raise() }

    /// Listens no more.
    func stop() { state.withLock { $0.notices = nil } }

    private func duties() async throws -> MaintenanceReport {
        var report = MaintenanceReport()
        let looks = isDue(.look, every: state.withLock(\.ownLookPeriod))
        let wasJanitor = state.withLock { $0.isHeldUntil != nil }
        var (isJanitor, counters) = try await ask(forCounters: looks)
        // What the last one has left undone need not wait for the next look.
        if isJanitor, !wasJanitor, counters == nil { (isJanitor, counters) = try await ask(forCounters: true) }
        report.isJanitor = isJanitor
        guard isJanitor else {
            // A deputy looks often. The many others are woken when nobody has the duties, and see now and then whether they are deputies.
            state.withLock { $0.notices = nil }
            if let counters { try await expireSilent(counters, asJanitor: false) }
            report.next = TickGrid.delay(state.withLock(\.watchPeriod), tick: state.withLock(\.lookPeriod), at: .now())
            return report
        }
        await listen()
        try await promote(&report)
        if let counters {
            try await expireSilent(counters, asJanitor: true)
            try await sweep(&report)
        }
        if isDue(.trim, every: .seconds(60)) { try await trim() }
        if isDue(.restore, every: .seconds(10)) { report.restored = try await unacked.round() }
        return report
    }

    /// The renewal counters, and the connection over which they were read.
    private struct Counters {
        var connection: RedisConnection
        var beats: [(incarnation: String, beat: String?)]
    }

    /// Takes or extends the janitor's lease, and reads the renewal counters if that is asked for: one request for both. A server that refuses the first
    /// refuses renewals, too: what was seen while it did counts for nobody.
    private func ask(forCounters looks: Bool) async throws -> (isJanitor: Bool, counters: Counters?) {
        let asked = SuspendingClock.now
        let until = state.withLock(\.isHeldUntil)
        if !looks, let until, asked < until { return (true, nil) }
        do {
            let connection = try await broker.client.connection()
            // Whoever has not had it looks first whether it is free: a script costs the server more than all the rest of the request.
            let first = until == nil ? vacancyCommands : [leaseCommand]
            let replies = try await connection.pipeline(first + (looks ? [RedisCommand("ZRANGE", keys.workers, 0, -1, "WITHSCORES")] : []))
            var isHeld = try replies[0].checked() == .integer(1)
            if until == nil {
                let holder = try replies[1].checked()
                isHeld = holder.isNull || holder.string == incarnation
                if isHeld { isHeld = try await connection.pipeline([leaseCommand])[0].checked() == .integer(1) }
            }
            // A quarter of it, so that whoever holds it extends it in time, a little less for timers that end early; and asked anew before each look at
            // the renewal counters.
            state.withLock { $0.isHeldUntil = isHeld ? asked + min(Self.lease / 4, $0.lookPeriod) * 0.9 : nil }
            guard looks else { return (isHeld, nil) }
            let beats = try replies[first.count].checked().asPairs().map { (incarnation: try $0.field.asString(), beat: $0.value.string) }
            return (isHeld, Counters(connection: connection, beats: beats))
        } catch {
            state.withLock { state in
                state.observer.interrupt()
                state.isHeldUntil = nil
                state.lastDone[.look] = nil
            }
            throw RedisFailure.apiumError(error)
        }
    }

    private var leaseCommand: RedisCommand {
        .eval(RedisScripts.janitor, keys: [keys.janitor, keys.worker(incarnation)], incarnation, Self.lease.wholeMilliseconds)
    }

    /// Who has the lease; and before it what the script begins with, for the same reason: a write that does nothing.
    private var vacancyCommands: [RedisCommand] { [RedisCommand("PERSIST", keys.worker(incarnation)), RedisCommand("GET", keys.janitor)] }

    /// How long the duties stay with a session that says nothing.
    private static let lease = Duration.seconds(2)

    /// How many messages one step of the promotion moves: short enough not to hold the server up.
    private static let promotionSize = 200

    private func promote(_ report: inout MaintenanceReport) async throws {
        while true {
            let answer = try await broker.client.reply(
                .eval(RedisScripts.promote, keys: [keys.scheduled, keys.scheduledMessages, keys.waiting], Self.promotionSize)
            ).asArray()
            let moved = answer.first?.int ?? 0
            report.promoted += moved
            if moved == Self.promotionSize { continue }
            let due = answer.count > 1 ? answer[1].int ?? -1 : -1
            let look = answer.count > 2 ? answer[2].int ?? -1 : -1
            let nextLook = look == 0 ? try await broker.releaseWaiting() : look
            let next = [due, nextLook].filter { $0 >= 0 }.min().map { max(.milliseconds(1), Duration.microseconds($0)) }
            let (isTold, period) = state.withLock { ($0.notices != nil && broker.subscriber.isConnected, $0.lookPeriod) }
            let rest = isTold ? TickGrid.delay(min(Self.longestRest, period), tick: Self.longestRest, at: .now()) : Self.deafRest
            report.next = min(next ?? rest, rest)
            return
        }
    }

    /// How long the janitor rests at most: what is due sooner than twice this is told to it (`due.lua`).
    private static let longestRest = Duration.milliseconds(500)
    /// And while it hears nothing, because it may not subscribe or the connection is broken.
    private static let deafRest = Duration.milliseconds(20)

    /// Has itself told of what is due soon.
    private func listen() async {
        guard state.withLock({ $0.notices == nil }), isDue(.listen, every: .seconds(1)) else { return }
        do {
            let notices = try await broker.subscriber.subscribe(channels: [keys.scheduled]) { [weak self] in self?.hear($0) }
            state.withLock { $0.notices = notices }
        } catch {
            broker.logger.debug("What is due soon is looked for, and not told", metadata: ["error": "\(error)"])
        }
    }

    private func hear(_ event: RedisSubscriptionEvent) {
        var delay = Duration.zero
        if case .message(let message) = event { delay = .microseconds(Int64(String(decoding: message.payload, as: UTF8.self)) ?? 0) }
        let due = SuspendingClock.now + delay
        if state.withLock({ $0.alarm.tell(due) }) { signal.raise() }
    }

    private func isDue(_ duty: Duty, every period: Duration) -> Bool {
        let now = SuspendingClock.now
        return state.withLock { state in
            // A timer that ended a little early is no reason to wait for another period.
            if let last = state.lastDone[duty], last.duration(to: now) < period * 0.9 { return false }
            state.lastDone[duty] = now
            return true
        }
    }

    // MARK: Dead workers

    /// How many sessions read the renewal counters beside the janitor: what was seen of a silent worker would be lost with it. Those that
    /// have just died stand among them until they are reaped, so that it has to be some more than are wanted.
    private static let deputies = 7

    /// Takes the lease of those who have been silent for all of it. Any session may: the step compares the counter.
    private func expireSilent(_ counters: Counters, asJanitor isJanitor: Bool) async throws {
        let connection = counters.connection
        guard let workers = try await workers(counters, isJanitor) else { return }
        let silences = SilenceBoard(keys: keys, connection: connection)
        let sight = LeaseObserver.Sight(server: try await server(connection), connection: ObjectIdentifier(connection))
        let told = state.withLock(\.observer.isFresh) ? try await silences.read(in: sight.server) : [:]
        let (expired, silent) = state.withLock { state in
            let expired = state.observer.look(workers, through: sight, told: told, at: .now)
            let shortest = workers.map(\.lease).min() ?? .seconds(4)
            state.lookPeriod = min(.seconds(1), shortest / (state.observer.isInHaste ? 12 : 4))
            return (expired, state.observer.silent(among: workers))
        }
        for (incarnation, beat) in expired {
            let isGone = try await broker.client.reply(
                .eval(RedisScripts.expire, keys: [keys.worker(incarnation), keys.workers, keys.reaped], incarnation, beat ?? ""))
            if isGone == .integer(1) { broker.logger.notice("A worker has lost its lease", metadata: ["incarnation": "\(incarnation)"]) }
        }
        try await silences.write(silent, in: sight.server)
    }

    /// The run of the server that a connection leads to; nil when it does not say.
    private func server(_ connection: RedisConnection) async throws -> String? {
        if let known = state.withLock(\.server), known.connection == ObjectIdentifier(connection) { return known.run }
        do {
            let reply = try await connection.pipeline([RedisCommand("INFO", "server")])[0]
            let run = reply.string.flatMap { ServerInformation($0)["run_id"] }
            state.withLock { $0.server = (ObjectIdentifier(connection), run) }
            return run
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// What is known of all workers; nil when others look already: the first few by their incarnations.
    private func workers(_ counters: Counters, _ isJanitor: Bool) async throws -> [LeaseObserver.Look]? {
        let before = counters.beats.count { $0.incarnation < incarnation }
        state.withLock { $0.isDeputy = before < Self.deputies }
        guard isJanitor || before < Self.deputies else { return nil }
        do {
            let leases = try await leases(of: counters.beats.map(\.incarnation), counters.connection)
            return counters.beats.map { ($0.incarnation, $0.beat, leases[$0.incarnation] ?? .seconds(5)) }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// Asks for those of workers that were not seen before, and forgets those that are gone.
    private func leases(of incarnations: [String], _ connection: RedisConnection) async throws -> [String: Duration] {
        let known = state.withLock(\.leases)
        let new = incarnations.filter { known[$0] == nil }
        guard !new.isEmpty || known.count != incarnations.count else { return known }
        var leases = known.filter { Set(incarnations).contains($0.key) }
        for (incarnation, reply) in zip(new, try await connection.pipeline(new.map { RedisCommand("HGET", keys.worker($0), "lease_ms") })) {
            leases[incarnation] = reply.int.map { .milliseconds($0) }
        }
        state.withLock { $0.leases = leases }
        return leases
    }

    /// Returns what reaped workers held, those of earlier janitors too: a blocked read of a stopped worker may have moved something since.
    ///
    /// Who was reaped last comes first. Of a week's dead workers nearly all have nothing left, and are asked about together: before what somebody has just
    /// left behind, a janitor that lives for seconds would never come to it.
    private func sweep(_ report: inout MaintenanceReport) async throws {
        var since = "-inf"
        if let age = state.withLock({ $0.sweeps.next(at: .now) }) {
            since = String((try await broker.serverTime() + (.zero - age)).microseconds / 1000)
        }
        let reaped = try await broker.client.reply(RedisCommand("ZREVRANGEBYSCORE", keys.reaped, "+inf", since)).asArray().map { try $0.asString() }
        let returner = BatchReturner(broker: broker)
        var failure: (any Error)?
        for first in stride(from: 0, to: reaped.count, by: BatchReturner.atOnce) {
            let registers = try await returner.registers(of: reaped[first...].prefix(BatchReturner.atOnce))
            // One whose jobs can't be returned now, because the result backend is away, holds up no other.
            for register in registers { do { try await sweep(register, returner, &report) } catch { failure = error } }
        }
        if let failure { throw failure }
    }

    private func sweep(_ register: BatchReturner.Register, _ returner: BatchReturner, _ report: inout MaintenanceReport) async throws {
        // What arrives after the worker was reaped was never run by it, so it is no crash of the job.
        let cause: ReturnPlan.Cause = register.wasReturned ? .unclaimed : register.wasClosing ? .closing : .crash
        for batch in register.filled {
            let tally = try await returner.returnBatch(batch, of: register.incarnation, because: cause, keepOpen: true)
            report.reaped += tally.returned
            report.quarantined += tally.quarantined
        }
        if register.wasReturned { return }
        let flight = keys.flight(register.incarnation)
        let expiry = RedisCommand("EXPIRE", flight, Self.sweptFor.components.seconds)
        // A worker that is just closing removes its register itself.
        let isEmptied = register.wasClosing && register.batches.isEmpty
        _ = try await broker.client.replies(isEmptied ? [expiry] : [RedisCommand("HSET", flight, BatchReturner.returnedField, "1"), expiry])
    }

    /// How long reaped workers are swept.
    private static let sweptFor = Duration.days(7)

    // MARK: Bounds

    private func trim() async throws {
        let oldest = try await broker.serverTime() + (.zero - Self.sweptFor)
        try await broker.client.reply(RedisCommand("ZREMRANGEBYSCORE", keys.reaped, "-inf", oldest.microseconds / 1000))
        for shelf in Shelf.allCases { try await broker.trim(shelf) }
    }
}
