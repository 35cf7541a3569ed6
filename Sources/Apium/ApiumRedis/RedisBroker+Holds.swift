import ApiumCore
import RedisClient

extension RedisBroker {
    public func setLimit(_ limit: Limit?, on target: HoldTarget) async throws {
        try target.validateForLimit()
        try limit?.validate()
        _ = try await change(limit == nil ? "clear" : "limit", target, limit?.stored ?? "")
    }

    public func pause(_ target: HoldTarget) async throws -> Bool {
        try target.validateForPause()
        return try await change("pause", target)
    }

    public func resume(_ target: HoldTarget) async throws -> Bool {
        try target.validateForPause()
        return try await change("resume", target)
    }

    private func change(_ verb: String, _ target: HoldTarget, _ limit: String = "") async throws -> Bool {
        var command = RedisCommand.eval(
            RedisScripts.hold, keys: [keys.limits, keys.paused, keys.waiting, keys.control, keys.pausedLists], verb, target.text, limit, keys.control)
        if case .queue(let queue) = target, verb == "pause" || verb == "resume" { for list in keys.ready(queue) { command.append(list) } }
        do { return try await client.reply(command).asInt() == 1 } catch { throw RedisFailure.apiumError(error) }
    }

    public func holds() async throws -> [HoldRow] {
        do {
            let replies = try await client.replies([
                RedisCommand("HGETALL", keys.limits), RedisCommand("HGETALL", keys.paused), RedisCommand("ZRANGE", keys.waiting, 0, -1),
            ])
            var rows = HoldRows(limits: try replies[0].asPairs(), paused: try replies[1].asPairs())
            for text in try replies[2].asArray().compactMap(\.string) { if let target = HoldTarget(text: text) { rows.enter(target) } }
            let targets = rows.counted
            let counts = try await client.replies(
                targets.flatMap {
                    [RedisCommand("LLEN", keys.waiting($0)), RedisCommand("ZCARD", keys.permits($0)), RedisCommand("GET", keys.bucket($0))]
                })
            for (place, target) in targets.enumerated() {
                rows.count(
                    target, waiting: try counts[3 * place].asInt(), running: try counts[3 * place + 1].asInt(),
                    full: counts[3 * place + 2].int.map { Timestamp(microseconds: Int64($0)) })
            }
            return rows.sorted
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func waitingJobs(on target: HoldTarget, from offset: Int, limit: Int) async throws -> [WaitingJob] {
        guard limit > 0 else { return [] }
        let window = ScanWindow(from: offset, count: limit)
        do {
            let command = RedisCommand("LRANGE", keys.waiting(target), window.from, window.from + window.count - 1)
            return try await client.reply(command).asArray().compactMap { reply in
                let bytes = try reply.asBytes()
                guard let entry = WaitingEntry(bytes) else { return nil }
                return WaitingJob(queue: keys.queue(ofReady: entry.list), payload: entry.payload, key: bytes)
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// Lets go what waits and may run now; answers the microseconds until there is more to look at, or -1.
    func releaseWaiting() async throws -> Int {
        while true {
            let answer = try await client.reply(.eval(RedisScripts.release, keys: [keys.waiting], Self.releaseSize)).asArray()
            guard answer.count == 2 else { throw ApiumError(.notAvailable, "the script of releases answered \(answer.count) parts, not 2") }
            if answer[0].int == Self.releaseSize { continue }
            return answer[1].int ?? -1
        }
    }

    /// How many holds one step looks at: short enough not to hold the server up.
    private static let releaseSize = 50
}

extension HoldState {
    /// Reads what the control script answers. What is no target is left out.
    init(limits: [RESPValue], paused: Set<String>) {
        var bounds: [HoldTarget: Limit] = [:]
        var draining: Set<HoldTarget> = []
        for place in stride(from: 0, to: limits.count - 1, by: 2) {
            guard let target = limits[place].string.flatMap({ HoldTarget(text: $0) }), let stored = limits[place + 1].string else { continue }
            if let limit = Limit(stored: stored) { bounds[target] = limit } else { draining.insert(target) }
        }
        self.init(limits: bounds, paused: Set(paused.compactMap { HoldTarget(text: $0) }), draining: draining)
    }
}

/// An entry of a line, as permits.lua writes it.
struct WaitingEntry {
    let id: String
    let list: String
    let payload: [UInt8]

    init?(_ bytes: [UInt8]) {
        let parts = bytes.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let lengths = parts.prefix(3).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        guard lengths.count == 3, lengths.allSatisfy({ $0 >= 0 }), lengths.reduce(0, +) <= parts[3].count else { return nil }
        var rest = parts[3]
        id = String(decoding: rest.prefix(lengths[0]), as: UTF8.self)
        rest = rest.dropFirst(lengths[0])
        list = String(decoding: rest.prefix(lengths[1]), as: UTF8.self)
        payload = Array(rest.dropFirst(lengths[1] + lengths[2]))
    }
}

/// Gathers the rows of ``RedisBroker/holds()``.
private struct HoldRows {
    private var rows: [HoldTarget: HoldRow] = [:]

    init(limits: [(RESPValue, RESPValue)], paused: [(RESPValue, RESPValue)]) {
        for (field, value) in limits {
            guard let target = field.string.flatMap({ HoldTarget(text: $0) }) else { continue }
            rows[target, default: HoldRow(target: target)].limit = value.string.flatMap { Limit(stored: $0) }
        }
        for (field, value) in paused {
            guard let target = field.string.flatMap({ HoldTarget(text: $0) }) else { continue }
            rows[target, default: HoldRow(target: target)].pausedSince = value.int.map { Timestamp(microseconds: Int64($0)) }
        }
    }

    mutating func enter(_ target: HoldTarget) { if rows[target] == nil { rows[target] = HoldRow(target: target) } }

    /// Those that have lines of their own.
    var counted: [HoldTarget] { rows.keys.filter { if case .eachKey = $0 { false } else { true } } }

    mutating func count(_ target: HoldTarget, waiting: Int, running: Int, full: Timestamp?) {
        rows[target]?.waiting = waiting
        rows[target]?.running = running
        var limit = rows[target]?.limit
        if limit == nil, case .key(let key) = target { limit = rows[.eachKey(key.name)]?.limit }
        if let rate = limit?.rate, let full { rows[target]?.opensAt = full + (.zero - rate.interval * (rate.burst - 1)) }
        if case .key(let key) = target, rows[.eachKey(key.name)] != nil {
            rows[.eachKey(key.name)]?.waiting += waiting
            rows[.eachKey(key.name)]?.running += running
        }
    }

    /// A target that nobody waits for any more, and that is neither limited nor paused, is nothing to speak of.
    var sorted: [HoldRow] {
        rows.values.filter { $0.limit != nil || $0.pausedSince != nil || $0.waiting + $0.running > 0 }.sorted { $0.target.text < $1.target.text }
    }
}
