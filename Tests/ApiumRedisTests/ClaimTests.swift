import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Claiming on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct ClaimTests {
    @Test("jobs are claimed in the order of their sending, with growing fences, and leave no key when they are done")
    func order() async throws {
        try await Bench.with { bench in
            let ids = (0..<50).map { "job-\($0)" }
            try await bench.enqueue(ids)
            #expect(try await bench.broker.queueLength("q") == 50)
            let session = try await bench.session()
            let deliveries = try await bench.claim(50, from: session, limit: 20)
            #expect(deliveries.map(\.id) == ids)
            #expect(deliveries.map(\.queue).allSatisfy { $0 == "q" })
            #expect(zip(deliveries, deliveries.dropFirst()).allSatisfy { $0.fence < $1.fence })
            let outcomes = try await session.complete(deliveries.map { Completion($0.tag, .done) })
            #expect(outcomes == Array(repeating: .done, count: 50))
            #expect(try await session.complete([Completion(deliveries[3].tag, .done)]) == [.alreadyDone])
            try await session.close()
            #expect(
                try await bench.keyNames() == [
                    "_kombu.binding.q", "_kombu.binding_permanent.q", "apium:fence", "apium:reaped", "apium:version",
                ])
        }
    }

    @Test("a claim waits for a job and gets it as soon as it is sent")
    func waiting() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            for round in 0..<5 {
                let claim = Task { try await session.claim(limit: 4).deliveries }
                try await bench.eventually("the worker waits at the server") {
                    try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString().split(separator: "\n")
                        .filter { $0.contains("apium:\(session.incarnation):wait") && $0.contains("cmd=blmove") && $0.contains("flags=b") }.count == 4
                }
                try await bench.enqueue(["round-\(round)"])
                let deliveries = try await claim.value
                #expect(deliveries.map(\.id) == ["round-\(round)"])
                #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done])
            }
            #expect(session.health.lastError == nil)
            #expect(session.health.sinceLastFetch != nil)
            try await session.close()
        }
    }

    @Test("what a blocked read brought between two looks is kept until it is collected")
    func arrivalBetweenLooks() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            let loop = ClaimLoop(session: session)
            loop.state.withLock { state in for list in state.rotation.all { state.rotation.setHot(list, false) } }
            let waiting = Task { try await loop.wait() }
            try await bench.enqueue(["early"])
            try await within("the read's end") { try await waiting.value }
            // The claiming task had looked before the message came, and goes on to wait.
            try await within("a wait that has nothing to wait for") { try await loop.wait() }
            let (arrived, failure) = loop.collect()
            #expect(failure == nil)
            let payload = try #require(arrived.first?.first)
            #expect(arrived.count == 1)
            #expect(try Message(decoding: payload).id == "early")
            await loop.giveBack(arrived)
            await loop.stop()
            #expect(try await bench.waiting() == ["early"])
            try await session.close()
        }
    }

    @Test("a claim whose second half comes late has a greater fence than the run that came between", arguments: 0...4)
    func halves(split: Int) async throws {
        try await Bench.with { bench in
            let slow = try await bench.session("slow")
            let quick = try await bench.session("quick")
            let loop = ClaimLoop(session: slow)
            let list = bench.broker.keys.ready("q", step: 0)
            let commands = loop.moveCommands([ClaimLoop.Source(list: list, batch: loop.takeBatch(list))], [2])
            try #require(commands.count == 4)
            try await bench.enqueue(["a"])
            let connection = try await RedisConnection.connect(bench.configuration, logger: Bench.logger)
            var replies = try await connection.pipeline(Array(commands.prefix(split)))
            var other = 0
            if try await bench.waiting() == ["a"] { other = Int(try await bench.claim(1, from: quick)[0].fence) }
            // What it has not ended goes back to the front.
            try await quick.close()
            replies += try await connection.pipeline(Array(commands.dropFirst(split)))
            #expect(replies.dropFirst().dropLast().compactMap(\.bytes).count == 1)
            let fence = try #require(replies.last?.array?.first?.int)
            #expect(fence > other)
            await connection.close()
            try await slow.close()
        }
    }

    @Test("urgent jobs go first, and queues of one step take turns")
    func priorities() async throws {
        try await Bench.with { bench in
            try await bench.enqueue(["late"], priority: 9)
            try await bench.enqueue(["middle"], priority: 5)
            try await bench.enqueue(["first"], priority: 0)
            #expect(try await bench.waiting(step: 3) == ["middle"])
            let session = try await bench.session(queues: ["q", "r"])
            #expect(try await bench.claim(3, from: session, limit: 1).map(\.id) == ["first", "middle", "late"])
            try await bench.enqueue((0..<6).map { "q\($0)" })
            try await bench.enqueue((0..<6).map { "r\($0)" }, queue: "r")
            let turns = try await bench.claim(12, from: session, limit: 1).map { $0.id.prefix(1) }
            #expect(Set(turns.prefix(4)) == ["q", "r"])
            try await session.close()
        }
    }

    @Test("a worker that used its limit leaves what arrives to others")
    func limit() async throws {
        try await Bench.with { bench in
            let busy = try await bench.session("busy")
            let idle = try await bench.session("idle")
            try await bench.enqueue(["a"])
            #expect(try await bench.claim(1, from: busy, limit: 1).map(\.id) == ["a"])
            try await bench.enqueue(["b"])
            #expect(try await bench.claim(1, from: idle, limit: 1).map(\.id) == ["b"])
            try await busy.close()
            try await idle.close()
        }
    }

    @Test("a worker that stops claiming with room left gives its waiting reads up, and what they brought")
    func idling() async throws {
        try await Bench.with { bench in
            let paused = try await bench.session("paused")
            let claim = Task { try await paused.claim(limit: 10).deliveries }
            try await bench.eventually("it waits") {
                try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString().contains("apium:\(paused.incarnation):wait")
            }
            try await bench.enqueue(["a"])
            #expect(try await claim.value.map(\.id) == ["a"])
            // It does not claim again.
            try await bench.enqueue(["b", "c"])
            let other = try await bench.session("other")
            #expect(Set(try await bench.claim(2, from: other).map(\.id)) == ["b", "c"])
            try await paused.close()
            try await other.close()
        }
    }

    @Test("workers share a queue, and every job is claimed once")
    func sharing() async throws {
        try await Bench.with { bench in
            let ids = Set((0..<400).map { "job-\($0)" })
            let claimed = Locked<[String]>([])
            let (end, ended) = AsyncStream.makeStream(of: Void.self)
            var sessions: [RedisSession] = []
            for worker in 0..<3 { sessions.append(try await bench.session("w\(worker)")) }
            let workers = sessions.map { session in
                Task {
                    while true {
                        let deliveries = try await session.claim(limit: 7).deliveries
                        _ = try await session.complete(deliveries.map { Completion($0.tag, .done) })
                        let count = claimed.change { claimed in
                            claimed += deliveries.map(\.id)
                            return claimed.count
                        }
                        if count >= ids.count { ended.finish() }
                    }
                }
            }
            for chunk in 0..<20 { try await bench.enqueue((0..<20).map { "job-\(chunk * 20 + $0)" }) }
            try await within("the end of all jobs") { for await _ in end {} }
            for worker in workers { worker.cancel() }
            for worker in workers { await #expect(throws: CancellationError.self) { try await worker.value } }
            for session in sessions { try await session.close() }
            // One that was claimed twice would have taken the place of another.
            #expect(claimed.get().count == 400)
            #expect(Set(claimed.get()) == ids)
            #expect(try await bench.broker.queueLength("q") == 0)
            #expect(try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") } == [])
        }
    }

    @Test("a queue's name that another kind of key has is told by the health, is not hammered, and heals")
    func wrongType() async throws {
        try await Bench.with { bench in
            let list = bench.broker.keys.ready("q", step: 0)
            try await bench.redis.send(RedisCommand("SET", list, "no list"))
            let session = try await bench.session()
            let claim = Task { try await session.claim(limit: 2).deliveries }
            try await bench.eventually("the health tells") { session.health.lastError?.contains("WRONGTYPE") ?? false }
            try await bench.redis.send(RedisCommand("DEL", list))
            try await bench.enqueue(["a"])
            #expect(try await claim.value.map(\.id) == ["a"])
            #expect(session.health.lastError == nil)
            try await session.close()
        }
    }

    @Test("a cancelled claim leaves nothing behind")
    func cancellation() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            let claim = Task { try await session.claim(limit: 5) }
            try await bench.eventually("it waits") {
                try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString().contains("apium:\(session.incarnation):wait")
            }
            claim.cancel()
            await #expect(throws: CancellationError.self) { try await claim.value }
            try await bench.enqueue(["a"])
            #expect(try await bench.waiting() == ["a"])
            #expect(try await bench.claim(1, from: session).map(\.id) == ["a"])
            try await session.close()
            #expect(try await bench.waiting() == ["a"])
        }
    }
}
