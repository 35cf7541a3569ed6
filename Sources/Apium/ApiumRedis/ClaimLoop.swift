import ApiumCore
import Logging
import NIOCore
import RedisClient
import Synchronization

/// Claims jobs for one session: moves messages from ready lists into batches of the session's own, and waits while there are none.
///
/// A batch is registered with its source list before anything is moved into it, and its number is the claim's nonce: after any error on a
/// connection, that connection is ended on the server's side and the same batch is read, so a cut reply loses nothing and nothing is moved
/// behind our back. Everything here is done by the one task that claims; what callbacks touch is in `KeyWaiter` and `Signal`.
final class ClaimLoop: Sendable {
    /// A batch and the list it is filled from.
    struct Source: Sendable {
        var list: String
        var batch: Int
        /// What a blocked read has moved to the batch's first place already.
        var first: [UInt8]?
        /// What the steps behind that read answered, if it had some.
        var opening: KeyWaiter.Opening?
        /// When the connection that wrote to it has certainly ended, if the server doesn't let us end it: not before may the batch be read.
        var readable: ContinuousClock.Instant?

        func isReadable(at now: ContinuousClock.Instant) -> Bool { readable.map { $0 <= now } ?? true }
    }

    struct State {
        var rotation: ReadyRotation
        var link: RedisConnection?
        /// Whether there was a link before.
        var hasHadLink = false
        /// Whether the server may hold something for batches that are over; see `ClaimLoop.returnForgotten`.
        var mayHoldForgotten = false
        /// Registered batches that are empty, by their list.
        var spare: [String: Int] = [:]
        /// Batches that are registered as idle: what a blocked read brings into them has been given to nobody.
        var idle: Set<Int> = []
        /// The lists whose last read brought something: the next one opens its batch itself, so that what it brings is given out at once. On a
        /// list on which nothing comes that would be a script for each read that ends in vain.
        var lively: Set<String> = []
        /// Batches that may hold messages whose replies were cut.
        var uncertain: [Source] = []
        /// Connections that failed on our side and may live on at the server's.
        var retired: [(id: Int, name: String)] = []
        /// Whether a connection failed whose number we don't know, because the server doesn't tell.
        var hasNameless = false
        /// Whether it was said that the server doesn't let us end connections.
        var hasNotedRefusal = false
        /// Whether the server lets us end connections; nil until it was asked.
        var canEnd: Bool?
        /// The longest time for which a read was to wait.
        var longestRead = Duration.zero
        /// Whether a read may wait in vain; see ``DeafReads``.
        var hasDeafReads = false
        /// When all lists that gave nothing were last asked about.
        var lookedAtAll: ContinuousClock.Instant?
        var waiters: [String: KeyWaiter] = [:]
        /// How many messages each list held when it was last looked at.
        var lengths: [String: Int] = [:]
        var pace = TurnPace()
        /// Lists that gave nothing lately, and of which some hold something now.
        var awoken: [String] = []
        /// Gives waiting reads up when nobody claims.
        var idler: Int?
        var idlers = 0
        var idleTimer: Scheduled<Void>?
        /// Its work, once it has begun.
        var settling: Task<Void, Never>?
        var busy = false
        /// The queues to serve from the next attempt on; `nil`: no change.
        var nextQueues: [String]?
    }

    let session: RedisSession
    let state: Mutex<State>
    let signal = Signal()

    init(session: RedisSession) {
        self.session = session
        state = Mutex(State(rotation: ReadyRotation(queues: session.identity.queues, keys: session.keys)))
    }

    var broker: RedisBroker { session.broker }
    var keys: RedisKeys { session.keys }

    /// See ``BrokerSession/claim(limit:)``.
    func claim(limit: Int) async throws -> Claim {
        guard limit > 0 else { throw ApiumError(.invalidConfiguration, "a claim's limit is \(limit); it must be 1 or more") }
        await endIdling()
        state.withLock { $0.busy = true }
        defer { state.withLock { $0.busy = false } }
        do {
            let claim = try await claimAtLast(limit)
            startIdling(for: claim.deliveries.count >= limit ? Self.busyGrace : .milliseconds(50))
            return claim
        } catch {
            await settle()
            throw error
        }
    }

    /// How long reads go on when a claim left no room: most jobs are over by then, and ending and beginning all reads again for each of them
    /// costs the server more than the job. What one brings in this time waits for the next claim, or goes back.
    private static let busyGrace = Duration.milliseconds(10)

    /// Tries until something is claimed; an error of the connection or of the server is waited out (invariant 11).
    private func claimAtLast(_ limit: Int) async throws -> Claim {
        var failures = 0
        while true {
            try Task.checkCancellation()
            try session.checkUsable()
            do {
                if let claim = try await attempt(limit) { return claim }
                if !session.isFetchFailing { failures = 0 }
            } catch  where error is RedisServerError || (error as? RedisClientError).map({ $0.code != .shutdown }) ?? false {
                failures += 1
                session.noteFailure(error)
                dropLink()
                try await Task.sleep(for: BackoffDelay.after(failures))
            }
        }
    }

    /// One attempt, in the order of urgency: what was cut, what has arrived, what lists hold; else waits for something to arrive.
    private func attempt(_ limit: Int) async throws -> Claim? {
        await changeQueues()
        if state.withLock(\.hasDeafReads) { await settleSuspects() }
        let awoken = state.withLock { state in
            defer { state.awoken = [] }
            return state.awoken
        }
        if !awoken.isEmpty { try await lookAtEach(awoken) }
        if state.withLock({ !$0.uncertain.isEmpty || !$0.retired.isEmpty }) {
            if let claim = try await recover(limit) { return claim }
        }
        try await returnForgotten()
        let (arrived, failure) = collect()
        if let failure {
            state.withLock { $0.uncertain += arrived }
            throw failure
        }
        if !arrived.isEmpty {
            let surplus = arrived.dropFirst(limit)
            await giveBack(Array(surplus))
            let taken = Array(arrived.prefix(limit))
            if let claim = try await opened(taken) { return claim }
            let shares = zip(taken, ReadyRotation.shares(limit, among: taken.count)).map { source, share in
                min(share, Self.wanted(state.withLock { $0.lengths[source.list] }))
            }
            return try await fetch(taken, shares)
        }
        let plan = state.withLock { state in
            state.rotation.plan(limit, share: state.pace.share(at: .now)) { Self.wanted(state.lengths[$0]) }
        }
        if !plan.isEmpty {
            let sources = plan.map { Source(list: $0.list, batch: takeBatch($0.list)) }
            return try await fetch(sources, plan.map(\.count))
        }
        try await wait()
        return nil
    }

    // MARK: Moving

    /// What reads have brought that have opened their batches; nil when one has not, then all are opened by the fetch that looks for more.
    private func opened(_ sources: [Source]) async throws -> Claim? {
        let openings = sources.compactMap(\.opening)
        guard openings.count == sources.count else { return nil }
        let answers = openings.map { $0.answer.array ?? [] }
        guard answers.allSatisfy({ $0.count == 2 }) else {
            return try await leaseLost(sources) { source in self.state.withLock { $0.waiters[source.list] }?.connection }
        }
        var claim = Claim(deliveries: [], controlEpoch: answers.map { Int64($0[1].int ?? 0) }.max() ?? 0)
        for ((source, opening), answer) in zip(zip(sources, openings), answers) {
            claim.deliveries += noteClaimed(source, [source.first].compactMap { $0 }, fence: Int64(answer[0].int ?? 0), left: opening.left)
        }
        return claim
    }

    /// Registers the batches and moves into each what is its share, in one round trip; and looks for news in the lists that were empty and that no
    /// read waits on, and how much those hold whose turn is next. For a list that gave a message to a read the next read's batch is registered
    /// on the way.
    private func fetch(_ sources: [Source], _ shares: [Int]) async throws -> Claim? {
        let (cold, coming) = state.withLock { state in
            state.idle.subtract(sources.map(\.batch))
            let cold = state.coldGroups(broker.options.waitingConnections, at: .now)
            let taken = Set(sources.map(\.list))
            let coming = state.rotation.mostUrgentHot(2 * sources.count).filter { !taken.contains($0) }.prefix(sources.count)
            return (cold, Array(coming))
        }
        let next = sources.filter { $0.first != nil }.map { source in Source(list: source.list, batch: session.ledger.withLock { $0.makeBatch() }) }
        // Whether the worker is registered still the script says: where it is not, nothing is read into the next batches.
        var commands = moveCommands(sources, shares, next: next)
        for list in sources.map(\.list) + coming { commands.append(RedisCommand("LLEN", list)) }
        commands += cold.map { RedisCommand("EXISTS", arguments: $0) }
        let link: RedisConnection
        let replies: [RESPValue]
        do {
            link = try await self.link()
            replies = try await link.submit(commands).get()
            // A key among those to come that is no list fails when it is claimed from, and no other claim.
            for reply in replies.dropLast(coming.count + cold.count) { try reply.checked() }
        } catch {
            state.withLock { $0.uncertain += sources + next }
            throw error
        }
        session.noteFetch()
        let lengths = replies.suffix(sources.count + coming.count + cold.count).map { $0.int ?? 0 }
        state.withLock { state in
            for (list, length) in zip(coming, lengths.dropFirst(sources.count)) { state.lengths[list] = length }
            state.awoken = zip(cold, lengths.suffix(cold.count)).filter { $1 != 0 }.flatMap(\.0)
            for source in next {
                state.idle.insert(source.batch)
                state.spare[source.list] = source.batch
            }
        }
        return try await deliver(sources, shares, replies, left: lengths, over: link)
    }

    /// How much is asked of a list: what it held when it was last looked at. Of one that was empty a little, for a read has brought something or
    /// others have seen something; and of one that was never looked at.
    private static func wanted(_ length: Int?) -> Int { length.map { max($0, 4) } ?? 16 }

    /// Registers the batches, moves, and takes fences last: for all of them in one step, for a step costs more than what it does for a batch.
    ///
    /// The server may do the first of these commands and, when the worker's process or the network stood still in between, the last much
    /// later. What is moved into a batch that is not registered would be lost with its worker. And a fence that was taken before the move
    /// could be lower than that of a run which another worker began and lost meanwhile (invariant 3). A script that the server doesn't know
    /// by its hash runs behind what follows it, so only the last may be one. Until it has run nobody was given what was moved: the batches
    /// are idle.
    /// - Parameter next: Batches of the reads to come, to be registered on the way.
    func moveCommands(_ sources: [Source], _ shares: [Int], next: [Source] = []) -> [RedisCommand] {
        var commands = [registerCommand(sources + next)]
        for (source, share) in zip(sources, shares) {
            let move = RedisCommand("LMOVE", source.list, keys.batch(session.incarnation, source.batch), "RIGHT", "RIGHT")
            commands += repeatElement(move, count: moves(source, share))
        }
        commands.append(openCommand(sources, fences: shares))
        return commands
    }

    /// Registers batches that nobody was given anything of.
    func registerCommand(_ sources: [Source]) -> RedisCommand {
        var command = RedisCommand("HSET", keys.flight(session.incarnation))
        for source in sources {
            command.append(source.batch)
            command.append(source.list)
            command.append("idle:\(source.batch)")
            command.append("1")
        }
        return command
    }

    private func moves(_ source: Source, _ share: Int) -> Int { max(0, share - (source.first == nil ? 0 : 1)) }

    func openCommand(_ sources: [Source], fences: [Int]) -> RedisCommand {
        var command = RedisCommand.eval(
            RedisScripts.open,
            keys: [keys.worker(session.incarnation), keys.flight(session.incarnation), keys.fence, keys.control, keys.reaped], session.incarnation)
        for (source, fences) in zip(sources, fences) {
            command.append(source.batch)
            command.append(source.list)
            command.append(fences)
        }
        return command
    }

    /// Reads the replies of `moveCommands`.
    /// - Parameter left: How much each of the sources' lists holds still.
    private func deliver(
        _ sources: [Source], _ shares: [Int], _ replies: [RESPValue], left: [Int], over link: RedisConnection
    ) async throws -> Claim? {
        let end = 1 + zip(sources, shares).reduce(0) { $0 + moves($1.0, $1.1) }
        guard let answer = replies[end].array, answer.count == 2 else { return try await leaseLost(sources) { _ in link } }
        var deliveries: [Delivery] = []
        var fence = Int64(answer[0].int ?? 0)
        var place = 1
        for ((source, share), left) in zip(zip(sources, shares), left) {
            let moved = replies[place..<place + moves(source, share)].compactMap(\.bytes)
            place += moves(source, share)
            deliveries += noteClaimed(source, (source.first.map { [$0] } ?? []) + moved, fence: fence, left: left)
            fence += Int64(share)
        }
        return deliveries.isEmpty ? nil : Claim(deliveries: deliveries, controlEpoch: Int64(answer[1].int ?? 0))
    }

    /// Enters what a batch got into the books and makes its deliveries.
    /// - Parameter left: How much its list holds still; `nil`: nobody looked.
    func noteClaimed(_ source: Source, _ payloads: [[UInt8]], fence: Int64, left: Int?) -> [Delivery] {
        let queue = state.withLock { state in
            state.rotation.setHot(source.list, left != 0)
            state.lengths[source.list] = left
            state.pace.claimed(payloads.count, at: .now)
            if payloads.isEmpty { state.spare[source.list] = source.batch } else { state.rotation.rotate(after: source.list) }
            return state.rotation.queue(of: source.list)
        }
        guard !payloads.isEmpty else { return [] }
        session.ledger.withLock { $0.claimed(source.batch, size: payloads.count) }
        return payloads.enumerated().map { index, payload in
            Delivery(tag: DeliveryTag(batch: source.batch, index: index), queue: queue, fence: fence + Int64(index), payload: payload)
        }
    }

    /// The worker was reaped: what was moved all the same goes back at once, for nobody else would look for it soon.
    /// - Parameter link: The connection that moved it: the broker's own may lead to another server, which knows nothing of it.
    private func leaseLost(_ sources: [Source], over link: (Source) -> RedisConnection?) async throws -> Claim? {
        session.noteLeaseLost()
        for source in sources { await giveBack([source], over: link(source)) }
        throw ApiumError(.unavailable, "the session has lost its lease; open a new one")
    }

    func takeBatch(_ list: String) -> Int {
        if let spare = state.withLock({ $0.spare.removeValue(forKey: list) }) { return spare }
        return session.ledger.withLock { $0.makeBatch() }
    }

    // MARK: The connection

    /// The connection for commands that don't block.
    func link() async throws -> RedisConnection {
        if let link = state.withLock({ $0.link }), link.closeReason == nil { return link }
        dropLink()
        let link = try await open("claim").get()
        state.withLock { state in
            state.link = link
            if state.hasHadLink { state.mayHoldForgotten = true }
            state.hasHadLink = true
        }
        return link
    }

    func open(_ role: String) -> EventLoopFuture<RedisConnection> {
        var configuration = broker.configuration
        configuration.clientName = connectionName(role)
        return RedisConnection.open(configuration, on: broker.group.next(), logger: broker.logger)
    }

    /// Tells our connections from others', also when numbers are given again after a restart of the server.
    func connectionName(_ role: String) -> String { "apium:\(session.incarnation):\(role)" }

    func dropLink() {
        let link = state.withLock { $0.link.take() }
        guard let link else { return }
        link.closeNow()
        retire(link, "claim")
    }

    /// Notes that the server's end of a connection must be ended before a batch it wrote to may be read.
    func retire(_ connection: RedisConnection, _ role: String) {
        state.withLock { state in
            guard let id = connection.clientID else { return state.hasNameless = true }
            state.retired.append((id, connectionName(role)))
        }
    }

    /// Serves these queues from the next attempt on; the claiming task is woken.
    func serve(_ queues: [String]) {
        state.withLock { $0.nextQueues = queues }
        signal.raise()
    }

    /// Ends the waiting reads first, so that nothing comes from a queue that is not served any more; what they had brought goes back.
    private func changeQueues() async {
        guard let queues = state.withLock({ $0.nextQueues.take() }) else { return }
        await settle()
        let unused = state.withLock { state in
            state.rotation.serve(queues)
            let lists = Set(state.rotation.all)
            let unused = state.waiters.filter { !lists.contains($0.key) }
            for list in unused.keys { state.waiters[list] = nil }
            return unused.values.compactMap(\.connection)
        }
        for connection in unused { await connection.close() }
    }

    /// Wakes the claiming task, so that it looks whether the session is still usable.
    func wake() { signal.raise() }
}
