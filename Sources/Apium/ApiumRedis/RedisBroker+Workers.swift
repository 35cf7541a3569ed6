import ApiumCore
import RedisClient

extension RedisBroker {
    public func registeredWorkers() async throws -> [RegisteredWorker] {
        do {
            let renewals = try await client.reply(RedisCommand("ZRANGE", keys.workers, 0, -1, "WITHSCORES")).asPairs()
            guard !renewals.isEmpty else { return [] }
            let replies = try await client.replies(try renewals.map { RedisCommand("HGETALL", keys.worker(try $0.field.asString())) })
            let workers = try zip(renewals, replies).compactMap { counted, record in
                try worker(counted.field.asString(), renewals: Int64(counted.value.string ?? "") ?? 0, record)
            }
            return workers.sorted { ($0.name, $0.incarnation) < ($1.name, $1.incarnation) }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// The incarnations of the live workers.
    func registered() async throws -> [String] {
        try await client.reply(RedisCommand("ZRANGE", keys.workers, 0, -1)).asArray().map { try $0.asString() }
    }

    private func worker(_ incarnation: String, renewals: Int64, _ reply: RESPValue) throws -> RegisteredWorker? {
        let fields = Dictionary(try reply.asPairs().compactMap { pair in pair.field.string.map { ($0, pair.value.string ?? "") } }) { $1 }
        // It closed between the two looks.
        guard !fields.isEmpty else { return nil }
        func list(_ name: String) -> [String] { (fields[name] ?? "").split(separator: ",").map(String.init) }
        return RegisteredWorker(
            incarnation: incarnation, name: fields["name"] ?? "", pid: fields["pid"].flatMap { Int32($0) } ?? 0, queues: list("queues"), jobs: list("jobs"),
            lease: .milliseconds(fields["lease_ms"].flatMap { Int64($0) } ?? 5000),
            started: fields["started"].flatMap { Int64($0) }.map { Timestamp(microseconds: $0) }, renewals: renewals)
    }

    public func flights(mentioning texts: [String], limit: Int) async throws -> [FlightRecord] {
        do {
            let registered = Set(try await self.registered())
            let reaped = try await client.reply(RedisCommand("ZRANGE", keys.reaped, 0, -1)).asArray().map { try $0.asString() }
            var flights: [FlightRecord] = []
            let incarnations = registered.sorted() + reaped.filter { !registered.contains($0) }
            for first in stride(from: 0, to: incarnations.count, by: BatchReturner.atOnce) where flights.count < limit {
                for worker in try await BatchReturner(broker: self).registers(of: incarnations[first...].prefix(BatchReturner.atOnce)) {
                    for batch in worker.filled where flights.count < limit {
                        flights += try await self.flights(of: worker.incarnation, batch, texts, isRegistered: registered.contains(worker.incarnation))
                    }
                }
            }
            return Array(flights.prefix(limit))
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    private func flights(
        of incarnation: String, _ batch: BatchReturner.Batch, _ texts: [String], isRegistered: Bool
    ) async throws -> [FlightRecord] {
        var look = RedisCommand.eval(RedisScripts.look, keys: [keys.batch(incarnation, batch.number)], 0, 10_000, "left")
        look.append(contentsOf: texts)
        let replies = try await client.replies([
            look, RedisCommand("GET", keys.marks(incarnation, batch.number)), RedisCommand("HGETALL", keys.joins(incarnation, batch.number)),
        ])
        let found = try replies[0].asArray()
        let marks = replies[1].bytes ?? []
        let joins = try BatchReturner.joins(replies[2])
        return try stride(from: 1, to: found.count - 1, by: 2).compactMap { at in
            let place = try found[at].asInt()
            let activity: FlightRecord.Activity
            switch place < marks.count ? marks[place] : 0 {
            case UInt8(ascii: "d"): return nil
            case UInt8(ascii: "j"): activity = .joining(joins[place] ?? [])
            case UInt8(ascii: "a"): activity = .acknowledged
            default: activity = .claimed
            }
            return FlightRecord(
                incarnation: incarnation, isRegistered: isRegistered, queue: keys.queue(ofReady: batch.list), activity: activity,
                payload: try found[at + 1].asBytes())
        }
    }
}
