import ApiumCore
import DynamicJSON
import RedisClient

/// Gives back what batches hold: to the front of the lists, in order, so that the oldest is the next to be claimed.
struct BatchReturner {
    let broker: RedisBroker

    /// How many jobs went where.
    struct Tally: Sendable, Equatable {
        var returned = 0
        var quarantined = 0
        var dead = 0

        static func + (left: Tally, right: Tally) -> Tally {
            Tally(returned: left.returned + right.returned, quarantined: left.quarantined + right.quarantined, dead: left.dead + right.dead)
        }
    }

    private var keys: RedisKeys { broker.keys }

    /// Returns all batches of a worker. A batch that keeps its place in the register is looked at again by later sweeps.
    @discardableResult
    func returnAll(of incarnation: String, because cause: ReturnPlan.Cause) async throws -> Tally {
        var tally = Tally()
        for (batch, list) in try await batches(of: incarnation) {
            tally = tally + (try await returnBatch(batch, of: incarnation, to: list, because: cause, keepOpen: cause == .crash))
        }
        return tally
    }

    /// The batches that a worker has registered, in the order of their claims.
    func batches(of incarnation: String) async throws -> [(batch: Int, list: String)] {
        let pairs = try await broker.client.uncancelledReplies([RedisCommand("HGETALL", keys.flight(incarnation))])[0].asPairs()
        return try pairs.compactMap { field, value in
            guard let batch = field.int else { return nil }
            return (batch, try value.asString())
        }.sorted { $0.batch < $1.batch }
    }

    /// Returns one batch. The script refuses when something was ended between the reading and the return: then it is read again.
    func returnBatch(_ batch: Int, of incarnation: String, to list: String, because cause: ReturnPlan.Cause, keepOpen: Bool) async throws -> Tally {
        let flight = keys.batch(incarnation, batch)
        let marksKey = keys.marks(incarnation, batch)
        for _ in 0..<100 {
            let replies = try await broker.client.uncancelledReplies([RedisCommand("LRANGE", flight, 0, -1), RedisCommand("GET", marksKey)])
            let payloads = try replies[0].asArray().map { try $0.asBytes() }
            if payloads.isEmpty && keepOpen { return Tally() }
            let marks = replies[1].bytes ?? []
            let plan = ReturnPlan(payloads: payloads, marks: marks, list: list, cause: cause, broker: broker)
            var command = RedisCommand.eval(
                RedisScripts.returnBatch, keys: [keys.flight(incarnation), flight, marksKey], batch, payloads.count, marks, keepOpen ? "1" : "0")
            command.append(contentsOf: plan.operations)
            if try await broker.client.uncancelledReplies([command])[0].asInt() == 1 { return plan.tally }
        }
        throw ApiumError(.unavailable, "batch \(batch) of \(incarnation) changes faster than it can be returned")
    }
}
