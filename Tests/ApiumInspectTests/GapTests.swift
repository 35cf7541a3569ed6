import ApiumCore
import ApiumRedis
import DynamicJSON
import Foundation
import Logging
import RedisClient
import Testing

@testable import ApiumInspect

/// A user of Redis may be allowed less than what there is: the rest is shown all the same, and what is missing is said.
@Suite("Looks with a Redis user that may not see everything", .serialized, .enabled(if: Kind.url != nil))
struct GapTests {
    /// Runs a body with an inspector that looks as a user with these rules, which stand behind all commands and all keys of the ground but one queue's.
    private static func with(_ rules: String..., body: (Ground, Inspector) async throws -> Void) async throws {
        try await Ground.with(.redis) { ground in
            let prefix = try #require(ground.server?.prefix)
            let user = "user-\(JobID.make())"
            let keys = ["apium:*", "_kombu.*", "celery", "celery\u{6}\u{16}*", "celery-*", "*.reply.celery.pidbox", "unacked*"].map { "~\(prefix)\($0)" }
            var command = RedisCommand("ACL", "SETUSER", user, "on", ">open", "resetkeys", "allchannels", "+@all")
            command.append(contentsOf: keys + rules)
            let redis = try #require(ground.server?.redis)
            try await redis.send(command).checked()
            let url = try #require(Kind.url).replacing(/redis:\/\/([^@\/]*@)?/, with: "redis://\(user):open@")
            var options = RedisBrokerOptions(globalKeyPrefix: prefix)
            options.resultKeyPrefix = prefix
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let broker = try RedisBroker(url: url, options: options, logger: logger)
            let results = RedisResults(try RedisConfiguration(url: url), options: options.results, logger: logger)
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(ground, Inspector(broker: broker, results: results)))
            } catch {
                outcome = .failure(error)
            }
            await results.shutdown()
            await broker.shutdown()
            try await redis.send(RedisCommand("ACL", "DELUSER", user)).checked()
            try outcome.get()
        }
    }

    @Test("a queue that may not be read hides no other one, in lists, answers and findings")
    func queue() async throws {
        try await Self.with { ground, inspector in
            try await ground.client.enqueue(task: "shop.add", .id("job-open"))
            try await ground.client.enqueue(task: "shop.add", .on(queue: "secret").id("job-secret"))
            let reports = try await inspector.queues()
            #expect(reports.map(\.queue) == ["celery", "secret"])
            #expect(reports.map(\.length) == [1, nil] && reports[1].json["readable"] == false && reports[1].json["length"]?.isNull == true)
            _ = try await inspector.queues(watching: .milliseconds(10))
            let page = try await inspector.jobs(JobQuery())
            #expect(page.rows.map(\.id) == ["job-open"] && page.gaps == [.queue("secret")])
            let open = try await inspector.explain("job-open")
            #expect(open.standing.kind == "ready" && open.gaps == [.queue("secret")])
            let secret = try await inspector.explain("job-secret")
            #expect(secret.standing == .unknown, "it may be there, and that is said")
            #expect(secret.text(in: .english).contains("not looked at: queue secret: the broker's user may not read it"))
            #expect(secret.text(in: .russian).contains("не просмотрено: очередь secret"))
            #expect(secret.json["gaps"] == [["kind": "queue-not-readable", "queue": "secret"]])
            #expect(try await JobDesk(inspector).find(["job-open", "job-secret"]).map(\.id) == ["job-open"])
            let diagnosis = try await inspector.diagnose()
            #expect(
                !diagnosis.isComplete && diagnosis.findings.contains { $0.code == "not-readable" && $0.summary.contains("secret") }, "\(diagnosis.findings)")
        }
    }

    @Test("many queues make one line")
    func many() {
        let gaps = (1...7).map { Gap.queue("q\($0)") } + [.workers]
        #expect(gaps.lines(in: .english).first == "queues q1, q2, q3, q4, q5 and 2 more: the broker's user may not read them")
        #expect(gaps.lines(in: .russian).count == 2 && gaps.lines(in: .russian)[0].contains("и ещё 2"))
    }

    @Test("what cannot be asked of workers is left out and said, and the rest of the answer is there")
    func workers() async throws {
        try await Self.with("-publish") { ground, inspector in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.hold", .id("job-held"))
                try await ground.gate.reached("job-held")
                let explanation = try await inspector.explain("job-held")
                #expect(explanation.standing.kind == "in-flight" && explanation.gaps == [.workers])
                #expect(explanation.text(in: .english).contains("claimed by shop@test"))
                try await ground.client.enqueue(task: "shop.later", .id("job-later"))
                _ = try await ground.standing("job-later", "retry")
                #expect(try await inspector.explain("job-later").gaps == [.workers], "how often it is retried is what a worker knows")
            }
        }
    }

    @Test("a change that is not permitted is refused as that")
    func change() async throws {
        try await Self.with("-lpush", "-eval", "-evalsha") { _, inspector in
            let error = await #expect(throws: ApiumError.self) { try await inspector.broker.purge("secret") }
            #expect(error?.code == .notPermitted)
        }
    }
}
