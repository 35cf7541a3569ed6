import ApiumCore
import Randomness
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Many queues on Redis", .timeLimit(.minutes(2)))
struct ManyQueuesTests {
    /// What was sent to many queues with two priorities, and what became of it.
    private struct Books {
        struct Lot: Hashable {
            var queue: String
            var priority: Int
        }

        /// How many jobs were sent to each list; their ids are numbered.
        private(set) var sent: [Lot: Int] = [:]
        /// How many were claimed of each list.
        private var claimed: [Lot: Int] = [:]
        /// The last fence of each list, and all that were given.
        private var fences: [Lot: Int64] = [:]
        private var given: Set<Int64> = []
        private(set) var held: [Delivery] = []
        private(set) var ended: [Delivery] = []

        var isAllClaimed: Bool { sent == claimed }

        /// Jobs to be sent, a random number to each list.
        mutating func draw(_ queues: [String], _ dice: inout SplitMix) -> [Outgoing] {
            var jobs: [Outgoing] = []
            for queue in queues {
                for lot in [Lot(queue: queue, priority: 0), Lot(queue: queue, priority: 9)] {
                    for _ in 0..<Int.random(in: 0...12, using: &dice) {
                        let number = sent[lot, default: 0]
                        jobs.append(Outgoing(Bench.message("\(queue)/\(lot.priority)/\(number)", priority: lot.priority), to: queue))
                        sent[lot] = number + 1
                    }
                }
            }
            return jobs
        }

        /// Every list's jobs come in the order of their sending, each once, with growing fences; no fence is given twice.
        mutating func claim(_ deliveries: [Delivery]) throws {
            for delivery in deliveries {
                let parts = delivery.id.split(separator: "/")
                let lot = Lot(queue: delivery.queue, priority: try #require(Int(parts[1])))
                #expect(delivery.id == "\(delivery.queue)/\(lot.priority)/\(claimed[lot, default: 0])")
                claimed[lot, default: 0] += 1
                #expect(delivery.fence > fences[lot, default: 0] && given.insert(delivery.fence).inserted)
                fences[lot] = delivery.fence
            }
            held += deliveries
        }

        /// Some of what is held, in any order, and some that has ended before.
        mutating func end(_ dice: inout SplitMix) -> (now: [Delivery], again: [Delivery]) {
            held.shuffle(using: &dice)
            let now = Array(held.prefix(Int.random(in: 0...held.count, using: &dice)))
            let again = Array(ended.shuffled(using: &dice).prefix(3))
            held.removeFirst(now.count)
            ended += now
            return (now, again)
        }

        /// The ids that are held of a list, in the order of their sending.
        func heldIDs(_ lot: Lot) -> [String] {
            let ids = Set(held.map(\.id))
            return (0..<sent[lot, default: 0]).map { "\(lot.queue)/\(lot.priority)/\($0)" }.filter(ids.contains)
        }
    }

    @Test(
        "claims of many lists bring each job once, in its list's order, within the limit; what is not ended goes back to the front of its own list",
        .enabled(if: Bench.url != nil), arguments: [1, 2, 3, 4, 5, 6])
    func random(seed: UInt64) async throws {
        try await Bench.with { bench in
            var dice = SplitMix(seed: seed)
            var books = Books()
            let queues = (0..<Int.random(in: 2...45, using: &dice)).map { "q\($0)" }
            let session = try await bench.session(queues: queues)
            for _ in 0..<3 {
                try await bench.broker.enqueue(books.draw(queues, &dice))
                while !books.isAllClaimed {
                    let limit = Int.random(in: 1...90, using: &dice)
                    let deliveries = try await within("a claim") { try await session.claim(limit: limit) }.deliveries
                    #expect(deliveries.count <= limit)
                    try books.claim(deliveries)
                    let (now, again) = books.end(&dice)
                    let outcomes = try await session.complete((now + again).map { Completion($0.tag, .done) })
                    #expect(outcomes == now.map { _ in .done } + again.map { _ in .alreadyDone })
                }
            }
            try await bench.broker.enqueue(books.draw(queues, &dice))
            try await session.close()
            for (lot, count) in books.sent {
                let waiting = try await bench.waiting(lot.queue, step: lot.priority)
                #expect(waiting.starts(with: books.heldIDs(lot)))
                #expect(Set(waiting).union(books.ended.map(\.id)).isSuperset(of: (0..<count).map { "\(lot.queue)/\(lot.priority)/\($0)" }))
            }
            #expect(try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") } == [])
        }
    }

    @Test(
        "a queue that always has something keeps none from the claims, however many there are",
        .enabled(if: Bench.url != nil), arguments: ["q1", "q30", "q199"])
    func backlog(late: String) async throws {
        try await Bench.with { bench in
            let session = try await bench.session(queues: (0..<200).map { "q\($0)" })
            let backlog = 5000
            try await bench.enqueue((0..<backlog).map { "backlog-\($0)" }, queue: "q0")
            var ids: [String] = []
            while ids.count <= backlog, ids.last != "late" {
                // All lists have been looked at once by then.
                if ids.count == 20 { try await bench.enqueue(["late"], queue: late) }
                let delivery = try #require(try await bench.claim(1, from: session).first)
                _ = try await session.complete([Completion(delivery.tag, .done)])
                ids.append(delivery.id)
            }
            #expect(ids.last == "late" && ids.count < backlog, "it came after \(ids.count) others")
            try await session.close()
        }
    }

    @Test("the connections of waiting reads are opened together, not one after the other", .enabled(if: Bench.url != nil))
    func opening() async throws {
        let proxy = try await TurningProxy.start(for: try RedisConfiguration(url: try #require(Bench.url)))
        try await Bench.with(on: proxy.configuration) { bench in
            let session = try await bench.session(queues: (0..<4).map { "q\($0)" })
            // Four priorities each: none of the connections answers before all are there.
            proxy.gather("\(session.incarnation):wait", 16)
            let claiming = Task { try await session.claim(limit: 1).deliveries }
            try await bench.eventually("all connections are there") { proxy.hasGathered }
            try await bench.enqueue(["a"], queue: "q3")
            #expect(try await within("the claim") { try await claiming.value }.map(\.id) == ["a"])
            try await session.close()
        }
        await proxy.stop()
    }

    @Test("a claim opens the batches of all its lists in one step, and one step ends what is in them", .enabled(if: OwnServer.path != nil))
    func steps() async throws {
        let server = try await OwnServer.start()
        defer { server.end() }
        try await Bench.with(on: server.configuration) { bench in
            // The server gets to know the scripts.
            let first = try await bench.session("first", queues: ["warm"])
            try await bench.enqueue(["warm"], queue: "warm")
            _ = try await first.complete(try await bench.claim(1, from: first).map { Completion($0.tag, .done) })
            try await first.close()
            let queues = (0..<12).map { "q\($0)" }
            for queue in queues { try await bench.enqueue((0..<4).map { "\(queue)-\($0)" }, queue: queue) }
            let session = try await bench.session(queues: queues)
            try await bench.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
            let deliveries = try await session.claim(limit: 200).deliveries
            #expect(deliveries.count == 48 && Set(deliveries.map(\.tag.batch)).count == 12)
            #expect(try await bench.calls("evalsha") == 1)
            #expect(try await session.complete(deliveries.map { Completion($0.tag, .done) }) == deliveries.map { _ in .done })
            #expect(try await bench.calls("evalsha") == 2)
            #expect(try await bench.calls("setrange") == 0, "batches that end at once are not marked first")
            #expect(try await bench.keyNames().filter { $0.contains("flight") || $0.contains("marks") } == [])
            try await session.close()
        }
    }
}
