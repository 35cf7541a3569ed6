import ApiumCore
import Randomness
import RedisClient
import Testing

@testable import ApiumRedis

/// Ends of jobs that are written as rows in complete.lua, beside the same ends one by one.
@Suite("Ends that are written as rows", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct EndRowsTests {
    /// How many deliveries the batch holds.
    private static let size = 12

    /// One end.
    private struct End {
        var index: Int
        /// Operations, the keys among them behind `K`, which stands for the side's prefix.
        var operations: [[String]]

        /// The seconds of its one result, if that is all it has.
        var seconds: String? { operations.count == 1 && operations[0][0] == "store" ? operations[0][2] : nil }
    }

    @Test("random calls get the same answers, leave the same keys and publish the same as the same ends one by one", arguments: 1...12)
    func same(seed: UInt64) async throws {
        try await Bench.with { bench in
            var dice = SplitMix(seed: seed)
            let sides = [Side(bench, "one:"), Side(bench, "rows:")]
            let published = Locked<[[String]]>([[], []])
            let listener = try await bench.broker.subscriber.subscribe(patterns: sides.map { $0.prefix + "*" }) { event in
                guard case .message(let message) = event, let side = sides.firstIndex(where: { message.channel.hasPrefix($0.prefix) }) else { return }
                var all = published.get()
                all[side].append("\(message.channel.dropFirst(sides[side].prefix.count)) \(String(decoding: message.payload, as: UTF8.self))")
                published.set(all)
            }
            for round in 0..<20 {
                let setup = Self.setup(&dice)
                for side in sides { try await side.run(setup) }
                var call = Self.ends(&dice)
                for _ in 0..<6 {
                    // A third of the calls repeat the one before, as after a reply that was cut.
                    if Int.random(in: 0..<3, using: &dice) > 0 { call = Self.ends(&dice) }
                    if Int.random(in: 0..<12, using: &dice) == 0 { for side in sides { try await side.run([["HDEL", "Kflight", "1"]]) } }
                    let isClosing = Bool.random(using: &dice)
                    let answers = [
                        try await sides[0].complete(call.map { Self.words($0) }, call.count, isClosing),
                        try await sides[1].complete(Self.rows(call, &dice), call.count, isClosing),
                    ]
                    #expect(answers[0] == answers[1], "round \(round): \(call)")
                    #expect(try await sides[0].content() == sides[1].content(), "round \(round): \(call)")
                }
                for side in sides { try await side.clear() }
            }
            for side in sides { try await side.run([["PUBLISH", "Kend", ""]]) }
            try await bench.eventually("all that was published") { published.get().allSatisfy { $0.last == "end " } }
            #expect(published.get()[0] == published.get()[1])
            #expect(published.get()[0].count > 20)
            listener.cancel()
        }
    }

    @Test("deliveries that follow one another, and have one result each that lives as long, are rows")
    func rows() async throws {
        try await Bench.with(change: { $0.results.failureExpires = .seconds(7) }) { bench in
            let session = try await bench.session()
            let arguments = CompletionArguments(session, ExchangeRoutes())
            func end(_ index: Int, _ states: JobState..., followUps: [Outgoing] = []) -> Completion {
                Completion(
                    DeliveryTag(batch: 1, index: index), .done, results: states.map { ResultDocument(id: "\(index)", state: $0) }, followUps: followUps)
            }
            let ends = [
                end(3, .success), end(4, .success), end(5, .success), end(7, .success), end(8, .failure), end(9, .failure), end(9, .failure), end(10),
                end(11, .success, .success), end(12, .success, followUps: [Outgoing(Bench.message("next"), to: "q")]), end(13, .success),
            ]
            var counts: [Int] = []
            var rest = ends.indices[...]
            while !rest.isEmpty {
                counts.append(arguments.rows(ends, at: Array(rest)[...]).count)
                rest = rest.dropFirst(max(counts.last ?? 1, 1))
            }
            #expect(counts == [3, 1, 2, 1, 0, 0, 0, 1])
            try await session.close()
        }
    }

    @Test("rows of a batch that was ended before are passed over, and the batch behind it is ended")
    func behind() async throws {
        try await Bench.with { bench in
            for queue in ["a", "b"] { try await bench.enqueue((1...3).map { "\(queue)-\($0)" }, queue: queue) }
            let session = try await bench.session(queues: ["a", "b"])
            let ends = try await bench.claim(6, from: session).map { Completion($0.tag, .done, results: [ResultDocument(id: $0.id, state: .success)]) }
            try #require(Set(ends.map(\.tag.batch)).count == 2)
            #expect(try await session.complete(Array(ends[..<3])) == [.done, .done, .done])
            #expect(try await session.complete(ends) == [.alreadyDone, .alreadyDone, .alreadyDone, .done, .done, .done])
            for id in ["a-1", "b-3"] { #expect(try await bench.results.document(for: id)?.state == .success) }
            #expect(try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") } == [])
            try await session.close()
        }
    }

    // MARK: What is called

    /// A batch with marks and joins, and some results that are there: a SUCCESS, one of a job that runs, and what is no text and is refused.
    private static func setup(_ dice: inout SplitMix) -> [[String]] {
        var commands = [["HSET", "Kworker", "name", "w"], ["HSET", "Kflight", "1", "q"], ["RPUSH", "Kbatch"] + (0..<size).map { "message \($0)" }]
        if Int.random(in: 0..<10, using: &dice) == 0 { commands.removeFirst() }
        let marks = (0..<size).map { _ in ["\0", "\0", "\0", "a", "j", "d"].randomElement(using: &dice) ?? "\0" }
        if Bool.random(using: &dice) {
            commands.append(["SET", "Kmarks", marks.joined()])
            for (index, mark) in marks.enumerated() where mark == "j" { commands.append(["HSET", "Kjoins", "\(index)", #"["g\#(index)","token"]"#]) }
        }
        for index in 0..<size {
            switch Int.random(in: 0..<20, using: &dice) {
            case 0: commands.append(["SET", "Kresult-\(index)", #"{"status": "SUCCESS", "result": 1}"#])
            case 1: commands.append(["SET", "Kresult-\(index)", #"{"status": "STARTED", "result": "SUCCESS"}"#])
            case 2 where Bool.random(using: &dice): commands.append(["RPUSH", "Kresult-\(index)", "no text"])
            default: break
            }
        }
        return commands
    }

    /// Ends that mostly follow one another and have a result.
    private static func ends(_ dice: inout SplitMix) -> [End] {
        var ends: [End] = []
        var index = Int.random(in: 0..<4, using: &dice)
        while index < size {
            let result = ["store", "Kresult-\(index)", Int.random(in: 0..<8, using: &dice) == 0 ? "0" : "100", #"{"status": "FAILURE", "n": \#(index)}"#]
            let operations: [[String]]
            switch Int.random(in: 0..<14, using: &dice) {
            case 0: operations = []
            case 1: operations = [result, ["push", "Kfollowing", "after \(index)"]]
            case 2: operations = [["close", "g\(index)", "Kg\(index)", "token"], result]
            case 3: operations = [["part", "h", "Kh", "part-\(index)", "\(index)", "token-\(index)", "text"]]
            default: operations = [result]
            }
            ends.append(End(index: index, operations: operations))
            // Now and then the same once more, a gap, or the end.
            index += [0, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1].randomElement(using: &dice) ?? 1
            if Int.random(in: 0..<12, using: &dice) == 0 { break }
        }
        return ends
    }

    private static func words(_ end: End) -> [String] { ["\(end.index)", "\(end.operations.count)"] + end.operations.flatMap { $0 } }

    /// The same with rows wherever there may be some, of any length.
    private static func rows(_ ends: [End], _ dice: inout SplitMix) -> [[String]] {
        var written: [[String]] = []
        var rest = ends[...]
        while let first = rest.first {
            let limit = Int.random(in: 1...size, using: &dice)
            let row = rest.prefix(limit).enumerated().prefix { offset, end in
                end.index == first.index + offset && first.seconds != nil && end.seconds == first.seconds
            }
            if let seconds = first.seconds {
                written.append(
                    ["\(first.index)", "rows", "\(row.count)", seconds] + row.flatMap { [$0.element.operations[0][1], $0.element.operations[0][3]] })
            } else {
                written.append(words(first))
            }
            rest = rest.dropFirst(max(row.count, 1))
        }
        return written
    }
}

/// Keys of one form, under a prefix of their own.
private struct Side: Sendable {
    let bench: Bench
    let prefix: String

    init(_ bench: Bench, _ name: String) {
        self.bench = bench
        prefix = bench.options.globalKeyPrefix + name
    }

    private func placed(_ word: String) -> String { word.hasPrefix("K") ? prefix + word.dropFirst() : word }

    func run(_ commands: [[String]]) async throws {
        for command in commands { try await bench.redis.send(RedisCommand(command[0], arguments: command.dropFirst().map(placed))) }
    }

    /// What the script answers, or the code of what it refuses.
    func complete(_ items: [[String]], _ count: Int, _ isClosing: Bool) async throws -> String {
        let keys = ["worker", "flight", "scheduled", "scheduled:messages", "marks", "batch", "joins", "holds"].map { prefix + $0 }
        let words = ["0", "1000", "1000", "10", "1", isClosing ? "1" : "0", "\(count)"] + items.flatMap { $0 }.map(placed)
        do {
            return "\(try await bench.redis.send(.eval(RedisScripts.complete, keys: keys, arguments: words)))"
        } catch let error as RedisServerError {
            return error.code
        }
    }

    /// All keys with what they hold, and whether they end.
    func content() async throws -> [String] {
        var lines: [String] = []
        for key in try await bench.allKeys(prefix).sorted() {
            let kind = try await bench.redis.send(RedisCommand("TYPE", key)).asString()
            let reading: [String] =
                switch kind {
                case "string": ["GET", key]
                case "list": ["LRANGE", key, "0", "-1"]
                case "hash": ["HGETALL", key]
                case "zset": ["ZRANGE", key, "0", "-1"]
                default: ["SORT", key, "ALPHA"]
                }
            let value = try await bench.redis.send(RedisCommand(reading[0], arguments: reading.dropFirst()))
            let left = try await bench.redis.send(RedisCommand("TTL", key)).asInt()
            lines.append("\(key.dropFirst(prefix.count)) \(value) \(left < 0 ? left : (left + 5) / 10)")
        }
        return lines
    }

    func clear() async throws {
        let keys = try await bench.allKeys(prefix)
        if !keys.isEmpty { try await bench.redis.send(RedisCommand("DEL", arguments: keys)) }
    }
}
