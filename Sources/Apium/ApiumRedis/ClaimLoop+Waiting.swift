import ApiumCore
import NIOCore
import RedisClient

extension ClaimLoop {
    /// Waits until a blocked read is over or something else happens: one connection per list, the rest is looked at from time to time.
    func wait() async throws {
        let lists = state.withLock { $0.rotation.standing }
        let waited = lists.prefix(broker.options.waitingConnections)
        guard try await startWaiting(waited) else { return }
        let isComplete = waited.count == lists.count
        await signal.wait(atMost: isComplete ? broker.options.blockingTimeout + .seconds(1) : Self.lookPeriod, on: broker.group.next())
        if !isComplete { try await look(at: lists.dropFirst(waited.count)) }
        // With every queue paused nothing is read: a round trip tells that the server is there.
        if lists.isEmpty {
            _ = try await link().submit([RedisCommand("PING")]).get()
            session.noteFetch()
        }
    }

    /// Makes lists hot that hold something. Groups of them are asked for at once first: mostly none of a group does.
    private func look(at lists: ArraySlice<String>) async throws {
        let groups = Self.groups(lists)
        let replies = try await link().submit(groups.map { RedisCommand("EXISTS", arguments: $0) }).get()
        let filled = try zip(groups, replies).filter { try $1.asInt() > 0 }.flatMap(\.0)
        if !filled.isEmpty { try await lookAtEach(filled) }
    }

    /// Lists about which one command asks.
    fileprivate static func groups(_ lists: ArraySlice<String>) -> [ArraySlice<String>] {
        stride(from: lists.startIndex, to: lists.endIndex, by: groupSize).map { lists[$0...].prefix(groupSize) }
    }

    private static let groupSize = 64

    /// How long a list on which no read waits may go without being asked about, while lists are waited on, and while others are claimed from.
    fileprivate static let lookPeriod = Duration.milliseconds(50)

    /// Makes lists hot that hold something. A key that is no list holds nothing.
    func lookAtEach(_ lists: [String]) async throws {
        let replies = try await link().submit(lists.map { RedisCommand("LLEN", $0) }).get()
        state.withLock { state in
            for (list, reply) in zip(lists, replies) {
                guard let length = reply.int, length > 0 else { continue }
                state.rotation.setHot(list, true)
                state.lengths[list] = length
            }
        }
    }

    /// Begins a read for each list on which none waits. The batches are registered before. False when a read has ended since its outcome
    /// was last looked for: there is something to collect, and nothing to wait for.
    private func startWaiting(_ lists: ArraySlice<String>) async throws -> Bool {
        let waiters = lists.map { waiter(for: $0) }
        // One that ends after this look raises the signal, which is then still there when it is waited for.
        guard waiters.allSatisfy({ $0.isIdle || $0.isWaiting }) else { return false }
        var waiting: [(waiter: KeyWaiter, source: Source)] = []
        for waiter in waiters where waiter.isIdle { waiting.append((waiter, Source(list: waiter.list, batch: takeBatch(waiter.list)))) }
        var started = 0
        do {
            let unknown = state.withLock { state in waiting.map(\.source).filter { !state.idle.contains($0.batch) && !state.lively.contains($0.list) } }
            try await register(unknown)
            try await openConnections(of: waiting.map(\.waiter))
            for (waiter, source) in waiting {
                try await start(waiter, source)
                started += 1
            }
            return true
        } catch {
            // Nothing was moved by those that didn't start; registered or not, opening them again is harmless. What the others bring is
            // collected.
            state.withLock { $0.uncertain += waiting[started...].map(\.source) }
            throw error
        }
    }

    /// Opens the connections that are missing, all at once: where each takes its time, such as behind a sentinel that is silent, nothing would be
    /// collected until the last one is there.
    private func openConnections(of waiters: [KeyWaiter]) async throws {
        let opening = waiters.filter { $0.connection == nil }.map { waiter in open("wait").map { waiter.adopt($0) } }
        guard !opening.isEmpty else { return }
        for result in try await EventLoopFuture.whenAllComplete(opening, on: broker.group.next()).get() { try result.get() }
    }

    private func register(_ sources: [Source]) async throws {
        guard !sources.isEmpty else { return }
        let reply = try await link().submit([openCommand(sources, fences: sources.map { _ in 0 })]).get()[0]
        state.withLock { $0.idle.formUnion(sources.map(\.batch)) }
        guard try reply.checked() != .integer(-1) else {
            session.noteLeaseLost()
            throw ApiumError(.unavailable, "the session has lost its lease; open a new one")
        }
        session.noteFetch()
    }

    /// How long reads wait: until the next tick, so that those of many workers begin anew together. Where we can't end a connection a read that
    /// failed may move something for as long as it would have waited, so there they are short.
    private func readTimeout(_ connection: RedisConnection) async throws -> Duration {
        let isShort = try await !canEnd() || connection.clientID == nil
        let longest = isShort ? min(broker.options.blockingTimeout, Self.shortRead) : broker.options.blockingTimeout
        let timeout = TickGrid.delay(longest, tick: .seconds(1), at: .now())
        state.withLock { $0.longestRead = max($0.longestRead, timeout) }
        return timeout
    }

    private static let shortRead = Duration.seconds(5)

    /// Whether the server lets us end connections; asked once, with the number of none.
    private func canEnd() async throws -> Bool {
        if let known = state.withLock(\.canEnd) { return known }
        let link = try await link()
        guard let id = link.clientID else { return false }
        let replies = try await link.submit([RedisCommand("CLIENT", "LIST", "ID", id), RedisCommand("CLIENT", "KILL", "ID", 0)]).get()
        let canEnd = !replies.contains { $0.error?.code == "NOPERM" }
        state.withLock { $0.canEnd = canEnd }
        return canEnd
    }

    private func start(_ waiter: KeyWaiter, _ source: Source) async throws {
        let connection: RedisConnection
        if let existing = waiter.connection { connection = existing } else { connection = try await open("wait").get() }
        let destination = keys.batch(session.incarnation, source.batch)
        let timeout = try await readTimeout(connection)
        // Behind a read that brings nothing the batch is opened all the same: then it is no longer idle.
        let isLively = state.withLock { state in
            if state.lively.contains(source.list) { state.idle.remove(source.batch) }
            return state.lively.contains(source.list)
        }
        let steps = isLively ? KeyWaiter.Steps(register: registerCommand([source]), open: openCommand([source], fences: [1])) : nil
        waiter.start(source.batch, into: destination, with: steps, on: connection, timeout: timeout) { [signal, session] answered in
            if answered { session.noteFetch() }
            signal.raise()
        }
    }

    private func waiter(for list: String) -> KeyWaiter {
        state.withLock { state in
            if let waiter = state.waiters[list] { return waiter }
            let waiter = KeyWaiter(list: list)
            state.waiters[list] = waiter
            return waiter
        }
    }

    /// Takes what the waiting reads have brought, and keeps the books of those that brought nothing or failed.
    func collect() -> (arrived: [Source], failure: (any Error)?) {
        let waiters = state.withLock { Array($0.waiters.values) }
        var arrived: [Source] = []
        var failure: (any Error)?
        for waiter in waiters {
            switch waiter.take() {
            case .idle, .waiting: break
            case .nothing(let batch):
                state.withLock { state in
                    state.spare[waiter.list] = batch
                    state.lively.remove(waiter.list)
                }
            case .arrived(let batch, let payload, let opening):
                state.withLock { _ = $0.lively.insert(waiter.list) }
                arrived.append(Source(list: waiter.list, batch: batch, first: payload, opening: opening))
            case .failed(let batch, let error):
                failure = error
                if let connection = waiter.takeConnection() {
                    connection.closeNow()
                    retire(connection, "wait")
                }
                state.withLock { $0.uncertain.append(Source(list: waiter.list, batch: batch)) }
            }
        }
        return (arrived, failure)
    }

    // MARK: Reads that wait in vain

    /// The batches and keys of the reads that wait now.
    var waitingReads: [Int: [String]] {
        let waiters = state.withLock { Array($0.waiters.values) }
        return Dictionary(waiters.compactMap(\.reading).map { ($0.batch, $0.keys) }) { $1 }
    }

    /// A read may wait in vain: the claiming task ends all of them, and those that can't be ended are dead.
    func suspectReads() {
        state.withLock { $0.hasDeafReads = true }
        signal.raise()
    }

    func settleSuspects() async {
        state.withLock { $0.hasDeafReads = false }
        await settle(patience: .milliseconds(500))
    }

    // MARK: Ending the wait

    /// Ends all waiting reads and gives back what they brought: a busy worker must not hold what an idle one could run.
    /// - Parameter patience: How long a read may take to end before its connection counts as dead.
    func settle(patience: Duration = .seconds(2)) async {
        let started = ContinuousClock.now
        while true {
            let waiting = state.withLock { $0.waiters.values.filter(\.isWaiting) }
            if waiting.isEmpty { break }
            await unblock(waiting, patience: ContinuousClock.now - started < patience)
        }
        await giveBack(collect().arrived)
    }

    /// Unblocks reads. A read that was sent but not begun yet is not unblocked, so this is repeated until they are over.
    private func unblock(_ waiting: [KeyWaiter], patience: Bool) async {
        let ids = waiting.compactMap { $0.connection?.clientID }
        do {
            guard patience, ids.count == waiting.count else { throw ApiumError(.timedOut, "waiting reads could not be ended") }
            let replies = try await link().submit(ids.map { RedisCommand("CLIENT", "UNBLOCK", $0) }, timeout: .seconds(1)).get()
            for reply in replies { try reply.checked() }
        } catch {
            for waiter in waiting {
                if let connection = waiter.connection { retire(connection, "wait") }
                waiter.dropConnection()
            }
            // What took so long over this connection may be as deaf.
            if (error as? RedisClientError)?.code == .timedOut { dropLink() }
        }
        let over = EventLoopFuture.andAllComplete(waiting.compactMap(\.done), on: broker.group.next())
        let timer = broker.group.next().scheduleTask(in: .milliseconds(5)) {}
        try? await over.or(timer.futureResult, on: broker.group.next()).get()
        timer.cancel()
    }

    /// Gives batches back whole, as they were, to the front of their lists. What can't be given back now is looked at by the next claim, or
    /// when the session closes.
    /// - Parameter link: The connection over which it was moved; nil: the broker's own.
    func giveBack(_ sources: [Source], over link: RedisConnection? = nil) async {
        for source in sources {
            do {
                let batch = BatchReturner.Batch(number: source.batch, list: source.list)
                _ = try await BatchReturner(broker: broker, link: link).returnBatch(batch, of: session.incarnation, because: .unclaimed, keepOpen: false)
                state.withLock { _ = $0.idle.remove(source.batch) }
                session.ledger.withLock { $0.forget(source.batch) }
                state.withLock { $0.rotation.setHot(source.list, true) }
            } catch {
                state.withLock { $0.uncertain.append(Source(list: source.list, batch: source.batch)) }
            }
        }
    }

    // MARK: Between claims

    /// After a claim that left room the reads go on, for the next claim is near. If it doesn't come, or the claim left no room, they must
    /// not keep what arrives: they are ended while the jobs begin to run.
    func startIdling(for time: Duration) {
        guard state.withLock({ $0.waiters.values.contains { $0.isWaiting } }) else { return }
        let number = state.withLock { state in
            state.idlers += 1
            state.idler = state.idlers
            return state.idlers
        }
        // A timer of the event loop: nearly always the next claim comes first, and a sleeping task for each would cost more than the claim.
        let timer = broker.group.next().scheduleTask(in: TimeAmount(time)) {
            self.state.withLock { state in
                guard state.idler == number else { return }
                state.idler = nil
                state.settling = Task { await self.settle() }
            }
        }
        state.withLock { if $0.idler == number { $0.idleTimer = timer } }
    }

    func endIdling() async {
        let (timer, settling) = state.withLock { state in
            state.idler = nil
            return (state.idleTimer.take(), state.settling.take())
        }
        timer?.cancel()
        await settling?.value
    }

    /// Ends everything, so that nothing arrives any more: for the session's close.
    func stop() async {
        await endIdling()
        while state.withLock({ $0.busy }) {
            signal.raise()
            await broker.group.next().pause(.milliseconds(2))
        }
        await settle()
        // A read that was given up here may still wait on the server, and would move a message behind the close's back.
        do { try await endRetired(try await link()) } catch { session.noteFailure(error) }
        let connections = state.withLock { state in
            defer { state.waiters = [:] }
            return state.waiters.values.compactMap(\.connection) + [state.link.take()].compactMap { $0 }
        }
        for connection in connections { await connection.close() }
    }
}

extension EventLoopFuture where Value == Void {
    /// Completes when either of the two has.
    fileprivate func or(_ other: EventLoopFuture<Void>, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        let first = FirstOf(promise)
        whenComplete { _ in first.fulfil() }
        other.whenComplete { _ in first.fulfil() }
        return promise.futureResult
    }
}

extension ClaimLoop.State {
    /// The lists that gave nothing last time and on which no read waits, to be asked about on the way, in groups: the most urgent with each claim, and
    /// from time to time all, for a list that always has something must not keep a claim from those behind the first.
    mutating func coldGroups(_ limit: Int, at now: ContinuousClock.Instant) -> [ArraySlice<String>] {
        let isDue = lookedAtAll.map { $0 + ClaimLoop.lookPeriod <= now } ?? true
        if isDue { lookedAtAll = now }
        let lists = rotation.cold(isDue ? .max : limit).filter { waiters[$0]?.isWaiting != true }
        return ClaimLoop.groups(lists[...])
    }
}
