import ApiumCore
import DynamicJSON
import RedisClient

/// Gives back what batches hold: to the front of the lists, in order, so that the oldest is the next to be claimed.
struct BatchReturner {
    let broker: RedisBroker
    /// The connection that moved what is returned, so that both are done on one server; nil: the broker's own.
    var link: RedisConnection?

    /// How many jobs went where.
    struct Tally: Sendable, Equatable {
        var returned = 0
        /// Set aside, those that cannot be read with those that crash again and again.
        var quarantined = 0
        var dead = 0

        static func + (left: Tally, right: Tally) -> Tally {
            Tally(returned: left.returned + right.returned, quarantined: left.quarantined + right.quarantined, dead: left.dead + right.dead)
        }
    }

    /// A field of the register that is no batch: the worker closes in order.
    static let closingField = "closing"
    /// A field of the register that is no batch: all that the worker held has been returned once.
    static let returnedField = "returned"
    /// Of how many workers is asked at once.
    static let atOnce = 100

    private var keys: RedisKeys { broker.keys }

    /// Returns all batches of a worker.
    /// - Parameter turns: The order in which its batches were claimed, where it is known.
    @discardableResult
    func returnAll(of incarnation: String, because cause: ReturnPlan.Cause, turns: [Int: Int]) async throws -> Tally {
        var tally = Tally()
        let batches = try await batches(of: incarnation).sorted { (turns[$0.number] ?? .max, $0.number) > (turns[$1.number] ?? .max, $1.number) }
        for batch in batches {
            tally = tally + (try await returnBatch(batch, of: incarnation, because: cause, keepOpen: false))
        }
        return tally
    }

    /// A batch as its worker registered it.
    struct Batch: Sendable, Equatable {
        var number: Int
        /// Where its messages come from.
        var list: String
        /// Whether nobody was given what is in it: a blocked read brought it while the worker was idle.
        var isIdle = false
    }

    /// The batches that a worker has registered, the newest first: each is put in front of those before it, so that the oldest ends up
    /// in front. By their numbers, which is the order of their claims, but for a batch that was made for a blocked read.
    func batches(of incarnation: String) async throws -> [Batch] {
        try Self.batches(try await broker.client.uncancelledReplies([RedisCommand("HGETALL", keys.flight(incarnation))])[0])
    }

    /// The same of what was read.
    static func batches(_ reply: RESPValue) throws -> [Batch] {
        let pairs = try reply.asPairs()
        let idle = Set(pairs.compactMap { field, _ in field.string.flatMap(RedisKeys.batch(ofIdleField:)) })
        return try pairs.compactMap { field, value in
            guard let number = field.int else { return nil }
            return Batch(number: number, list: try value.asString(), isIdle: idle.contains(number))
        }.sorted { $0.number > $1.number }
    }

    /// What is registered for a worker, and which of it holds something.
    struct Register: Sendable {
        var incarnation: String
        /// The newest first.
        var batches: [Batch]
        /// Those of them that hold something.
        var filled: [Batch] = []
        var wasReturned = false
        var wasClosing = false
    }

    /// The registers of workers, of those that have one; two requests for all of them: of workers that are gone a week's batches are remembered, nearly
    /// all of them empty.
    func registers(of incarnations: ArraySlice<String>) async throws -> [Register] {
        let replies = try await broker.client.replies(incarnations.map { RedisCommand("HGETALL", keys.flight($0)) })
        var registers = try zip(incarnations, replies).compactMap { incarnation, reply -> Register? in
            let fields = Set(try reply.asPairs().compactMap(\.field.string))
            guard !fields.isEmpty else { return nil }
            return Register(
                incarnation: incarnation, batches: try Self.batches(reply), wasReturned: fields.contains(Self.returnedField),
                wasClosing: fields.contains(Self.closingField))
        }
        let names = registers.flatMap { register in register.batches.map { keys.batch(register.incarnation, $0.number) } }
        guard !names.isEmpty else { return registers }
        var isFilled = try await broker.client.replies(names.map { RedisCommand("EXISTS", $0) }).map { try $0.asInt() > 0 }[...]
        for place in registers.indices {
            registers[place].filled = registers[place].batches.filter { _ in isFilled.removeFirst() }
        }
        return registers
    }

    /// Returns one batch. The script refuses when something was ended between the reading and the return: then it is read again.
    func returnBatch(_ batch: Batch, of incarnation: String, because cause: ReturnPlan.Cause, keepOpen: Bool) async throws -> Tally {
        let flight = keys.batch(incarnation, batch.number)
        let marksKey = keys.marks(incarnation, batch.number)
        let joinsKey = keys.joins(incarnation, batch.number)
        let cause = batch.isIdle ? .unclaimed : cause
        for _ in 0..<100 {
            let replies = try await self.replies([
                RedisCommand("LRANGE", flight, 0, -1), RedisCommand("GET", marksKey), RedisCommand("HGETALL", joinsKey),
            ])
            let payloads = try replies[0].asArray().map { try $0.asBytes() }
            if payloads.isEmpty && keepOpen { return Tally() }
            let marks = replies[1].bytes ?? []
            var plan = ReturnPlan(payloads: payloads, marks: marks, joins: try Self.joins(replies[2]), list: batch.list, cause: cause, broker: broker)
            try await tellOtherResults(&plan)
            var command = RedisCommand.eval(
                RedisScripts.returnBatch, keys: [keys.flight(incarnation), flight, marksKey, joinsKey, keys.holds(incarnation, batch.number)], batch.number,
                payloads.count, marks,
                keepOpen ? "1" : "0")
            command.append(contentsOf: broker.options.results.chordSettings)
            command.append(contentsOf: plan.operations)
            if try await self.replies([command])[0].asInt() == 1 { return plan.tally }
        }
        throw ApiumError(.unavailable, "batch \(batch.number) of \(incarnation) changes faster than it can be returned")
    }

    private func replies(_ commands: [RedisCommand]) async throws -> [RESPValue] {
        guard let link else { return try await broker.client.uncancelledReplies(commands) }
        let replies = try await link.submit(commands).get()
        for reply in replies { try reply.checked() }
        return replies
    }

    /// Where another server keeps the results they are stored before the batch goes: what is cut in between is repeated, with the same
    /// answer.
    private func tellOtherResults(_ plan: inout ReturnPlan) async throws {
        guard let results = broker.otherResults else { return }
        for loss in plan.losses {
            for document in loss.told.results { try await results.store(document) }
            plan.push(try await results.bring(loss.told.parts), of: loss)
        }
    }

    /// Reads the joins of a batch: place → list of groups and tokens.
    static func joins(_ reply: RESPValue) throws -> [Int: [ChordClaim]] {
        var joins: [Int: [ChordClaim]] = [:]
        for (field, value) in try reply.asPairs() {
            guard let place = field.int, case .array(let texts)? = try? JSONValue(parsing: value.asBytes()) else { continue }
            let words = texts.compactMap(\.stringValue)
            joins[place] = stride(from: 0, to: words.count - 1, by: 2).map { ChordClaim(group: words[$0], token: words[$0 + 1]) }
        }
        return joins
    }
}
