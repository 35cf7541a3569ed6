import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Ending deliveries on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct CompletionTests {
    @Test("result, follow-ups and removal are one step; a repeated call changes nothing")
    func oneStep() async throws {
        try await Bench.with { bench in
            let results = RedisResults(bench.configuration, keyPrefix: bench.options.resultKeyPrefix, logger: Bench.logger)
            try await bench.enqueue(["a"])
            let session = try await bench.session()
            let delivery = try await bench.claim(1, from: session)[0]
            let completion = Completion(
                delivery.tag, .done, results: [ResultDocument(id: "a", state: .success, result: .int(7))],
                followUps: [Outgoing(Bench.message("next"), to: "n"), Outgoing(Bench.message("later"), to: "n", after: .seconds(60))])
            async let waited = results.wait(for: "a", within: .seconds(10))
            #expect(try await session.complete([completion]) == [.done])
            #expect(try await waited?.result == .int(7))
            #expect(try await session.complete([completion]) == [.alreadyDone])
            #expect(try await bench.waiting("n") == ["next"])
            #expect(try await bench.broker.scheduledCount() == 1)
            let ttl = try await bench.redis.send(RedisCommand("TTL", bench.options.globalKeyPrefix + "celery-task-meta-a")).asInt()
            #expect((86_000...86_400).contains(ttl))
            try await session.close()
            await results.shutdown()
        }
    }

    @Test("a failure never overwrites a success")
    func success() async throws {
        try await Bench.with { bench in
            let results = RedisResults(bench.configuration, keyPrefix: bench.options.resultKeyPrefix, logger: Bench.logger)
            try await results.store(ResultDocument(id: "a", state: .started))
            #expect(try await results.document(for: "a")?.state == .started)
            try await results.store(ResultDocument(id: "a", state: .success, result: .string("SUCCESS")))
            try await results.store(ResultDocument(id: "a", state: .revoked))
            try await bench.enqueue(["a"])
            let session = try await bench.session()
            let delivery = try await bench.claim(1, from: session)[0]
            #expect(try await session.complete([Completion(delivery.tag, .done, results: [ResultDocument(id: "a", state: .failure)])]) == [.done])
            #expect(try await results.document(for: "a")?.state == .success)
            try await results.forget("a")
            #expect(try await results.document(for: "a") == nil)
            #expect(try await results.wait(for: "a", within: .milliseconds(50)) == nil)
            try await session.close()
            await results.shutdown()
        }
    }

    @Test("a compressed success is read, and never overwritten either")
    func compressed() async throws {
        try await Bench.with { bench in
            let options = RedisResultOptions(keyPrefix: bench.options.resultKeyPrefix, compression: .zlib)
            let results = RedisResults(bench.configuration, options: options, logger: Bench.logger)
            let plain = RedisResults(bench.configuration, keyPrefix: bench.options.resultKeyPrefix, logger: Bench.logger)
            try await results.store(ResultDocument(id: "a", state: .started))
            async let waited = plain.wait(for: "a", within: .seconds(10))
            try await results.store(ResultDocument(id: "a", state: .success, result: .string("SUCCESS")))
            #expect(try await waited?.result == .string("SUCCESS"))
            try await results.store(ResultDocument(id: "a", state: .revoked))
            #expect(try await plain.document(for: "a")?.state == .success)
            #expect(try await plain.documents(for: ["a", "b"]).map { $0?.state } == [.success, nil])
            await plain.shutdown()
            await results.shutdown()
        }
    }

    @Test("a delivery that ends with a failure leaves a compressed success alone, and its own results are compressed")
    func compressedCompletion() async throws {
        try await Bench.with(change: { $0.results.compression = .bzip2 }) { bench in
            let results = RedisResults(bench.configuration, keyPrefix: bench.options.resultKeyPrefix, logger: Bench.logger)
            try await bench.enqueue(["a", "b", "c"])
            let session = try await bench.session()
            let deliveries = try await bench.claim(3, from: session)
            let first = Completion(deliveries[0].tag, .done, results: [ResultDocument(id: "x", state: .success, result: .int(1))])
            #expect(try await session.complete([first]) == [.done])
            let key = bench.options.globalKeyPrefix + "celery-task-meta-x"
            #expect(try await bench.redis.send(RedisCommand("GET", key)).bytes?.starts(with: Array("\0celery-compressed\0application/x-bz2\0".utf8)) == true)
            let late = deliveries[1...].map { delivery in
                Completion(delivery.tag, .done, results: [ResultDocument(id: "x", state: .failure), ResultDocument(id: "y", state: .failure)])
            }
            #expect(try await session.complete(late) == [.done, .done])
            #expect(try await results.documents(for: ["x", "y"]).map { $0?.state } == [.success, .failure])
            try await session.close()
            await results.shutdown()
        }
    }

    @Test("a delivery can be scheduled again, sent to the back, or set aside")
    func dispositions() async throws {
        try await Bench.with { bench in
            try await bench.enqueue(["retry", "back", "bad", "other"])
            let session = try await bench.session()
            let deliveries = try await bench.claim(3, from: session)
            let record = ShelvedRecord(
                id: "bad", task: "test.job", queue: "q", reason: "no such job", at: .now(), attempts: 1, payload: deliveries[2].payload)
            let outcomes = try await session.complete([
                Completion(deliveries[0].tag, .schedule(Bench.message("retry"), queue: "q", after: .seconds(60))),
                Completion(deliveries[1].tag, .requeue(Bench.message("back"), queue: "q")), Completion(deliveries[2].tag, .shelve(.parked, record)),
            ])
            #expect(outcomes == [.done, .done, .done])
            #expect(try await bench.waiting() == ["other", "back"])
            #expect(try await bench.broker.scheduledCount() == 1)
            #expect(try await bench.broker.records(in: .parked, limit: 10) == [record])
            #expect(try await bench.broker.requeue("bad", from: .parked))
            #expect(try await bench.broker.requeue("bad", from: .parked) == false)
            #expect(try await bench.waiting() == ["other", "back", "bad"])
            #expect(try await bench.broker.discard("bad", from: .parked) == false)
            #expect(try await bench.broker.purge("q") == 3)
            try await session.close()
        }
    }

    /// How many bytes the server has received from all its clients.
    private func received(by server: RedisClient) async throws -> Int {
        let text = try await server.send(RedisCommand("INFO", "stats")).asString()
        return try #require(text.firstMatch(of: /total_net_input_bytes:(\d+)/).flatMap { Int($0.1) })
    }

    @Test("a long message that is set aside is not sent to the server again, whatever comes with it", .enabled(if: OwnServer.path != nil))
    func longMessage() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            let payload = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0) }
            let session = try await bench.session()
            try await bench.redis.send(RedisCommand("LPUSH", session.keys.ready("q", priority: 0), payload)).checked()
            try await bench.enqueue(["next", "last"])
            let deliveries = try await bench.claim(3, from: session)
            #expect(deliveries[0].payload == payload)
            let record = ShelvedRecord(
                id: "long", task: nil, queue: "q", reason: "it has \"many\" bytes", at: .now(), attempts: 0, payload: deliveries[0].payload)
            var completion = Completion(deliveries[0].tag, .shelve(.parked, record), results: [ResultDocument(id: "long", state: .failure)])
            completion.keepsMessage = true
            let sent = try await received(by: bench.redis)
            // The second call is one whose first answer was cut.
            #expect(try await session.complete([completion]) == [.done])
            #expect(try await session.complete([completion]) == [.alreadyDone])
            #expect(try await received(by: bench.redis) - sent < payload.count / 16)
            #expect(try await session.complete(deliveries.dropFirst().map { Completion($0.tag, .done) }) == [.done, .done])
            #expect(try await bench.broker.records(in: .parked, limit: 10) == [record])
            #expect(try await bench.results.document(for: "long")?.state == .failure)
            #expect(try await bench.broker.requeue("long", from: .parked))
            #expect(try await bench.claim(1, from: session)[0].payload == payload)
            try await session.close()
        }
    }

    @Test("jobs of one batch may be ended by many calls at once, and the batch goes with the last")
    func concurrent() async throws {
        try await Bench.with { bench in
            try await bench.enqueue((0..<64).map { "job-\($0)" })
            let session = try await bench.session()
            let deliveries = try await bench.claim(64, from: session)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for delivery in deliveries {
                    group.addTask {
                        let outcomes = try await session.complete([Completion(delivery.tag, .done)])
                        #expect(outcomes == [.done])
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await bench.keyNames().filter { $0.contains("marks") } == [])
            try await session.close()
        }
    }

    @Test("ends in several batches: what stands before a refused one is done, and what stands behind it can be written without it")
    func refused() async throws {
        try await Bench.with { bench in
            for queue in ["a", "b", "c"] { try await bench.enqueue(["\(queue)-1", "\(queue)-2"], queue: queue) }
            let session = try await bench.session(queues: ["a", "b", "c"])
            let deliveries = try await bench.claim(6, from: session)
            try #require(deliveries.map(\.id) == ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"])
            try await bench.redis.send(RedisCommand("SET", bench.broker.keys.ready("text", step: 0), "no list"))
            var completions = deliveries.map { Completion($0.tag, .done) }
            completions[3].followUps = [Outgoing(Bench.message("next"), to: "text")]
            await #expect(throws: ApiumError.self) { try await session.complete(completions) }
            await #expect(throws: ApiumError.self) { try await session.complete([completions[3]]) }
            let others = completions.indices.filter { $0 != 3 }.map { completions[$0] }
            #expect(try await session.complete(others) == [.alreadyDone, .alreadyDone, .alreadyDone, .done, .done])
            try await session.close()
            #expect(try await bench.waiting("b") == ["b-2"])
            #expect(try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") } == [])
        }
    }

    @Test("scripts that the server forgot are sent again while jobs are under way")
    func scriptFlush() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            for round in 0..<20 {
                try await bench.enqueue(["\(round)"])
                try await bench.redis.send(RedisCommand("SCRIPT", "FLUSH"))
                let deliveries = try await bench.claim(1, from: session)
                try await bench.redis.send(RedisCommand("SCRIPT", "FLUSH"))
                #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == [.done])
            }
            try await session.close()
        }
    }
}
