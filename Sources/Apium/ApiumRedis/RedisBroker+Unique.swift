import ApiumCore
import RedisClient

extension RedisBroker {
    public func purge(_ queue: String) async throws -> Int {
        let lists = keys.ready(queue)
        do {
            let first = keys.ready(queue, step: 0)
            if try await client.reply(RedisCommand("SISMEMBER", keys.uniqueQueues, first)).asInt() == 1 { return try await purgeLocked(lists) }
            let replies = try await client.transaction(lists.map { RedisCommand("LLEN", $0) } + [RedisCommand("DEL", arguments: lists)])
            return try replies.dropLast().reduce(0) { $0 + (try $1.asInt()) }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// How many messages one step looks through.
    private static let purgeSize = 500

    /// Deletes no more than there was at the beginning: whoever sends meanwhile is not raced with.
    private func purgeLocked(_ lists: [String]) async throws -> Int {
        var sum = 0
        for list in lists {
            var left = try await client.reply(RedisCommand("LLEN", list)).asInt()
            while left > 0 {
                let command = RedisCommand.eval(RedisScripts.purge, keys: [list], min(left, Self.purgeSize), keys.unique(""))
                let gone = try await client.reply(command).asInt()
                if gone == 0 { break }
                sum += gone
                left -= gone
            }
        }
        return sum
    }

    public func uniqueLocks(limit: Int) async throws -> [UniqueLockRow] {
        guard limit > 0 else { return [] }
        var names: Set<String> = []
        var cursor = "0"
        do {
            repeat {
                let page = try await client.reply(RedisCommand("SCAN", cursor, "MATCH", RedisKeys.escaped(keys.unique("")) + "*", "COUNT", 1000)).asArray()
                guard page.count == 2 else { break }
                cursor = try page[0].asString()
                names.formUnion(try page[1].asArray().map { try $0.asString() })
            } while cursor != "0" && names.count <= limit
            names.subtract([keys.uniqueQueues, keys.timedLocks])
            let timed = Set(try await client.reply(RedisCommand("ZRANGE", keys.timedLocks, 0, -1)).asArray().compactMap(\.string))
            let sorted = Array(names.sorted().prefix(limit))
            let replies = try await client.replies(sorted.flatMap { [RedisCommand("GET", $0), RedisCommand("PTTL", $0)] })
            return try sorted.enumerated().compactMap { place, name in
                guard let id = replies[2 * place].string else { return nil }
                let key = String(name.dropFirst(keys.unique("").count))
                return UniqueLockRow(key: key, id: id, remaining: .milliseconds(max(try replies[2 * place + 1].asInt(), 0)), isForTime: timed.contains(name))
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func unlock(_ key: String, heldBy id: String) async throws -> Bool {
        do {
            return try await client.reply(.eval(RedisScripts.unlock, keys: [keys.unique(key)], id)).asInt() == 1
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}

extension RedisKeys {
    /// A name as a pattern that matches it alone.
    static func escaped(_ name: String) -> String { name.reduce(into: "") { $0 += "\\[]*?^-".contains($1) ? "\\\($1)" : String($1) } }
}
