import ApiumCore
import RedisClient

extension RedisBroker {
    /// The queues that somebody has declared: those of kombu's binding tables and of live workers, sorted. A queue that only
    /// ever had messages and no consumer is in neither.
    public func knownQueues() async throws -> [String] {
        var queues: Set<String> = []
        for table in try await bindingTables() {
            let members = try await client.reply(RedisCommand("SMEMBERS", table)).asArray().map { try $0.asString() }
            // routing key, pattern, queue; replies and pid boxes have tables of their own and are nobody's work.
            for member in members { queues.formUnion(member.components(separator: keys.separator).suffix(1)) }
        }
        for worker in try await registered() {
            let names = try await client.reply(RedisCommand("HGET", keys.worker(worker), "queues")).string ?? ""
            queues.formUnion(names.split(separator: ",").map(String.init))
        }
        return queues.filter { !$0.isEmpty && !$0.hasSuffix(".pidbox") && !$0.hasPrefix("celeryev") }.sorted()
    }

    private func bindingTables() async throws -> [String] {
        var tables: Set<String> = []
        var cursor = "0"
        repeat {
            let page = try await client.reply(RedisCommand("SCAN", cursor, "MATCH", keys.binding("*"), "COUNT", 1000)).asArray()
            guard page.count == 2 else { break }
            cursor = try page[0].asString()
            tables.formUnion(try page[1].asArray().map { try $0.asString() })
        } while cursor != "0"
        return tables.filter { !$0.contains("pidbox") && !$0.contains("celeryev") }.sorted()
    }
}

extension String {
    /// The parts between separators of several characters.
    fileprivate func components(separator: String) -> [String] { split(separator: separator, omittingEmptySubsequences: false).map(String.init) }
}
