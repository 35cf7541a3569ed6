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

    public func adopt(_ schedule: ScheduleAdoption) async throws -> [String: EntryProgress]? {
        let entries = schedule.versions.sorted { $0.key < $1.key }
        var arguments = [String(schedule.generation)]
        for (entry, version) in entries { arguments += [entry, version] }
        do {
            let command = RedisCommand.eval(
                RedisScripts.adopt, keys: [keys.beatMarks, keys.beatGeneration, keys.beatVersions, keys.beatSince], arguments: arguments)
            let answer = try await client.reply(command).asArray()
            // Without entries both answers are empty; then there is nothing to fire either.
            guard answer.count == 2 * entries.count else { return nil }
            var progress: [String: EntryProgress] = [:]
            for (index, entry) in entries.enumerated() {
                let mark = answer[2 * index + 1].int.map { Timestamp(microseconds: Int64($0)) }
                progress[entry.key] = EntryProgress(since: Timestamp(microseconds: Int64(try answer[2 * index].asInt())), mark: mark)
            }
            return progress
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}
