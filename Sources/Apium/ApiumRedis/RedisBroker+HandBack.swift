import ApiumCore
import RedisClient

extension RedisBroker: HandingBackBroker {
    /// The lease goes first and with the reason, as when a session closes: whoever is janitor then goes on in the same way. The batches stay
    /// registered for it, because a blocked read of a stopped process may still bring something.
    public func handBack(from incarnation: String) async throws -> HandBack? {
        do {
            let known = try await client.replies([
                RedisCommand("EXISTS", keys.worker(incarnation)), RedisCommand("EXISTS", keys.flight(incarnation)),
            ])
            guard known.contains(.integer(1)) else { return nil }
            let steps = [
                RedisCommand("HSET", keys.flight(incarnation), BatchReturner.closingField, "1"),
                .eval(RedisScripts.expire, keys: [keys.worker(incarnation), keys.workers, keys.reaped], incarnation, ""),
            ]
            for reply in try await client.transaction(steps) { try reply.checked() }
            let returner = BatchReturner(broker: self)
            var tally = BatchReturner.Tally()
            for batch in try await returner.batches(of: incarnation) {
                tally = tally + (try await returner.returnBatch(batch, of: incarnation, because: .closing, keepOpen: true))
            }
            return HandBack(returned: tally.returned, ended: tally.dead)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}
