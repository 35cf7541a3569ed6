import ApiumCore
import RedisClient

extension RedisBroker {
    public func records(in shelf: Shelf, limit: Int) async throws -> [ShelvedRecord] {
        guard limit > 0 else { return [] }
        do {
            let ids = try await client.reply(RedisCommand("ZREVRANGE", keys.shelf(shelf), 0, limit - 1)).asArray().map { try $0.asBytes() }
            guard !ids.isEmpty else { return [] }
            var command = RedisCommand("HMGET", keys.shelfMessages(shelf))
            command.append(contentsOf: ids)
            return try await client.reply(command).asArray().compactMap { try $0.bytes.map(ShelvedRecord.init(encoded:)) }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func requeue(_ id: String, from shelf: Shelf) async throws -> Bool {
        do {
            guard let stored = try await client.reply(RedisCommand("HGET", keys.shelfMessages(shelf), id)).bytes else { return false }
            let record = try ShelvedRecord(encoded: stored)
            let priority = (try? Message(decoding: record.payload))?.properties.priority ?? 0
            let list = keys.ready(record.queue, priority: priority)
            let command = RedisCommand.eval(
                RedisScripts.requeue, keys: [keys.shelf(shelf), keys.shelfMessages(shelf), list], id, stored, record.payload)
            return try await client.reply(command).asInt() == 1
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func discard(_ id: String, from shelf: Shelf) async throws -> Bool {
        do {
            let replies = try await client.transaction([
                RedisCommand("ZREM", keys.shelf(shelf), id), RedisCommand("HDEL", keys.shelfMessages(shelf), id),
            ])
            return try replies.contains { try $0.asInt() > 0 }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}
