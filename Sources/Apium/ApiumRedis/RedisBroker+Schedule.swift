import ApiumCore
import RedisClient

extension RedisBroker {
    public func adopt(_ schedule: ScheduleAdoption) async throws -> AdoptionOutcome {
        let entries = schedule.entries.sorted { $0.key < $1.key }
        var command = RedisCommand.eval(
            RedisScripts.adopt,
            keys: [
                keys.beatMarks, keys.beatGeneration, keys.beatVersions, keys.beatSince, keys.beatEntries, keys.scheduleRevision, keys.scheduleChanges,
            ], schedule.edition.generation, schedule.edition.revision, keys.beatLedger(""), keys.beatRun(""), keys.beatWaiting(""), 30 * 86_400,
            options.results.keys.task(""))
        for (name, entry) in entries {
            command.append(contentsOf: [name, entry.version, entry.document ?? "", entry.queues ? "1" : "0"])
        }
        do {
            let answer = try await client.reply(command).asArray()
            switch answer.first?.int {
            case 0 where answer.count == 1 + 2 * entries.count: break
            case 2: return .staleGeneration
            case 3: return .staleRevision
            default: throw ApiumError(.notAvailable, "the adopt script answered \(answer.count) parts for \(entries.count) entries")
            }
            var progress: [String: EntryProgress] = [:]
            for (index, entry) in entries.enumerated() {
                progress[entry.key] = EntryProgress(since: try Self.instant(answer[2 * index + 1]), mark: try? Self.instant(answer[2 * index + 2]))
            }
            return .adopted(progress)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func fire(_ slot: ScheduledSlot) async throws -> FireOutcome {
        let command =
            switch slot.action {
            case .fire(let job, let isCaughtUp, let overlap): try await fireCommand(slot, job, isCaughtUp, overlap)
            case .skip(let reason, let first, let count): skipCommand(slot, reason, first, count)
            }
        do {
            let answer = try await client.reply(command).asArray()
            return try FireOutcome(answer)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    private func fireCommand(_ slot: ScheduledSlot, _ job: Outgoing, _ isCaughtUp: Bool, _ overlap: Overlap) async throws -> RedisCommand {
        let places = try await place([job])
        guard places.count == 1 else {
            let queues = places.map(\.queue).joined(separator: ", ")
            throw ApiumError(.notAvailable, "entry '\(slot.entry)' goes to an exchange with several queues (\(queues)); a slot fires into one: name the queue")
        }
        let placed = places[0]
        var command = RedisCommand.eval(
            RedisScripts.fire,
            keys: slotKeys(slot.entry) + [
                keys.beatRun(slot.entry), keys.beatWaiting(slot.entry), placed.list, keys.scheduled, keys.scheduledMessages, keys.revoked, keys.terminated,
                keys.control,
            ], arguments: slotArguments(slot) + [(isCaughtUp ? SlotRecord.Outcome.caughtUp : .fired).rawValue])
        command.append(placed.bytes)
        command.append(contentsOf: [
            placed.id, placed.delay.map { String($0.wholeMicroseconds) } ?? "", placed.member, overlap.policy.rawValue,
            String(max(1, overlap.limit.wholeMilliseconds)), String(Overlap.greatestQueue), options.results.keys.task(""),
            String(options.revokeExpires.wholeMilliseconds),
        ])
        return command
    }

    private func skipCommand(_ slot: ScheduledSlot, _ reason: SlotRecord.Reason, _ first: Timestamp, _ count: Int) -> RedisCommand {
        .eval(
            RedisScripts.skip, keys: slotKeys(slot.entry),
            arguments: slotArguments(slot) + [reason.rawValue, String(first.microseconds), String(count), String(SlotRecord.greatestCount)])
    }

    private func slotKeys(_ entry: String) -> [String] {
        [keys.beatMarks, keys.beatGeneration, keys.beatVersions, keys.scheduleRevision, keys.beatLedger(entry)]
    }

    private func slotArguments(_ slot: ScheduledSlot) -> [String] {
        [
            slot.entry, String(slot.edition.generation), String(slot.edition.revision), slot.version, String(slot.instant.microseconds),
            slot.mark.map { String($0.microseconds) } ?? "",
        ]
    }

    static func instant(_ reply: RESPValue) throws -> Timestamp { Timestamp(microseconds: Int64(try reply.asInt())) }
}

extension FireOutcome {
    /// Reads the answer of fire.lua and skip.lua.
    fileprivate init(_ answer: [RESPValue]) throws {
        let detail = answer.count > 1 ? answer[1] : .null
        switch answer.first?.int {
        case 0: self = .done
        case 1: self = .moved(mark: try? RedisBroker.instant(detail))
        case 2: self = .staleGeneration
        case 3: self = .staleRevision
        case 4: self = .staleVersion
        case 5: self = .early(by: .microseconds(try detail.asInt()))
        case 6: self = .overlapped(by: try detail.asString())
        case 7: self = .queued(behind: try detail.asString())
        default: throw ApiumError(.notAvailable, "a firing was answered with \(answer.count) parts that mean nothing")
        }
    }
}
