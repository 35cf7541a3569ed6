import ApiumCore
import Logging
import RedisClient
import Synchronization

/// Puts back what dead Python workers left in kombu's `unacked`: past the visibility timeout, and only while this session holds kombu's own
/// lock, as each of kombu's consumers does it. Our own workers write nothing there.
final class UnackedRestorer: Sendable {
    private let broker: RedisBroker
    private let token: String
    private let lastFault = Mutex<String?>(nil)

    /// - Parameter token: What the lock is taken with: the session's incarnation.
    init(broker: RedisBroker, token: String) {
        self.broker = broker
        self.token = token
    }

    private var options: UnackedOptions { broker.options.unacked }
    private var keys: RedisKeys { broker.keys }
    private var mutex: String { keys.kombu(options.mutex) }

    /// How many deliveries are read, and moved in one step.
    private static let pageSize = 100

    /// One look. While nothing is too old it costs two commands.
    /// - Returns: how many deliveries went back or were set aside.
    func round() async throws -> Int {
        guard let timeout = options.visibilityTimeout else { return 0 }
        let oldest = Double((try await broker.serverTime() + (.zero - timeout)).microseconds) / 1_000_000
        guard try await !page(before: oldest, skipping: 0).isEmpty else { return 0 }
        let taken = try await broker.client.reply(RedisCommand("SET", mutex, token, "NX", "PX", max(1, options.mutexExpires.wholeMilliseconds)))
        guard !taken.isNull else { return 0 }
        do {
            let moved = try await restore(before: oldest)
            try await release()
            return moved
        } catch {
            // Without it the lock would hold until it expires, and no consumer could restore anything.
            try? await release()
            throw error
        }
    }

    private func release() async throws {
        _ = try await broker.client.uncancelledReplies([.eval(RedisScripts.leave, keys: [mutex], token)])
    }

    /// Page by page, the newest first: each push goes before the one before it, so the oldest is the next to be claimed.
    private func restore(before oldest: Double) async throws -> Int {
        var (moved, left) = (0, 0)
        var fault: String?
        while true {
            let tags = try await page(before: oldest, skipping: left)
            if tags.isEmpty { break }
            let values = try await broker.client.reply(RedisCommand("HMGET", arguments: [keys.kombu(options.hash)] + tags)).asArray()
            var command = RedisCommand.eval(
                RedisScripts.restore, keys: [keys.kombu(options.hash), keys.kombu(options.index), mutex], token, tags.count)
            for (tag, value) in zip(tags, values) {
                do {
                    let operations = try await self.operations(tag, value.bytes)
                    command.append(contentsOf: [Array(tag.utf8), value.bytes ?? [], Array(String(operations.count).utf8)] + operations.flatMap { $0 })
                } catch let error as ApiumError where error.code != .unavailable {
                    // One that has no queue now stays, for a consumer that may know better; a differing value leaves it alone.
                    fault = "\(error)"
                    command.append(contentsOf: [Array(tag.utf8), Array("left".utf8), Array("0".utf8)])
                }
            }
            let done = try await broker.client.uncancelledReplies([command])[0].asInt()
            moved += done
            left += tags.count - done
            if tags.count < Self.pageSize { break }
        }
        note(fault)
        if moved > 0 { broker.logger.notice("Deliveries of lost Python workers went back", metadata: ["count": "\(moved)"]) }
        return moved
    }

    private func page(before oldest: Double, skipping left: Int) async throws -> [String] {
        try await broker.client.reply(
            RedisCommand("ZREVRANGEBYSCORE", keys.kombu(options.index), String(oldest), "-inf", "LIMIT", left, Self.pageSize)
        ).asArray().map { try $0.asString() }
    }

    /// The operations of restore.lua for one delivery; none for an index without a message.
    /// - Throws: ``ApiumError`` when no queue can be found for it.
    private func operations(_ tag: String, _ value: [UInt8]?) async throws -> [[[UInt8]]] {
        guard let value else { return [] }
        let held: UnackedDelivery
        do { held = try UnackedDelivery(decoding: value) } catch { return [park(tag, value, because: error)] }
        if held.exchange.isEmpty && held.routingKey.isEmpty { throw ApiumError(.unroutable, "the delivery names neither exchange nor queue") }
        let routes = try await broker.routes(of: [held.outgoing]) { try await self.broker.client.replies($0) }
        let bytes = held.message.encoded()
        return try routes.queues(of: held.outgoing).map { queue in
            ["push", keys.ready(queue, priority: held.message.properties.priority)].map { Array($0.utf8) } + [bytes]
        }
    }

    /// What can't be read is kept where it can be looked at (invariant 5).
    private func park(_ tag: String, _ value: [UInt8], because error: any Error) -> [[UInt8]] {
        let record = ShelvedRecord(
            id: "unacked-\(tag)", task: nil, queue: "", reason: "left by a kombu consumer that is gone: \(error)", at: .now(), attempts: 0, payload: value)
        return ["shelf", keys.shelf(.parked), record.id].map { Array($0.utf8) } + [record.encoded]
    }

    /// One line per change, however often it is tried.
    private func note(_ fault: String?) {
        let isNew = lastFault.withLock { last in
            defer { last = fault }
            return last != fault
        }
        if isNew, let fault { broker.logger.warning("What a Python worker left stays in kombu's unacked", metadata: ["error": "\(fault)"]) }
    }
}
