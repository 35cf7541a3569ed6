import ApiumCore
import RedisClient

extension RedisBroker {
    public func move(_ message: WaitingMessage, _ move: WaitingMove) async throws -> Bool {
        do {
            switch message.place {
            case .ready:
                // Its list is that of its priority, unless its sender had other steps.
                for list in keys.ready(message.queue) where try await self.move(message, in: list, "ready", move) { return true }
                return false
            case .scheduled: return try await self.move(message, in: keys.scheduled, "scheduled", move)
            case .held(let target): return try await self.move(message, in: keys.waiting(target), "held", move, target: target.text)
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    private func move(_ message: WaitingMessage, in place: String, _ kind: String, _ move: WaitingMove, target: String = "") async throws -> Bool {
        let goal = try goal(of: move, for: message)
        var names = [place, keys.scheduled, keys.scheduledMessages, keys.waiting, goal.list]
        var lockHolder = ""
        if case .delete = move, let old = try? Message(decoding: message.payload), let lock = old.uniqueLock, lock.isTakenAtEnqueue {
            names.append(keys.unique(lock.key))
            lockHolder = old.id
        }
        let command = RedisCommand.eval(
            RedisScripts.move, keys: names, kind, message.payload, message.key, goal.verb, goal.payload, goal.due, goal.member, target, lockHolder)
        guard try await client.reply(command).asInt() == 1 else { return false }
        if case .send(_, let queue) = move, let expires = expiringQueues[queue] {
            _ = try await client.replies(keys.ready(queue).map { RedisCommand("PEXPIRE", $0, expires.wholeMilliseconds) })
        }
        return true
    }

    /// Where a move leads to, as the script takes it.
    private func goal(of move: WaitingMove, for message: WaitingMessage) throws -> (verb: String, payload: [UInt8], list: String, due: String, member: String) {
        switch move {
        case .delete: return ("delete", [], keys.ready(message.queue, step: 0), "", "")
        case .rewrite(let payload):
            let priority = (try? Message(decoding: payload))?.properties.priority ?? 0
            return ("rewrite", payload, keys.ready(message.queue, priority: priority), "", "")
        case .send(let payload, let queue):
            let priority = (try? Message(decoding: payload))?.properties.priority ?? 0
            return ("send", payload, keys.ready(queue, priority: priority), "", "")
        case .schedule(let payload, let queue, let due):
            let message = try Message(decoding: payload)
            let list = keys.ready(queue, priority: message.properties.priority)
            let placed = PlacedMessage(queue: queue, list: list, bytes: payload, id: message.id, delay: nil)
            return ("schedule", payload, list, String(due.microseconds), placed.member)
        }
    }

    public func revocation(of id: String) async throws -> RevocationRecord? {
        do {
            let replies = try await client.replies([RedisCommand("ZSCORE", keys.revoked, id), RedisCommand("HGET", keys.revokers, id)])
            guard let ends = replies[0].double else { return nil }
            let at = Timestamp(microseconds: Int64(ends) * 1000) + (.zero - options.revokeExpires)
            return RevocationRecord(at: at, by: replies[1].string)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}
