import ApiumCore
import RedisClient

extension RedisBroker {
    /// How much of the set, and of each list, is looked at: what is asked for by people must not hold the server up.
    private static let scheduledWindow = 10_000
    private static let readyWindow = 1000

    public func scheduledJobs(on queues: [String], limit: Int) async throws -> [ScheduledJob] {
        guard limit > 0 else { return [] }
        do {
            let waiting = try await waitingJobs(on: queues, limit: limit)
            let ready = try await readyJobs(on: queues)
            return Array((waiting + ready).sorted { $0.due < $1.due }.prefix(limit))
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// Those of the scheduled set. A member is task id, list, nonce, with NUL between.
    private func waitingJobs(on queues: [String], limit: Int) async throws -> [ScheduledJob] {
        let lists = Set(queues.flatMap { keys.ready($0) })
        let command = RedisCommand("ZRANGE", keys.scheduled, 0, Self.scheduledWindow - 1, "WITHSCORES")
        let answer = try await client.reply(command).asArray()
        var found: [(member: [UInt8], list: String, due: Timestamp)] = []
        for index in stride(from: 0, to: answer.count - 1, by: 2) where found.count < limit {
            let member = try answer[index].asBytes()
            let parts = member.split(separator: 0, omittingEmptySubsequences: false)
            guard parts.count >= 3, let score = Double(try answer[index + 1].asString()) else { continue }
            let list = String(decoding: parts[parts.count - 2], as: UTF8.self)
            if lists.contains(list) { found.append((member, list, Timestamp(seconds: score / 1_000_000))) }
        }
        guard !found.isEmpty else { return [] }
        var read = RedisCommand("HMGET", keys.scheduledMessages)
        read.append(contentsOf: found.map(\.member))
        let payloads = try await client.reply(read).asArray()
        return zip(found, payloads).compactMap { entry, payload in
            guard let bytes = payload.bytes, let message = try? Message(decoding: bytes) else { return nil }
            return ScheduledJob(due: entry.due, queue: keys.queue(ofReady: entry.list), message: message)
        }
    }

    /// Those that nobody has claimed yet: their ETA is in the message only.
    private func readyJobs(on queues: [String]) async throws -> [ScheduledJob] {
        let lists = queues.flatMap { keys.ready($0) }
        guard !lists.isEmpty else { return [] }
        let replies = try await client.replies(lists.map { RedisCommand("LRANGE", $0, -Self.readyWindow, -1) })
        let now = try await serverTime()
        var jobs: [ScheduledJob] = []
        for (list, reply) in zip(lists, replies) {
            for payload in reply.array ?? [] {
                guard let bytes = payload.bytes, let message = try? Message(decoding: bytes), let eta = message.headers.eta,
                    let due = Timestamp(iso8601: eta), due > now
                else { continue }
                jobs.append(ScheduledJob(due: due, queue: keys.queue(ofReady: list), message: message))
            }
        }
        return jobs
    }
}
