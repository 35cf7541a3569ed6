import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Chords on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct ChordTests {
    private func part(_ id: String, _ index: Int?, _ value: Int64 = 1) -> ChordPart {
        ChordPart(group: "g", id: id, index: index, state: .success, result: .int(value), token: "token-\(id)")
    }

    @Test("the keys, texts and times are those of Celery's workers")
    func wire() async throws {
        try await Bench.with { bench in
            let key = bench.results.keys.group("g")
            #expect(key == bench.options.globalKeyPrefix + "celery-taskset-meta-g")
            try await bench.results.open([ChordSetup(group: "g", size: 2, savedGroup: [["g", nil], []])])
            try await bench.results.expectMore(1, partsOf: "g")
            _ = try await bench.results.bring([part("a", 0), part("b", nil)])
            #expect(try await bench.results.bring([part("c", 12)]).map(\.token) == ["token-c"])
            func text(_ arguments: String...) async throws -> [String] {
                let reply = try await bench.redis.send(RedisCommand(arguments[0], arguments: arguments.dropFirst()))
                return try reply.array?.map { try $0.asString() } ?? [reply.string ?? String(try reply.asInt())]
            }
            let parts = try await text("ZRANGE", key + ".j", "0", "-1", "WITHSCORES")
            #expect(parts == [#"[1,"a","SUCCESS",1]"#, "0", #"[1,"c","SUCCESS",1]"#, "12", #"[1,"b","SUCCESS",1]"#, "inf"])
            #expect(Set(try await text("SMEMBERS", key + ".d")) == ["a:0", "b:+inf", "c:12"])
            #expect(try await text("GET", key + ".s") == ["2"])
            #expect(try await text("GET", key + ".t") == ["1"])
            #expect(try await text("GET", key + ".c") == ["token-c"])
            #expect(try await text("GET", key) == [#"{"result":[["g",null],[]]}"#])
            for suffix in [".j", ".d", ".s", ".t", ""] {
                let seconds = Int(try await text("TTL", key + suffix)[0]) ?? 0
                #expect((86_300...86_400).contains(seconds), "\(suffix) lives for \(seconds) seconds")
            }
            #expect(["5", "6"].contains(try await text("TTL", key + ".c")[0]))
            #expect(try await bench.results.resume(ChordClaim(group: "g", token: "token-c")))
            #expect(try await bench.results.close(ChordClaim(group: "g", token: "token-c")))
            #expect(try await bench.keyNames() == ["celery-taskset-meta-g", "celery-taskset-meta-g.c"])
            #expect(try await text("GET", key + ".c") == ["done"])
            #expect(["299", "300"].contains(try await text("TTL", key + ".c")[0]))
        }
    }

    @Test("parts that Python's workers wrote are read")
    func python() async throws {
        try await Bench.with { bench in
            let key = bench.results.keys.group("g")
            _ = try await bench.redis.send(
                RedisCommand("ZADD", key + ".j", 0, #"[1, "a", "SUCCESS", {"k": [1.5, null]}]"#, "+inf", #"[1, "b", "FAILURE", {"exc_type": "E"}]"#))
            let content = try await bench.results.content(of: "g")
            #expect(content.parts.map(\.id) == ["a", "b"])
            #expect(content.parts.map(\.state) == [.success, .failure])
            #expect(content.parts[0].result == ["k": [1.5, nil]])
            for damaged in ["", "nothing", "{}", "[1]", #"[1, 2, "SUCCESS", 3]"#] {
                _ = try await bench.redis.send(RedisCommand("ZADD", key + ".j", 1, damaged))
                let error = await #expect(throws: ApiumError.self) { try await bench.results.content(of: "g") }
                #expect(error?.code == .badResult)
                _ = try await bench.redis.send(RedisCommand("ZREM", key + ".j", damaged))
            }
        }
    }

    @Test("without an order the parts stand in a list, as they came")
    func unordered() async throws {
        try await Bench.with { bench in
            var options = bench.options.results
            options.chordsAreOrdered = false
            let results = RedisResults(bench.configuration, options: options, logger: Bench.logger)
            try await results.open([ChordSetup(group: "g", size: 2)])
            _ = try await results.bring([part("b", 1)])
            let claims = try await results.bring([part("a", 0), part("b", 1)])
            #expect(claims.map(\.token) == ["token-a"])
            #expect(try await results.content(of: "g").parts.map(\.id) == ["b", "a"])
            #expect(try await bench.redis.send(RedisCommand("TYPE", results.keys.parts("g"))).string == "list")
            #expect(try await results.close(claims[0]))
            await results.shutdown()
        }
    }

    @Test("a part of another run that comes before the sender has removed the end's mark is counted in that run")
    func earlyPart() async throws {
        try await Bench.with { bench in
            let key = bench.results.keys.group("g")
            try await bench.results.open([ChordSetup(group: "g", size: 2)])
            _ = try await bench.results.bring([part("a", 0)])
            _ = try await bench.results.bring([part("b", 1)])
            #expect(try await bench.results.close(ChordClaim(group: "g", token: "token-b")))
            #expect(try await bench.results.bring([part("a", 0, 2)]).isEmpty)
            // What Celery's sender does before the last message of a header.
            _ = try await bench.redis.send(RedisCommand("DEL", key + ".c"))
            _ = try await bench.redis.send(RedisCommand("SET", key + ".s", 2, "EX", 1000))
            #expect(try await bench.results.bring([part("b", 1, 3)]).count == 1)
            #expect(try await bench.results.content(of: "g").parts.map(\.result) == [2, 3])
        }
    }

    @Test("results, failures and chords live as long as the options say")
    func times() async throws {
        try await Bench.with { bench in
            var options = bench.options.results
            options.expires = .seconds(1000)
            options.failureExpires = .seconds(500)
            options.chordExpires = .seconds(100)
            options.chordJoinTimeout = .seconds(20)
            let results = RedisResults(bench.configuration, options: options, logger: Bench.logger)
            try await results.store(ResultDocument(id: "s", state: .success))
            try await results.store(ResultDocument(id: "f", state: .failure))
            try await results.saveGroup("saved", [])
            try await results.open([ChordSetup(group: "g", size: 1, savedGroup: [])])
            _ = try await results.bring([part("a", 0)])
            let keys = results.keys
            for (key, seconds) in [
                (keys.task("s"), 1000), (keys.task("f"), 500), (keys.group("saved"), 1000), (keys.size("g"), 100), (keys.parts("g"), 100),
                (keys.claim("g"), 40),
                (keys.group("g"), 1000),
            ] {
                let left = try await bench.redis.send(RedisCommand("TTL", key)).asInt()
                #expect((seconds - 2...seconds).contains(left), "\(key) lives for \(left) seconds instead of \(seconds)")
            }
            await results.shutdown()
        }
        var forEver = RedisResultOptions()
        forEver.expires = .zero
        #expect(forEver.chordSettings == ["1", "0", "0", "6"])
        #expect(RedisResultOptions(chordJoinTimeout: nil).claimSeconds == 10)
        #expect(RedisResultOptions(chordJoinTimeout: .seconds(1)).claimSeconds == 5)
    }

    @Test("a join leaves no key of the engine behind")
    func noKeys() async throws {
        try await Bench.with { bench in
            try await bench.results.open([ChordSetup(group: "g", size: 1)])
            try await bench.enqueue(["a", "b"])
            let session = try await bench.session()
            let deliveries = try await bench.claim(2, from: session)
            let answers = try await session.complete([Completion(deliveries[0].tag, .done, parts: [part("a", 0)]), Completion(deliveries[1].tag, .done)])
            let claim = ChordClaim(group: "g", token: "token-a")
            #expect(answers == [.joining([claim]), .done])
            #expect(try await bench.keyNames().filter { $0.contains("joins") }.count == 1)
            #expect(try await session.complete([Completion(deliveries[0].tag, .done, closes: [claim])]) == [.done])
            #expect(try await bench.keyNames().filter { $0.contains("joins") || $0.contains("marks") || $0.contains(":flight:\(session.incarnation):") } == [])
            try await session.close()
        }
    }

    @Test("a join that goes back to its queue is claimed by nobody, so that a Python worker may claim it with the job's part")
    func released() async throws {
        try await Bench.with { bench in
            try await bench.results.open([ChordSetup(group: "g", size: 1)])
            try await bench.enqueue(["a"])
            let session = try await bench.session()
            let delivery = try await bench.claim(1, from: session)[0]
            let claim = ChordClaim(group: "g", token: "token-a")
            #expect(try await session.complete([Completion(delivery.tag, .done, parts: [part("a", 0)])]) == [.joining([claim])])
            #expect(try await bench.redis.send(RedisCommand("GET", bench.results.keys.claim("g"))).string == "token-a")
            try await session.close()
            #expect(try await bench.waiting() == ["a"])
            #expect(try await bench.redis.send(RedisCommand("EXISTS", bench.results.keys.claim("g"))) == .integer(0))
            var again = part("a", 0)
            again.token = "a Python worker's"
            #expect(try await bench.results.bring([again]).map(\.token) == [again.token])
        }
    }

    @Test("an end that comes while the session closes is written and the job is gone, or it is refused and the job is back")
    func endWhileClosing() async throws {
        try await Bench.with { bench in
            for round in 0..<40 {
                try await bench.enqueue(["job-\(round)"])
                let session = try await bench.session()
                let delivery = try await bench.claim(1, from: session)[0]
                async let closing: Void = session.close()
                let answers = try await session.complete([Completion(delivery.tag, .done)])
                try await closing
                let waiting = try await bench.waiting()
                #expect(answers == [.done] && waiting == [] || answers == [.taken] && waiting == ["job-\(round)"])
                _ = try await bench.broker.purge("q")
            }
        }
    }

    @Test("a thousand waits share one connection, and read again when it breaks")
    func manyWaits() async throws {
        try await Bench.with { bench in
            var configuration = bench.configuration
            configuration.clientName = "waits-\(JobID.make())"
            let name = configuration.clientName ?? ""
            func clients() async throws -> [Substring] {
                try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString().split(separator: "\n").filter { $0.contains(" name=\(name) ") }
            }
            let results = RedisResults(configuration, options: bench.options.results, logger: Bench.logger)
            let ids = (0..<1000).map { "id-\($0)" }
            let waits = Task {
                try await withThrowingTaskGroup(of: ResultDocument?.self) { group in
                    for id in ids { group.addTask { try await results.wait(for: id, within: .seconds(60)) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            try await bench.eventually("all wait") { try await clients().contains { $0.contains(" sub=1000 ") } }
            #expect(try await clients().count == 2)
            let subscriber = try #require(try await clients().first { $0.contains(" sub=1000 ") })
            let id = try #require(subscriber.split(separator: " ").first?.dropFirst(3))
            _ = try await bench.redis.send(RedisCommand("CLIENT", "KILL", "ID", id))
            for id in ids { try await bench.results.store(ResultDocument(id: id, state: .success)) }
            let documents = try await within("all have their results") { try await waits.value }
            #expect(Set(documents.compactMap { $0?.id }) == Set(ids))
            await results.shutdown()
        }
    }
}
