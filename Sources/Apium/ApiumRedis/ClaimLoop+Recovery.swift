import ApiumCore
import NIOCore
import RedisClient

extension ClaimLoop {
    /// After a cut reply: ends the old connections on the server's side, so that nothing is moved any more, then reads the batches they
    /// wrote to. What fits is delivered, the rest goes back.
    func recover(_ limit: Int) async throws -> Claim? {
        let link = try await link()
        try await endRetired(link)
        let uncertain = state.withLock { state in
            defer { state.uncertain = [] }
            return state.uncertain
        }
        do {
            return try await read(uncertain, limit, link)
        } catch {
            state.withLock { $0.uncertain += uncertain }
            throw error
        }
    }

    /// A connection's number alone may be another's by now; number and name together are ours.
    func endRetired(_ link: RedisConnection) async throws {
        let retired = state.withLock { $0.retired }
        guard !retired.isEmpty else { return }
        let lists = try await link.submit(retired.map { RedisCommand("CLIENT", "LIST", "ID", $0.id) }).get()
        let alive = zip(retired, lists).filter { $0.1.string?.contains(" name=\($0.0.name) ") ?? false }.map(\.0.id)
        let kills = try await link.submit(alive.map { RedisCommand("CLIENT", "KILL", "ID", $0) }).get()
        if let refusal = (lists + kills).compactMap(\.error).first(where: { $0.code == "NOPERM" }) {
            broker.logger.notice("Redis doesn't let us end our own broken connections; it will find them itself", metadata: ["error": "\(refusal)"])
        }
        state.withLock { $0.retired.removeFirst(retired.count) }
    }

    private func read(_ sources: [Source], _ limit: Int, _ link: RedisConnection) async throws -> Claim? {
        guard !sources.isEmpty else { return nil }
        let contents = try await link.submit(sources.map { RedisCommand("LRANGE", keys.batch(session.incarnation, $0.batch), 0, -1) }).get()
        let found = try zip(sources, contents).map { ($0, try $1.asArray().compactMap(\.bytes)) }
        state.withLock { $0.idle.subtract(sources.map(\.batch)) }
        let replies = try await link.submit(found.map { openCommand($0, fences: $1.count) }).get()
        var deliveries: [Delivery] = []
        var epoch: Int64 = 0
        var surplus: [Source] = []
        for ((source, payloads), reply) in zip(found, replies) {
            guard let answer = try reply.checked().array, answer.count == 2 else {
                session.noteLeaseLost()
                await giveBack(sources)
                throw ApiumError(.unavailable, "the session has lost its lease; open a new one")
            }
            epoch = max(epoch, Int64(answer[1].int ?? 0))
            if deliveries.count + payloads.count > limit {
                surplus.append(source)
            } else {
                deliveries += noteClaimed(source, payloads, fence: Int64(answer[0].int ?? 0), wasFull: !payloads.isEmpty)
            }
        }
        await giveBack(surplus)
        return deliveries.isEmpty ? nil : Claim(deliveries: deliveries, controlEpoch: epoch)
    }
}
