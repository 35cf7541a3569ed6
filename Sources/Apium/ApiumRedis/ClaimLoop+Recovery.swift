import ApiumCore
import NIOCore
import RedisClient

extension ClaimLoop {
    /// After a cut reply: ends the old connections on the server's side, so that nothing is moved any more, then reads the batches they
    /// wrote to. What fits is delivered, the rest goes back.
    func recover(_ limit: Int) async throws -> Claim? {
        let link = try await link()
        let uncertain = readableNow(areEnded: try await endRetired(link))
        do {
            return try await read(uncertain, limit, link)
        } catch {
            state.withLock { $0.uncertain += uncertain }
            throw error
        }
    }

    /// Takes the uncertain batches to which nothing can be moved any more. Where the server doesn't let us end connections it ends them
    /// itself: a blocked read at the end of its wait, all else when it hears that we are gone.
    private func readableNow(areEnded: Bool) -> [Source] {
        let now = ContinuousClock.now
        return state.withLock { state in
            if !areEnded {
                for place in state.uncertain.indices where state.uncertain[place].readable == nil {
                    state.uncertain[place].readable = now + state.longestRead + .seconds(1)
                }
            }
            defer { state.uncertain.removeAll { $0.isReadable(at: now) } }
            return state.uncertain.filter { $0.isReadable(at: now) }
        }
    }

    /// Ends the connections that failed on the server's side, too. A connection's number alone may be another's by now; number and name
    /// together are ours.
    /// - Returns: Whether they are all ended; false when the server doesn't let us.
    @discardableResult
    func endRetired(_ link: RedisConnection) async throws -> Bool {
        let (retired, hasNameless) = state.withLock { ($0.retired, $0.hasNameless) }
        guard !retired.isEmpty || hasNameless else { return true }
        let lists = try await link.submit(retired.map { RedisCommand("CLIENT", "LIST", "ID", $0.id) }).get()
        let alive = zip(retired, lists).filter { $0.1.string?.contains(" name=\($0.0.name) ") ?? false }.map(\.0.id)
        let kills = try await link.submit(alive.map { RedisCommand("CLIENT", "KILL", "ID", $0) }).get()
        let refusal = (lists + kills).compactMap(\.error).first { $0.code == "NOPERM" }
        if let refusal { note(refusal) }
        state.withLock { state in
            state.retired.removeFirst(retired.count)
            state.hasNameless = false
        }
        return refusal == nil && !hasNameless
    }

    /// Said once: it is so each time.
    private func note(_ refusal: RedisServerError) {
        let isNew = state.withLock { state in
            state.canEnd = false
            defer { state.hasNotedRefusal = true }
            return !state.hasNotedRefusal
        }
        guard isNew else { return }
        broker.logger.warning(
            "Redis doesn't let us end our own broken connections (CLIENT LIST, KILL, UNBLOCK); what was on its way over them is looked for later",
            metadata: ["error": "\(refusal)"])
    }

    private func read(_ sources: [Source], _ limit: Int, _ link: RedisConnection) async throws -> Claim? {
        guard !sources.isEmpty else { return nil }
        let contents = try await link.submit(sources.map { RedisCommand("LRANGE", keys.batch(session.incarnation, $0.batch), 0, -1) }).get()
        let found = try zip(sources, contents).map { ($0, try $1.asArray().compactMap(\.bytes)) }
        state.withLock { $0.idle.subtract(sources.map(\.batch)) }
        let reply = try await link.submit([openCommand(sources, fences: found.map(\.1.count))]).get()[0].checked()
        session.noteFetch()
        guard let answer = reply.array, answer.count == 2 else {
            session.noteLeaseLost()
            await giveBack(sources, over: link)
            throw ApiumError(.unavailable, "the session has lost its lease; open a new one")
        }
        var deliveries: [Delivery] = []
        var fence = Int64(answer[0].int ?? 0)
        var surplus: [Source] = []
        for (source, payloads) in found {
            if deliveries.count + payloads.count > limit {
                surplus.append(source)
            } else {
                deliveries += noteClaimed(source, payloads, fence: fence, left: payloads.isEmpty ? 0 : nil)
            }
            fence += Int64(payloads.count)
        }
        await giveBack(surplus)
        return deliveries.isEmpty ? nil : Claim(deliveries: deliveries, controlEpoch: Int64(answer[1].int ?? 0))
    }

    /// Gives back what the server holds for batches that are over. It has lost their ends then, by a restart from older data or by a failover, and
    /// nobody else looks for them while this session lives.
    ///
    /// It cannot take a batch that somebody still runs, or that a claim is filling. Only the claiming task makes batches, and this is done by
    /// the claiming task, between claims; and the ledger knows a batch from before its registration until the server has said that it is gone,
    /// or it was returned. No number is given twice. What is ended between the reading and the return is gone on the server by then, and the return finds
    /// nothing of it; two that return the same batch exclude each other (return.lua).
    func returnForgotten() async throws {
        // A link that is made anew may lead to a server that knows less.
        let link = try await link()
        guard state.withLock(\.mayHoldForgotten) else { return }
        state.withLock { $0.mayHoldForgotten = false }
        do {
            let register = try await link.submit([RedisCommand("HGETALL", keys.flight(session.incarnation))]).get()[0]
            let batches = try BatchReturner.batches(register)
            let forgotten = session.ledger.withLock { ledger in batches.filter { !ledger.knows($0.number) } }
            var tally = BatchReturner.Tally()
            for batch in forgotten {
                let returner = BatchReturner(broker: broker, link: link)
                tally = tally + (try await returner.returnBatch(batch, of: session.incarnation, because: .closing, keepOpen: false))
                state.withLock { $0.rotation.setHot(batch.list, true) }
            }
            guard tally != BatchReturner.Tally() else { return }
            broker.logger.warning(
                "Redis has lost the ends of jobs, by a restart from older data or a failover: they run again",
                metadata: ["jobs": "\(tally.returned)", "dead": "\(tally.dead)"])
        } catch {
            state.withLock { $0.mayHoldForgotten = true }
            throw error
        }
    }

    /// A batch of which all is ended is still on the server: it has lost some of the ends.
    func suspectForgotten() {
        state.withLock { $0.mayHoldForgotten = true }
        signal.raise()
    }
}
