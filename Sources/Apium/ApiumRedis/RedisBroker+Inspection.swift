import ApiumCore
import DynamicJSON
import RedisClient

extension RedisBroker: InspectableBroker {
    public func readyMessages(in queue: String, _ window: ScanWindow) async throws -> ScanPage<ReadyRecord> {
        var page = ScanPage<ReadyRecord>(records: [], looked: 0)
        var skipped = 0
        do {
            for list in keys.ready(queue) where page.looked < window.count {
                let length = try await self.length(of: list)
                let from = max(0, window.from - skipped)
                if from < length {
                    let found = try await look(at: list, end: "right", from: from, count: window.count - page.looked, window.mentioning)
                    page.looked += found.looked
                    page.records += found.messages.map { ReadyRecord(queue: queue, position: skipped + $0.place, payload: $0.payload) }
                }
                skipped += length
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return page
    }

    public func scheduledMessages(_ window: ScanWindow) async throws -> ScanPage<ScheduledRecord> {
        var command = RedisCommand.eval(RedisScripts.agenda, keys: [keys.scheduled, keys.scheduledMessages], window.from, window.count)
        command.append(contentsOf: window.mentioning)
        do {
            let answer = try await client.reply(command).asArray()
            let records = try stride(from: 1, to: answer.count - 2, by: 3).map { at in
                // A member is task id, list, nonce, with NUL between.
                let parts = try answer[at].asBytes().split(separator: 0, omittingEmptySubsequences: false)
                let list = parts.count >= 3 ? String(decoding: parts[parts.count - 2], as: UTF8.self) : ""
                // A time far off is more than a timestamp holds, once the server has added its clock.
                let due = Timestamp(seconds: try answer[at + 1].asDouble() / 1_000_000)
                return ScheduledRecord(
                    due: due, queue: keys.queue(ofReady: list), payload: try answer[at + 2].asBytes(), key: try answer[at].asBytes())
            }
            return ScanPage(records: records, looked: try answer.first?.asInt() ?? 0)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func shelvedRecords(in shelf: Shelf, _ window: ScanWindow) async throws -> ScanPage<ShelvedRecord> {
        guard window.count > 0 else { return ScanPage(records: [], looked: 0) }
        do {
            let ids = try await client.reply(
                RedisCommand("ZREVRANGE", keys.shelf(shelf), window.from, window.from + window.count - 1)
            ).asArray().map { try $0.asBytes() }
            guard !ids.isEmpty else { return ScanPage(records: [], looked: 0) }
            var command = RedisCommand("HMGET", keys.shelfMessages(shelf))
            command.append(contentsOf: ids)
            // One that can't be read is for `doctor`; it hides no other.
            let records = zip(ids, try await client.reply(command).asArray()).compactMap { id, reply in
                reply.bytes.flatMap { try? ShelvedRecord(encoded: $0, name: String(decoding: id, as: UTF8.self)) }
            }
            return ScanPage(records: records, looked: ids.count)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func shelvedCount(in shelf: Shelf) async throws -> Int {
        do { return try await client.reply(RedisCommand("ZCARD", keys.shelf(shelf))).asInt() } catch { throw RedisFailure.apiumError(error) }
    }

    public func hasJanitor() async throws -> Bool { try await client.reply(RedisCommand("EXISTS", keys.janitor)) == .integer(1) }

    // MARK: Lists

    private func length(of list: String) async throws -> Int {
        // A queue's name may be that of a key of another kind: there is nothing of ours in it then.
        let reply = try await client.pipeline([RedisCommand("LLEN", list)])[0]
        if let error = reply.error, error.code != "WRONGTYPE" { throw error }
        return reply.int ?? 0
    }

    private func look(at list: String, end: String, from: Int, count: Int, _ texts: [String]) async throws -> (
        looked: Int, messages: [(place: Int, payload: [UInt8])]
    ) {
        var command = RedisCommand.eval(RedisScripts.look, keys: [list], from, count, end)
        command.append(contentsOf: texts)
        let answer = try await client.reply(command).asArray()
        let messages = try stride(from: 1, to: answer.count - 1, by: 2).map { (try answer[$0].asInt(), try answer[$0 + 1].asBytes()) }
        return (try answer.first?.asInt() ?? 0, messages)
    }

    // MARK: Queues

    /// How many keys are looked at for queues that nobody has declared: a server full of results is not walked through to its end.
    static let keyWindow = 200_000

    public func findQueues() async throws -> FoundQueues {
        var queues = Set(try await knownQueues())
        var cursor = "0"
        do {
            var looked = 0
            repeat {
                let page = try await client.reply(
                    RedisCommand("SCAN", cursor, "MATCH", Self.escaped(keys.prefix) + "*", "COUNT", 5000, "TYPE", "list")
                ).asArray()
                guard page.count == 2 else { break }
                cursor = try page[0].asString()
                looked += 5000
                for list in try page[1].asArray().map({ try $0.asString() }) where isQueue(list) { queues.insert(keys.queue(ofReady: list)) }
            } while cursor != "0" && looked < Self.keyWindow
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return FoundQueues(names: queues.sorted(), isComplete: cursor == "0")
    }

    /// Whether a list is a queue's: not one of ours, nor of remote control, nor the parts of a chord that is not ordered.
    private func isQueue(_ list: String) -> Bool {
        let name = list.dropFirst(keys.prefix.count)
        return !name.hasPrefix("apium:") && !name.contains(".pidbox") && !name.hasPrefix("celeryev") && !name.hasPrefix("unacked")
            && !name.contains("celery-taskset-meta-")
    }

    /// A text as a pattern of SCAN that only it fits.
    static func escaped(_ text: String) -> String { String(text.flatMap { "*?[]^\\".contains($0) ? ["\\", $0] : [$0] }) }
}
