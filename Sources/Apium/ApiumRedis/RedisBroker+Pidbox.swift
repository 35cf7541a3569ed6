import ApiumCore
import RedisClient

/// What Celery's workers and askers leave of remote control when they are killed.
extension RedisBroker {
    /// The end of the name of a node's queue, which on Redis is only a label.
    private static func label(_ exchange: String) -> String { ".\(exchange)" }

    public func boundNodes(to exchange: String) async throws -> [String] {
        let rows = try await client.reply(RedisCommand("SMEMBERS", keys.binding(exchange))).asArray().compactMap(\.string)
        let label = Self.label(exchange)
        return Set(rows.compactMap { keys.queue(ofRow: $0) }.filter { $0.hasSuffix(label) }.map { String($0.dropLast(label.count)) }).sorted()
    }

    public func unbind(_ nodes: [String], from exchange: String) async throws -> Int {
        let queues = Set(nodes.map { $0 + Self.label(exchange) })
        // kombu of 5.7 keeps a second set, of queues without an end.
        let tables = [keys.binding(exchange), keys.permanentBinding(exchange)]
        var count = 0
        for table in tables {
            let rows = try await client.reply(RedisCommand("SMEMBERS", table)).asArray().compactMap(\.string)
            let meant = rows.filter { keys.queue(ofRow: $0).map(queues.contains) ?? false }
            guard !meant.isEmpty else { continue }
            var command = RedisCommand("SREM", table)
            command.append(contentsOf: meant)
            let removed = try await client.reply(command).asInt()
            if table == tables[0] { count = removed }
        }
        return count
    }

    // MARK: Faults

    /// Binding tables whose deadline has passed: a consumer of kombu 5.7 sweeps them, where there is one.
    func overdueBindings() async throws -> [KeyFault] {
        let now = try await serverTime().microseconds / 1000
        // A consumer sweeps once a minute.
        let exchanges = try await client.reply(RedisCommand("ZRANGEBYSCORE", keys.bindingDeadlines, "-inf", now - 120_000)).asArray().map { try $0.asString() }
        return exchanges.map { .overdueBindings(exchange: $0) }
    }

    /// Lists of replies that nobody reads and nothing ends: Celery's workers push them without a time to live, whether the asker is still there or not.
    func endlessReplies() async throws -> [KeyFault] {
        var seen: [String: [UInt8]] = [:]
        for list in try await replyLists() { seen[list] = try await oldestEndless(list) }
        guard !seen.isEmpty else { return [] }
        // One who waits for replies reads them at once.
        try await Task.sleep(for: .seconds(1))
        var faults: [KeyFault] = []
        for (list, oldest) in seen.sorted(by: { $0.key < $1.key }) where try await oldestEndless(list) == oldest { faults.append(.endlessReplies(key: list)) }
        return faults
    }

    private func replyLists() async throws -> [String] {
        let pattern = Self.escaped(keys.prefix) + "*.reply.*.pidbox"
        var lists: [String] = []
        var cursor = "0"
        var looked = 0
        repeat {
            let page = try await client.reply(RedisCommand("SCAN", cursor, "MATCH", pattern, "COUNT", 5000, "TYPE", "list")).asArray()
            guard page.count == 2 else { break }
            cursor = try page[0].asString()
            looked += 5000
            lists += try page[1].asArray().map { try $0.asString() }
        } while cursor != "0" && looked < Self.keyWindow
        return lists
    }

    /// The oldest reply of a list without an end; `nil`: it has one, is gone, or may not be read.
    private func oldestEndless(_ list: String) async throws -> [UInt8]? {
        do {
            let replies = try await client.replies([RedisCommand("PTTL", list), RedisCommand("LINDEX", list, -1)])
            return replies[0] == .integer(-1) ? replies[1].bytes : nil
        } catch let error as ApiumError where error.code == .notPermitted {
            return nil
        }
    }

    // MARK: Repairs

    func sweepBindings(of exchange: String) async throws -> Bool {
        let tables = [keys.binding(exchange), keys.permanentBinding(exchange), keys.bindingDeadlines]
        return try await client.reply(.eval(RedisScripts.unbind, keys: tables, exchange)) == .integer(1)
    }

    func endReplies(_ list: String) async throws -> Bool {
        guard try await client.reply(RedisCommand("PTTL", list)) == .integer(-1) else { return false }
        return try await client.reply(RedisCommand("PEXPIRE", list, RedisControl.replyLife.wholeMilliseconds)) == .integer(1)
    }
}

extension RedisKeys {
    /// The queue of a binding's row; `nil`: it is no row.
    fileprivate func queue(ofRow row: String) -> String? {
        let parts = row.split(separator: separator, omittingEmptySubsequences: false)
        return parts.count == 3 ? String(parts[2]) : nil
    }
}
