import ApiumCore
import RedisClient

extension RedisBroker {
    public func fire(_ slot: ScheduledSlot) async throws -> FireOutcome {
        let places = try await place(slot.job.map { [$0] } ?? [])
        guard places.count <= 1 else {
            let queues = places.map(\.queue).joined(separator: ", ")
            throw ApiumError(.notAvailable, "entry '\(slot.entry)' goes to an exchange with several queues (\(queues)); a slot fires into one: name the queue")
        }
        let placed = places.first
        let command = RedisCommand.eval(
            RedisScripts.fire,
            keys: [keys.beatMarks, keys.beatGeneration, keys.beatLedger, placed?.list ?? keys.beatMarks, keys.scheduled, keys.scheduledMessages],
            slot.entry, slot.generation, slot.instant.microseconds, placed == nil ? "0" : "1", placed?.bytes ?? [], placed?.id ?? "",
            placed?.delay.map { String($0.wholeMicroseconds) } ?? "", placed?.member ?? "")
        do {
            let answer = try await client.reply(command).asArray().map { try $0.asInt() }
            switch answer.first {
            case 0: return .fired
            case 1: return .alreadyFired
            case 2: return .staleGeneration
            default: return .early(by: .microseconds(answer.count > 1 ? answer[1] : 0))
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func slotMarks(_ entries: [String]) async throws -> [String: Timestamp] {
        guard !entries.isEmpty else { return [:] }
        do {
            var command = RedisCommand("HMGET", keys.beatMarks)
            command.append(contentsOf: entries)
            let marks = try await client.reply(command).asArray()
            let pairs = zip(entries, marks).compactMap { entry, mark in mark.int.map { (entry, Timestamp(microseconds: Int64($0))) } }
            return Dictionary(pairs) { first, _ in first }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}
