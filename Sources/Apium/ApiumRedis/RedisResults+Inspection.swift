import ApiumCore
import RedisClient

extension RedisResults: InspectableResults {
    public func chordProgress(of group: String) async throws -> ChordProgress? {
        let replies = try await client.replies([
            RedisCommand("MGET", keys.size(group), keys.more(group), keys.claim(group)),
            RedisCommand(options.chordsAreOrdered ? "ZCARD" : "LLEN", keys.parts(group)), RedisCommand("PTTL", keys.size(group)),
        ])
        do {
            let texts = try replies[0].asArray()
            let arrived = try replies[1].asInt()
            guard texts.count == 3, arrived > 0 || texts.contains(where: { !$0.isNull }) else { return nil }
            let claim = texts[2].string
            let life = try replies[2].asInt()
            let idle = life > 0 && options.chordSeconds > 0 ? Duration.milliseconds(max(0, Int(options.chordSeconds) * 1000 - life)) : nil
            return ChordProgress(
                group: group, expected: texts[0].int.map { $0 + (texts[1].int ?? 0) }, arrived: arrived, isJoined: claim == "done",
                isClaimed: claim != nil && claim != "done", idle: idle)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// How many keys are looked at.
    private static let keyWindow = 200_000

    public func endlessResults(limit: Int) async throws -> [String] {
        guard options.seconds(of: .success) > 0 else { return [] }
        let stem = keys.task("")
        var ids: [String] = []
        do {
            var cursor = "0"
            var looked = 0
            repeat {
                let page = try await client.reply(RedisCommand("SCAN", cursor, "MATCH", RedisBroker.escaped(stem) + "*", "COUNT", 1000)).asArray()
                guard page.count == 2 else { break }
                cursor = try page[0].asString()
                looked += 1000
                let names = try page[1].asArray().map { try $0.asString() }
                let lives = try await client.replies(names.map { RedisCommand("PTTL", $0) })
                for (name, life) in zip(names, lives) where life == .integer(-1) { ids.append(String(name.dropFirst(stem.count))) }
            } while cursor != "0" && looked < Self.keyWindow && ids.count < limit
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return Array(Set(ids).sorted().prefix(limit))
    }

    public func giveEnd(to ids: [String]) async throws -> Int {
        var count = 0
        let seconds = options.seconds(of: .success)
        guard seconds > 0 else { return 0 }
        do {
            // A result that was stored anew meanwhile has its end already, and one like it.
            for id in ids where try await client.reply(RedisCommand("PTTL", keys.task(id))) == .integer(-1) {
                if try await client.reply(RedisCommand("EXPIRE", keys.task(id), seconds)) == .integer(1) { count += 1 }
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return count
    }

    public func openChords(limit: Int) async throws -> [String] {
        let name = keys.size("")
        let stem = String(name.dropLast(2))
        var groups: Set<String> = []
        do {
            var cursor = "0"
            var looked = 0
            repeat {
                let page = try await client.reply(
                    RedisCommand("SCAN", cursor, "MATCH", RedisBroker.escaped(stem) + "*.s", "COUNT", 5000)
                ).asArray()
                guard page.count == 2 else { break }
                cursor = try page[0].asString()
                looked += 5000
                for key in try page[1].asArray().map({ try $0.asString() }) { groups.insert(String(key.dropFirst(stem.count).dropLast(2))) }
            } while cursor != "0" && looked < Self.keyWindow && groups.count < limit
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return Array(groups.sorted().prefix(limit))
    }
}
