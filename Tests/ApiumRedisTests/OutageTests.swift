import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("A Redis server that stops", .enabled(if: Bench.url != nil && OwnServer.path != nil), .timeLimit(.minutes(2)))
struct OutageTests {
    private func withServer(savesOnDemand: Bool = false, _ body: @Sendable (OwnServer, RedisBroker) async throws -> Void) async throws {
        let server = try await OwnServer.start(savesOnDemand: savesOnDemand)
        defer { server.end() }
        let broker = RedisBroker(server.configuration, logger: Bench.logger)
        do {
            try await body(server, broker)
        } catch {
            await broker.shutdown()
            throw error
        }
        await broker.shutdown()
    }

    private func session(_ broker: RedisBroker, lease: Duration = .seconds(5)) async throws -> RedisSession {
        try await broker.open(WorkerIdentity(name: "w@host", pid: 1, queues: ["q"], lease: lease))
    }

    /// Calls until the server is back.
    private func atLast<Result: Sendable>(_ name: String, _ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await within(name) {
            while true {
                do { return try await body() } catch let error as ApiumError where error.code == .unavailable {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }
    }

    @Test("a killed server that comes back with its file loses no job, and a session goes on as if nothing had been")
    func restart() async throws {
        try await withServer { server, broker in
            let session = try await session(broker)
            try await broker.enqueue(["a", "b"].map { Outgoing(Bench.message($0), to: "q") })
            let held = try await within("the claim") { try await session.claim(limit: 1) }.deliveries
            #expect(held.map(\.id) == ["a"])
            server.kill()
            let claiming = Task { try await session.claim(limit: 5).deliveries }
            let completing = Task { try await session.complete(held.map { Completion($0.tag, .done) }) }
            let down = await #expect(throws: ApiumError.self) { try await broker.enqueue([Outgoing(Bench.message("lost"), to: "q")]) }
            #expect(down?.code == .unavailable)
            try await server.run()
            #expect(try await within("the completion") { try await completing.value } == [.done])
            #expect(try await within("the next claim") { try await claiming.value }.map(\.id) == ["b"])
            try await atLast("health to say so") { if session.health.lastError != nil { throw ApiumError(.unavailable, "not yet") } }
            try await session.close()
            #expect(try await broker.queueLength("q") == 1)
        }
    }

    @Test("jobs whose ends the server has lost by a restart from older data run again while their worker lives, and no others")
    func lostEnds() async throws {
        try await withServer(savesOnDemand: true) { server, broker in
            let session = try await session(broker)
            try await broker.enqueue(["a", "b"].map { Outgoing(Bench.message($0), to: "q") })
            let over = try await within("the claim") { try await session.claim(limit: 2) }.deliveries
            #expect(over.map(\.id) == ["a", "b"])
            try await broker.enqueue(["c", "d"].map { Outgoing(Bench.message($0), to: "q") })
            let half = try await within("the claim") { try await session.claim(limit: 2) }.deliveries
            #expect(half.map(\.id) == ["c", "d"])
            _ = try await broker.client.reply(RedisCommand("SAVE"))
            let ended = try await session.complete((over + half.prefix(1)).map { Completion($0.tag, .done) })
            #expect(ended == [.done, .done, .done])
            server.kill()
            try await server.run()
            let again = try await within("the claim of what is over") { try await session.claim(limit: 5) }.deliveries
            #expect(again.map(\.id) == ["a", "b"] && again.allSatisfy { (try? $0.message.properties.redelivered) == true })
            // The worker runs d still: with its end it comes out that the end of c is lost.
            #expect(try await atLast("the end") { try await session.complete([Completion(half[1].tag, .done)]) } == [.done])
            #expect(try await within("the claim of the other") { try await session.claim(limit: 5) }.deliveries.map(\.id) == ["c"])
            try await session.close()
        }
    }

    @Test("a server that comes back empty takes the lease away, and a new session works")
    func wiped() async throws {
        try await withServer { server, broker in
            let session = try await session(broker, lease: .milliseconds(500))
            let claiming = Task { try await session.claim(limit: 5) }
            _ = try await broker.client.reply(RedisCommand("FLUSHALL"))
            await #expect(throws: ApiumError.self) { try await claiming.value }
            let event = try await within("the event") { () -> SessionEvent? in
                for await event in session.events where event == .leaseLost { return event }
                return nil
            }
            #expect(event == .leaseLost)
            try await session.close()
            let next = try await self.session(broker)
            try await broker.enqueue([Outgoing(Bench.message("a"), to: "q")])
            #expect(try await within("the claim") { try await next.claim(limit: 1) }.deliveries.map(\.id) == ["a"])
            try await next.close()
        }
    }

    @Test("a server that stands still for longer than a lease expires nobody")
    func pause() async throws {
        try await withServer { server, broker in
            let lease = Duration.milliseconds(1000)
            let worker = try await session(broker, lease: lease)
            let janitor = try await session(broker, lease: lease)
            try await broker.enqueue([Outgoing(Bench.message("a"), to: "q")])
            let held = try await within("the claim") { try await worker.claim(limit: 1) }.deliveries
            let rounds = Task {
                var reaped = 0
                while !Task.isCancelled {
                    reaped += (try? await janitor.maintain())?.reaped ?? 0
                    try? await Task.sleep(for: .milliseconds(20))
                }
                return reaped
            }
            for _ in 0..<2 {
                try await Task.sleep(for: .milliseconds(300))
                server.pause()
                try await Task.sleep(for: .milliseconds(2500))
                server.resume()
            }
            // Long enough for the janitor to look a few times.
            try await Task.sleep(for: lease)
            rounds.cancel()
            #expect(await rounds.value == 0)
            #expect(try await worker.complete(held.map { Completion($0.tag, .done) }) == [.done])
            try await worker.close()
            try await janitor.close()
        }
    }
}
