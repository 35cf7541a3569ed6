import RedisClient
import Testing

@testable import ApiumCore
@testable import ApiumRedis

@Suite("Waiting for a result while connections break", .enabled(if: Bench.url != nil && OwnServer.path != nil), .timeLimit(.minutes(1)))
struct ResultWaitTests {
    private let document = ResultDocument(id: "x", state: .success, result: 7, dateDone: Timestamp(microseconds: 0), children: [])

    /// Waits until somebody listens for the result.
    private func listens(_ bench: Bench) async throws {
        let channel = bench.results.keys.task("x")
        try await bench.eventually("somebody waits") { try await bench.redis.send(RedisCommand("PUBSUB", "NUMSUB", channel)).asArray()[1] == .integer(1) }
    }

    @Test("a read that is cut after a gap is repeated, and the result that was stored meanwhile is found")
    func cutRead() async throws {
        try await Bench.with { bench in
            let proxy = try await CuttingProxy.start(for: bench.configuration)
            let results = RedisResults(proxy.configuration, options: bench.results.options, logger: Bench.logger)
            let waiting = Task { try await results.wait(for: "x", within: .seconds(30)) }
            try await listens(bench)
            proxy.breakNextRequest(with: "GET")
            await proxy.cut()
            try await bench.eventually("the read after the gap is cut") { !proxy.isBreakAhead }
            try await bench.results.store(document)
            #expect(try await waiting.value?.result == 7)
            await results.shutdown()
            await proxy.stop()
        }
    }

    @Test("a first read that is cut is repeated: the server was there")
    func cutFirstRead() async throws {
        try await Bench.with { bench in
            let proxy = try await CuttingProxy.start(for: bench.configuration)
            let results = RedisResults(proxy.configuration, options: bench.results.options, logger: Bench.logger)
            try await bench.results.store(document)
            proxy.breakNextRequest(with: "GET")
            #expect(try await results.wait(for: "x", within: .seconds(30))?.result == 7)
            #expect(!proxy.isBreakAhead)
            await results.shutdown()
            await proxy.stop()
        }
    }

    @Test("a server that stands still keeps nobody beyond the timeout", arguments: [false, true])
    func pausedServer(isConnected: Bool) async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        let results = RedisResults(server.configuration, logger: Bench.logger)
        if isConnected { _ = try await results.document(for: "x") }
        server.pause()
        let began = ContinuousClock.now
        #expect(try await results.wait(for: "x", within: .milliseconds(500)) == nil)
        let client = ApiumClient(broker: RedisBroker(server.configuration, logger: Bench.logger), results: results)
        for ids in [["x"], ["x", "y"]] {
            let error = await #expect(throws: ApiumError.self) {
                try await client.documents(of: ids, until: .now + .milliseconds(500), stopsAtFailure: true)
            }
            #expect(error?.code == .timedOut)
        }
        // Command and connection have ten and five seconds each.
        #expect(ContinuousClock.now - began < .seconds(4))
        server.resume()
        await results.shutdown()
    }

    @Test("without a server a wait fails at once, and one that loses it ends with its time")
    func noServer() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        let results = RedisResults(server.configuration, logger: Bench.logger)
        let waiting = Task { try await results.wait(for: "x", within: .seconds(3)) }
        let watcher = RedisClient(server.configuration, logger: Bench.logger)
        let channel = results.keys.task("x")
        try await within("somebody waits") {
            while try await watcher.send(RedisCommand("PUBSUB", "NUMSUB", channel)).asArray()[1] != .integer(1) { await Task.yield() }
        }
        await watcher.shutdown()
        server.kill()
        // Its last read may have been cut off: then it says so.
        switch await waiting.result {
        case .success(let document): #expect(document == nil)
        case .failure(let error): #expect((error as? ApiumError)?.code == .unavailable)
        }
        let error = await #expect(throws: ApiumError.self) { try await results.wait(for: "x", within: .seconds(30)) }
        #expect(error?.code == .unavailable)
        await results.shutdown()
    }

    @Test("a shutdown ends a wait")
    func shutdown() async throws {
        try await Bench.with { bench in
            let results = RedisResults(bench.configuration, options: bench.results.options, logger: Bench.logger)
            let waiting = Task { try await results.wait(for: "x", within: .seconds(50)) }
            try await listens(bench)
            await results.shutdown()
            let error = await #expect(throws: ApiumError.self) { try await waiting.value }
            #expect(error?.code == .unavailable)
        }
    }
}
