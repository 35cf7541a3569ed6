import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

/// What a worker without work asks of Redis, by the server's own count: so that it cannot grow unnoticed. Numbers of commands, and no times.
@Suite("What an idle worker costs Redis", .enabled(if: OwnServer.path != nil), .timeLimit(.minutes(1)))
struct IdleCostTests {
    /// How often each command was called, by `INFO commandstats`.
    private func calls(_ bench: Bench) async throws -> [String: Int] {
        let text = try await bench.redis.send(RedisCommand("INFO", "commandstats")).asString()
        var calls: [String: Int] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let match = line.wholeMatch(of: /cmdstat_([^:]+):calls=(\d+),.*/), let count = Int(match.2) else { continue }
            calls[String(match.1)] = count
        }
        return calls
    }

    /// How often the server has read from a connection: what wakes it.
    private func reads(_ bench: Bench) async throws -> Int {
        let text = try await bench.redis.send(RedisCommand("INFO", "stats")).asString()
        return try #require(ServerInformation(text)["total_reads_processed"].flatMap { Int($0) })
    }

    /// The duties of a session, as a worker does them; it claims all the while.
    private func serve(_ session: RedisSession) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await session.claim(limit: 4) }
            group.addTask {
                while !Task.isCancelled {
                    guard let report = try? await session.maintain() else { return }
                    await session.untilMaintenance(atMost: report.next)
                }
            }
        }
    }

    private func renewals(_ session: RedisSession, _ bench: Bench) async throws -> Int {
        try await bench.redis.send(RedisCommand("ZSCORE", session.keys.workers, session.incarnation)).int ?? 0
    }

    @Test("in the time of four renewals a janitor and its deputy send the commands that the design counts, and no more")
    func commands() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            let sessions = [try await bench.session("first"), try await bench.session("second")]
            let serving = sessions.map { session in Task { await serve(session) } }
            try await bench.eventually("all reads wait") { sessions.allSatisfy { $0.waitingReads.count == 4 } }
            try await bench.eventually("both have settled") { try await renewals(sessions[1], bench) >= 3 }
            let (before, first, read) = (try await calls(bench), try await renewals(sessions[0], bench), try await reads(bench))
            try await bench.eventually("four renewals") { try await renewals(sessions[0], bench) >= first + 4 }
            let cost = try await calls(bench).merging(before) { $0 - $1 }
            // What this test asks is a request for each command.
            let requests = try await reads(bench) - read - cost["zscore", default: 0] - cost["info", default: 0]
            for task in serving { task.cancel() }
            for session in sessions { try await session.close() }
            #expect((6...10).contains(cost["zadd", default: 0]), "each session renews four times: \(cost)")
            // A read begins anew twice a minute, and four of them together: each session may do that once.
            #expect(cost["blmove", default: 0] <= 8, "\(cost)")
            #expect(cost["lmove", default: 0] == 0 && cost["hset", default: 0] == 0, "nothing is moved or registered: \(cost)")
            #expect(cost["hgetall", default: 0] == 0, "nobody is silent: \(cost)")
            // Twice a second the janitor asks for its lease and looks for what is due: 24 in six seconds. Its deputy looks by plain commands.
            #expect(cost["evalsha", default: 0] <= 30, "\(cost)")
            let all = cost.filter { !["zscore", "info"].contains($0.key) }.values.reduce(0, +)
            #expect(all <= 250, "commands, those of scripts among them: \(cost)")
            // Eight renewals, the janitor's 24 scripts and two looks a second at who was reaped, six looks of its deputy, reads that begin anew.
            #expect(requests <= 75, "requests; commands: \(cost)")
        }
    }

    @Test("a renewal finds its worker by a hash, however few there are")
    func encoding() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            let session = try await bench.session()
            #expect(try await bench.redis.send(RedisCommand("OBJECT", "ENCODING", session.keys.workers)).string == "skiplist")
            #expect(try await bench.broker.registered() == [session.incarnation])
            try await session.close()
        }
    }
}
