import ApiumCore
import DynamicJSON
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Canvas results on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(2)))
struct CanvasResultsTests {
    @Test("five hundred results are waited for over one subscription connection")
    func manyResults() async throws {
        try await Bench.with { bench in
            let results = RedisResults(bench.configuration, keyPrefix: bench.options.resultKeyPrefix, logger: Bench.logger)
            let client = ApiumClient(broker: bench.broker, results: results, defaultQueue: bench.queue)
            let count = 500
            let sent = try await client.send(.group((0..<count).map { Signature("t", .int(Int64($0))) }))
            let group = try #require(sent?.group(of: Int.self))
            async let values = group.values(within: .seconds(60))
            var subscribers: [String] = []
            // The waiting has begun when all channels are subscribed to.
            while !subscribers.contains(where: { $0.contains("sub=\(count) ") }) {
                try await Task.sleep(for: .milliseconds(20))
                let list = try await bench.redis.send(RedisCommand("CLIENT", "LIST")).asString()
                subscribers = list.split(separator: "\n").map(String.init).filter { !$0.contains(" sub=0 ") }
            }
            for (index, member) in group.members.enumerated() {
                try await bench.results.store(ResultDocument(id: member.id, state: .success, result: .int(Int64(index))))
            }
            #expect(try await values == Array(0..<count))
            await results.shutdown()
        }
    }

    @Test("a chord that a client sends can be completed by the parts of its header")
    func chord() async throws {
        try await Bench.with { bench in
            let client = ApiumClient(broker: bench.broker, results: bench.results, defaultQueue: bench.queue)
            let canvas = Signature.chord(header: [.chain([Signature("a"), .group([Signature("b"), Signature("c")])]), Signature("d")], body: Signature("e"))
            try await client.send(canvas)
            let keys = try await bench.allKeys()
            let size = try #require(keys.first { $0.hasSuffix(".s") })
            #expect(try await bench.redis.send(RedisCommand("GET", size)).asString() == "3")
            let saved = try #require(keys.first { $0 == String(size.dropLast(2)) })
            let id = try #require(saved.range(of: "celery-taskset-meta-").map { String(saved[$0.upperBound...]) })
            // A header that holds a group is saved, so that the list has its structure.
            let tuple = try #require(try await bench.results.savedGroup(id).flatMap { ResultTuple(json: $0) })
            #expect(tuple.members?.map { $0.members?.count } == [2, nil])
        }
    }
    @Test("a saved group with a chain of hundreds of steps is read")
    func longChain() async throws {
        try await Bench.with { bench in
            var last = ResultTuple(id: "step")
            for _ in 0..<400 { last = ResultTuple(id: "step", parent: last) }
            let tuple = ResultTuple(id: "g", members: [last, ResultTuple(id: "other")]).json
            try await bench.results.open([ChordSetup(group: "g", size: 2, savedGroup: tuple)])
            #expect(try await bench.results.savedGroup("g") == tuple)
            #expect(try await bench.results.content(of: "g").savedGroup == tuple)
        }
    }

    @Test("the server's word for what is longer than it takes is told from other refusals")
    func tooLong() {
        let error = RedisFailure.apiumError(RedisServerError(code: "ERR", message: "Protocol error: invalid bulk length")) as? ApiumError
        #expect(error?.code == .tooLong)
    }
}
