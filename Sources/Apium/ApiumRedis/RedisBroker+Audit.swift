import ApiumCore
import RedisClient

extension RedisBroker: AuditableBroker {
    public func audit(limit: Int) async throws -> KeyAudit {
        do {
            let found = try await ownKeys(limit: limit)
            var faults: [KeyFault] = []
            for start in stride(from: 0, to: found.names.count, by: 200) {
                for name in found.names[start..<min(start + 200, found.names.count)] {
                    if let fault = try await fault(of: name) { faults.append(fault) }
                }
            }
            faults += try await unpaired()
            faults += try await overdueUnacked()
            faults += try await overdueBindings()
            faults += try await endlessReplies()
            return KeyAudit(faults: faults, looked: found.names.count, isComplete: found.isComplete)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// The names of our own keys, without prefix and `apium:`.
    private func ownKeys(limit: Int) async throws -> (names: [String], isComplete: Bool) {
        let stem = keys.prefix + "apium:"
        var names: Set<String> = []
        var cursor = "0"
        repeat {
            let page = try await client.reply(RedisCommand("SCAN", cursor, "MATCH", Self.escaped(stem) + "*", "COUNT", 5000)).asArray()
            guard page.count == 2 else { break }
            cursor = try page[0].asString()
            for key in try page[1].asArray() { names.insert(String(try key.asString().dropFirst(stem.count))) }
        } while cursor != "0" && names.count < limit
        return (names.sorted(), cursor == "0")
    }

    private func fault(of name: String) async throws -> KeyFault? {
        let key = keys.prefix + "apium:" + name
        switch KeyTable.rule(for: name) {
        case .known?: return nil
        case nil: return .unknown(key: key)
        case .ends?: return try await client.reply(RedisCommand("PTTL", key)).asInt() == -1 ? .endless(key: key) : nil
        case .worker(let incarnation)?:
            return try await isRegistered(incarnation) ? nil : .strayWorkerRecord(incarnation: incarnation)
        case .flight(let incarnation)?:
            if try await isOwned(incarnation) { return nil }
            var messages = 0
            for batch in try await BatchReturner(broker: self).batches(of: incarnation) {
                messages += try await client.reply(RedisCommand("LLEN", keys.batch(incarnation, batch.number))).asInt()
            }
            return .unownedFlight(incarnation: incarnation, messages: messages)
        case .batch(let incarnation, let batch)?:
            let replies = try await client.replies([
                RedisCommand("HEXISTS", keys.flight(incarnation), batch), RedisCommand("LLEN", key), RedisCommand("HEXISTS", keys.flight(incarnation), batch),
            ])
            let messages = try replies[1].asInt()
            return messages > 0 && replies[0] == .integer(0) && replies[2] == .integer(0)
                ? .unregisteredBatch(incarnation: incarnation, batch: batch, messages: messages) : nil
        case .marks(let incarnation, let batch)?:
            let replies = try await client.replies([RedisCommand("HEXISTS", keys.flight(incarnation), batch), RedisCommand("EXISTS", key)])
            return replies[0] == .integer(0) && replies[1] == .integer(1) ? .strayMarks(key: key) : nil
        case .permits(let target)?:
            let stray = try await strayPermits(of: target)
            return stray.isEmpty ? nil : .strayPermits(target: target, holders: stray)
        }
    }

    /// Those who hold a permit, and whose batch does not know of it: each is looked at again, for a job may end in between.
    private func strayPermits(of target: HoldTarget) async throws -> [String] {
        let members = try await client.reply(RedisCommand("ZRANGE", keys.permits(target), 0, -1)).asArray().compactMap(\.string)
        var stray: [String] = []
        for member in members where member.hasPrefix("h") {
            let parts = member.dropFirst().split(separator: ":")
            guard parts.count == 3, let batch = Int(parts[1]) else { continue }
            let replies = try await client.replies([
                RedisCommand("HEXISTS", keys.holds(String(parts[0]), batch), String(parts[2])), RedisCommand("ZSCORE", keys.permits(target), member),
                RedisCommand("HEXISTS", keys.holds(String(parts[0]), batch), String(parts[2])),
            ])
            if replies[0] == .integer(0), !replies[1].isNull, replies[2] == .integer(0) { stray.append(member) }
        }
        return stray
    }

    private func isRegistered(_ incarnation: String) async throws -> Bool {
        let replies = try await client.replies([
            RedisCommand("ZSCORE", keys.workers, incarnation), RedisCommand("EXISTS", keys.worker(incarnation)),
        ])
        return !replies[0].isNull || replies[1] == .integer(0)
    }

    /// Whether somebody returns what a process held: it is registered, or known as lost, or just gone with all that it had.
    private func isOwned(_ incarnation: String) async throws -> Bool {
        let replies = try await client.replies([
            RedisCommand("ZSCORE", keys.workers, incarnation), RedisCommand("ZSCORE", keys.reaped, incarnation),
            RedisCommand("EXISTS", keys.flight(incarnation)),
        ])
        return !replies[0].isNull || !replies[1].isNull || replies[2] == .integer(0)
    }

    // MARK: Pairs of a set and its messages

    private var pairs: [(set: String, messages: String)] {
        [(keys.scheduled, keys.scheduledMessages)] + Shelf.allCases.map { (keys.shelf($0), keys.shelfMessages($0)) }
    }

    /// Looks at a pair only when its halves are not of one size: what moves in between is seen at the second look as it is then.
    private func unpaired() async throws -> [KeyFault] {
        var faults: [KeyFault] = []
        for pair in pairs {
            let sizes = try await client.replies([RedisCommand("ZCARD", pair.set), RedisCommand("HLEN", pair.messages)])
            guard sizes[0] != sizes[1] else { continue }
            let found = try await mismatch(pair)
            if !found.ids.isEmpty { faults.append(.idsWithoutMessage(set: pair.set, count: found.ids.count)) }
            if !found.messages.isEmpty { faults.append(.messagesWithoutID(set: pair.set, count: found.messages.count)) }
        }
        return faults
    }

    private func mismatch(_ pair: (set: String, messages: String)) async throws -> (ids: [[UInt8]], messages: [[UInt8]]) {
        let ids = Set(try await client.reply(RedisCommand("ZRANGE", pair.set, 0, -1)).asArray().map { try $0.asBytes() })
        let fields = Set(try await client.reply(RedisCommand("HKEYS", pair.messages)).asArray().map { try $0.asBytes() })
        // Each once more: one that moved between the two looks is in order.
        var lonely: [[UInt8]] = []
        for id in ids.subtracting(fields) {
            let replies = try await client.replies([RedisCommand("ZSCORE", pair.set, id), RedisCommand("HEXISTS", pair.messages, id)])
            if !replies[0].isNull && replies[1] == .integer(0) { lonely.append(id) }
        }
        var hidden: [[UInt8]] = []
        for field in fields.subtracting(ids) {
            let replies = try await client.replies([RedisCommand("HEXISTS", pair.messages, field), RedisCommand("ZSCORE", pair.set, field)])
            if replies[0] == .integer(1) && replies[1].isNull { hidden.append(field) }
        }
        return (lonely, hidden)
    }

    // MARK: What Celery's workers hold

    private func overdueUnacked() async throws -> [KeyFault] {
        guard let timeout = options.unacked.visibilityTimeout else { return [] }
        let index = keys.kombu(options.unacked.index)
        // The janitor looks every ten seconds.
        let limit = Double((try await serverTime() + (.zero - timeout - .seconds(60))).microseconds) / 1_000_000
        let replies = try await client.replies([
            RedisCommand("ZCOUNT", index, "-inf", String(limit)), RedisCommand("ZRANGE", index, 0, 0, "WITHSCORES"),
        ])
        let count = try replies[0].asInt()
        guard count > 0, let oldest = replies[1].array?.last?.double else { return [] }
        return [.overdueUnacked(count: count, oldest: Timestamp(seconds: oldest))]
    }

    // MARK: Repairs

    public func repair(_ fault: KeyFault) async throws -> Bool {
        do {
            switch fault {
            case .unownedFlight(let incarnation, _):
                guard try await !isOwned(incarnation) else { return false }
                try await noteReaped(incarnation)
                return true
            case .unregisteredBatch(let incarnation, let batch, _): return try await register(batch, of: incarnation)
            case .strayMarks(let key): return try await client.reply(RedisCommand("DEL", key)) == .integer(1)
            case .strayPermits(let target, _):
                let stray = try await strayPermits(of: target)
                guard !stray.isEmpty else { return false }
                var command = RedisCommand("ZREM", keys.permits(target))
                command.append(contentsOf: stray)
                // Whoever waits is looked at again by the janitor.
                _ = try await client.replies([command, RedisCommand("ZADD", keys.waiting, 0, target.text)])
                return true
            case .strayWorkerRecord(let incarnation):
                guard try await !isRegistered(incarnation) else { return false }
                return try await client.reply(RedisCommand("DEL", keys.worker(incarnation))) == .integer(1)
            case .idsWithoutMessage(let set, _), .messagesWithoutID(let set, _):
                guard let pair = pairs.first(where: { $0.set == set }) else { return false }
                return try await mend(pair)
            case .endless(let key):
                // What renews it or ends it goes on doing so; the janitor's lease is that short, and its owner extends it.
                let life = key == keys.janitor ? Duration.seconds(2) : UniqueLock.longestLife
                guard try await client.reply(RedisCommand("PTTL", key)) == .integer(-1) else { return false }
                return try await client.reply(RedisCommand("PEXPIRE", key, life.wholeMilliseconds)) == .integer(1)
            case .overdueBindings(let exchange): return try await sweepBindings(of: exchange)
            case .endlessReplies(let list): return try await endReplies(list)
            case .unknown, .overdueUnacked: return false
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// From now on it is looked at by the janitor, who returns what it held, as of any lost worker.
    private func noteReaped(_ incarnation: String) async throws {
        try await client.reply(RedisCommand("ZADD", keys.reaped, try await serverTime().microseconds / 1000, incarnation))
    }

    /// Registers a batch that nobody would find under the list its first message came from; the janitor returns it then.
    private func register(_ batch: Int, of incarnation: String) async throws -> Bool {
        guard let payload = try await client.reply(RedisCommand("LINDEX", keys.batch(incarnation, batch), 0)).bytes,
            let message = try? Message(decoding: payload), message.properties.exchange.isEmpty, !message.properties.routingKey.isEmpty
        else { return false }
        let list = keys.ready(message.properties.routingKey, priority: message.properties.priority)
        guard try await client.reply(RedisCommand("HSETNX", keys.flight(incarnation), batch, list)) == .integer(1) else { return false }
        if try await client.reply(RedisCommand("ZSCORE", keys.workers, incarnation)).isNull { try await noteReaped(incarnation) }
        return true
    }

    /// Ids without a message go; messages without an id get one again: those that wait are due now, those that were set aside count as new.
    private func mend(_ pair: (set: String, messages: String)) async throws -> Bool {
        let found = try await mismatch(pair)
        let now = try await serverTime().microseconds
        let commands = found.ids.map { RedisCommand("ZREM", pair.set, $0) } + found.messages.map { RedisCommand("ZADD", pair.set, "NX", now, $0) }
        guard !commands.isEmpty else { return false }
        _ = try await client.replies(commands)
        return true
    }
}
