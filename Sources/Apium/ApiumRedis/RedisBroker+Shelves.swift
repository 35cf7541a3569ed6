import ApiumCore
import RedisClient

extension RedisBroker {
    /// How many records are read at a time while a filter is looked through.
    private static let page = 500

    public func records(in shelf: Shelf, matching filter: ShelfFilter, limit: Int) async throws -> [ShelvedRecord] {
        var found: [ShelvedRecord] = []
        var offset = 0
        do {
            while found.count < limit {
                let size = filter.isEmpty ? min(limit - found.count, Self.page) : Self.page
                let records = try await page(of: shelf, filter, offset, size)
                found += records.compactMap { $0 }.filter(filter.takes)
                if records.count < size { break }
                offset += size
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return Array(found.prefix(max(limit, 0)))
    }

    /// A page of a shelf, newest first; one that went between the two reads is nil.
    private func page(of shelf: Shelf, _ filter: ShelfFilter, _ offset: Int, _ size: Int) async throws -> [ShelvedRecord?] {
        // A record that was shelved at this microsecond was made before: what is looked at again is the record's own time.
        let oldest = filter.since.map { String($0.microseconds) } ?? "-inf"
        let command = RedisCommand("ZREVRANGEBYSCORE", keys.shelf(shelf), "+inf", oldest, "LIMIT", offset, size)
        let ids = try await client.reply(command).asArray().map { try $0.asBytes() }
        guard !ids.isEmpty else { return [] }
        var read = RedisCommand("HMGET", keys.shelfMessages(shelf))
        read.append(contentsOf: ids)
        return try zip(ids, try await client.reply(read).asArray()).map { id, reply in
            try reply.bytes.map { try ShelvedRecord(encoded: $0, name: String(decoding: id, as: UTF8.self)) }
        }
    }

    public func record(_ id: String, in shelf: Shelf) async throws -> ShelvedRecord? {
        try await client.reply(RedisCommand("HGET", keys.shelfMessages(shelf), id)).bytes.map { try ShelvedRecord(encoded: $0, name: id) }
    }

    public func replace(_ record: ShelvedRecord, with edited: ShelvedRecord, in shelf: Shelf) async throws -> Bool {
        do {
            guard let stored = try await bytes(of: record, in: shelf) else { return false }
            let command = RedisCommand.eval(RedisScripts.amend, keys: [keys.shelfMessages(shelf)], record.id, stored, edited.encoded)
            return try await client.reply(command).asInt() == 1
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func requeue(_ record: ShelvedRecord, as edited: ShelvedRecord, from shelf: Shelf) async throws -> Bool {
        do {
            guard let stored = try await bytes(of: record, in: shelf) else { return false }
            let priority = (try? Message(decoding: edited.payload))?.properties.priority ?? 0
            let list = keys.ready(edited.queue, priority: priority)
            let lock = lock(of: edited)
            var command = RedisCommand.eval(
                RedisScripts.requeue, keys: [keys.shelf(shelf), keys.shelfMessages(shelf), list] + (lock.map { [keys.unique($0.lock.key)] } ?? []),
                record.id, stored, edited.payload)
            if let lock {
                command.append(lock.id)
                command.append(lock.lock.milliseconds(after: nil))
            }
            return try await client.reply(command).asInt() == 1
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// The record as it is stored, which another release may have written differently than this one would; nil when it is another.
    private func bytes(of record: ShelvedRecord, in shelf: Shelf) async throws -> [UInt8]? {
        guard let stored = try await client.reply(RedisCommand("HGET", keys.shelfMessages(shelf), record.id)).bytes else { return nil }
        return try ShelvedRecord(encoded: stored, name: record.id) == record ? stored : nil
    }

    public func discard(_ id: String, from shelf: Shelf) async throws -> Bool {
        do {
            let lock = try await record(id, in: shelf).flatMap(lock)
            let names = [keys.shelf(shelf), keys.shelfMessages(shelf)] + (lock.map { [keys.unique($0.lock.key)] } ?? [])
            return try await client.reply(.eval(RedisScripts.unshelve, keys: names, id, lock?.id ?? "")).asInt() == 1
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// How many records are deleted in one step, and in how many steps at once: others have their turn in between.
    private static let trimSize = 100
    private static let trimSteps = 10

    /// Deletes what a shelf holds beyond its bounds of age and number, the oldest first, and the locks of the jobs with them.
    func trim(_ shelf: Shelf) async throws {
        for _ in 0..<Self.trimSteps {
            let oldest = try await serverTime() + (.zero - options.shelfAge)
            let replies = try await client.replies([
                RedisCommand("ZRANGEBYSCORE", keys.shelf(shelf), "-inf", oldest.microseconds, "WITHSCORES", "LIMIT", 0, Self.trimSize),
                RedisCommand("ZCARD", keys.shelf(shelf)),
            ])
            let excess = min(try replies[1].asInt() - options.shelfLimit, Self.trimSize)
            var gone = try replies[0].asPairs()
            if gone.isEmpty, excess > 0 {
                gone = try await client.reply(RedisCommand("ZRANGE", keys.shelf(shelf), 0, excess - 1, "WITHSCORES")).asPairs()
            }
            guard !gone.isEmpty else { return }
            try await client.reply(try await trimCommand(shelf, gone.map { (try $0.field.asBytes(), try $0.value.asBytes()) }))
        }
    }

    private func trimCommand(_ shelf: Shelf, _ records: [(id: [UInt8], score: [UInt8])]) async throws -> RedisCommand {
        var read = RedisCommand("HMGET", keys.shelfMessages(shelf))
        read.append(contentsOf: records.map(\.id))
        // A record that can't be read has no lock that could be told.
        let locks = try await client.reply(read).asArray().map { reply in reply.bytes.flatMap { try? ShelvedRecord(encoded: $0, name: "") }.flatMap(lock) }
        let held = locks.compactMap { $0.map { keys.unique($0.lock.key) } }
        var command = RedisCommand.eval(RedisScripts.trim, keys: [keys.shelf(shelf), keys.shelfMessages(shelf)] + held)
        var place = 2
        for (record, lock) in zip(records, locks) {
            if lock != nil { place += 1 }
            command.append(record.id)
            command.append(record.score)
            command.append(lock == nil ? 0 : place)
            command.append(lock?.id ?? "")
        }
        return command
    }

    /// The lock of a shelved job that is unique.
    private func lock(of record: ShelvedRecord) -> (lock: UniqueLock, id: String)? {
        guard let message = try? Message(decoding: record.payload), let lock = message.uniqueLock, lock.isTakenAtEnqueue else { return nil }
        return (lock, message.id)
    }
}
