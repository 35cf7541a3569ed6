import ApiumCore
import DynamicJSON
import RedisClient
import Testing

@testable import ApiumInspect

/// What a server that lost keys, or got them from elsewhere, may look like.
@Suite("The doctor on Redis", .serialized, .enabled(if: Kind.url != nil))
struct RepairTests {
    private static let process = "5b0a7a2e-1111-4222-8333-444455556666"

    /// The messages of these ids as they stand on a list.
    private static func payload(_ id: String) -> String {
        var message = Message(headers: Message.Headers(task: "shop.add", id: id), body: TaskArguments().encodedBody())
        message.properties.routingKey = "celery"
        return String(decoding: message.encoded(), as: UTF8.self)
    }

    private static func has(_ diagnosis: Diagnosis, _ code: String) -> Bool { diagnosis.findings.contains { $0.code == code } }

    /// Expects a finding, repairs it, and expects it to be gone.
    private static func cure(_ ground: Ground, _ code: String) async throws {
        let before = try await ground.inspector.diagnose()
        #expect(has(before, code), "\(before.findings)")
        let treatments = try await ground.inspector.repair(before)
        #expect(treatments.contains { $0.finding.code == code && $0.isChanged }, "\(treatments)")
        let after = try await ground.inspector.diagnose()
        #expect(!has(after, code), "\(after.findings)")
    }

    @Test("returns messages of a process that nobody knows")
    func unownedFlight() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.redis("HSET", "key:apium:flight:\(Self.process)", "1", ground.server.map { $0.prefix + "celery" } ?? "")
            try await ground.redis("RPUSH", "key:apium:flight:\(Self.process):1", Self.payload("job-one"), Self.payload("job-two"))
            try await Self.cure(ground, "flight-unowned")
            let rows = try await ground.inspector.jobs(JobQuery()).rows
            #expect(rows.map(\.id) == ["job-one", "job-two"] && rows.allSatisfy { $0.place == .ready }, "\(rows.map(\.id))")
        }
    }

    @Test("returns messages of a batch that its process does not know of")
    func unregisteredBatch() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.redis("RPUSH", "key:apium:flight:\(Self.process):7", Self.payload("job-hidden"))
            #expect(try await ground.inspector.explain("job-hidden").standing == .unknown, "nothing finds it")
            try await Self.cure(ground, "batch-unregistered")
            #expect(try await ground.inspector.explain("job-hidden").standing.kind == "ready")
        }
    }

    // MARK: What Celery's workers leave of remote control

    private static func row(_ node: String) -> String { "\u{6}\u{16}\u{6}\u{16}\(node).celery.pidbox" }

    @Test("takes bindings of nodes away that do not answer, and no others")
    func bindings() async throws {
        try await Ground.with(.redis) { ground in
            var ground = ground
            // It is waited for the whole of it, and twice that: one of the two never answers.
            ground.inspector.patience = .milliseconds(1500)
            try await ground.redis("SADD", "key:_kombu.binding.celery.pidbox", Self.row("gone@test"), Self.row("shop@test"))
            try await ground.redis("SADD", "key:_kombu.binding_permanent.celery.pidbox", Self.row("gone@test"))
            try await ground.working {
                let found = try await ground.inspector.diagnose().findings.first { $0.code == "node-bindings-stray" }
                let finding = try #require(found)
                #expect(finding.severity == .notice && finding.repair == .bindings(["gone@test"]) && finding.seen.russian.contains("gone@test"))
                try await Self.cure(ground, "node-bindings-stray")
            }
            let left = try await ground.redis("SMEMBERS", "key:_kombu.binding.celery.pidbox").asArray().compactMap(\.string)
            #expect(left == [Self.row("shop@test")])
            #expect(try await ground.redis("EXISTS", "key:_kombu.binding_permanent.celery.pidbox") == .integer(0))
        }
    }

    @Test("deletes a binding table that nobody refreshes, and keeps one in which a queue without an end stands")
    func overdueBindings() async throws {
        try await Ground.with(.redis) { ground in
            for exchange in ["reply.celery.pidbox", "orders"] { try await ground.redis("SADD", "key:_kombu.binding.\(exchange)", "a\u{6}\u{16}\u{6}\u{16}b") }
            try await ground.redis("SADD", "key:_kombu.binding_permanent.orders", "a\u{6}\u{16}\u{6}\u{16}b")
            try await ground.redis("ZADD", "key:_kombu.binding_deadlines", "1000", "reply.celery.pidbox", "1000", "orders", "99999999999999", "fresh")
            try await Self.cure(ground, "bindings-overdue")
            #expect(try await ground.redis("EXISTS", "key:_kombu.binding.reply.celery.pidbox") == .integer(0))
            #expect(try await ground.redis("EXISTS", "key:_kombu.binding.orders") == .integer(1))
            #expect(try await ground.redis("ZRANGE", "key:_kombu.binding_deadlines", "0", "-1").asArray().compactMap(\.string) == ["fresh"])
        }
    }

    @Test("gives replies an end that nobody reads, and leaves those that have one")
    func endlessReplies() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.redis("LPUSH", "key:left.reply.celery.pidbox", "a reply")
            try await ground.redis("LPUSH", "key:fresh.reply.celery.pidbox", "a reply")
            try await ground.redis("PEXPIRE", "key:fresh.reply.celery.pidbox", "9000")
            try await Self.cure(ground, "replies-endless")
            #expect(try await ground.redis("PTTL", "key:left.reply.celery.pidbox").int.map { (1...60_000).contains($0) } == true)
            #expect(try await ground.redis("PTTL", "key:fresh.reply.celery.pidbox").int.map { $0 <= 9_000 } == true)
        }
    }

    @Test("moves what is past its time when no worker does")
    func overdue() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.client.enqueue(task: "shop.add", .after(.hours(1)).id("job-late"))
            let member = try #require(try await ground.redis("ZRANGE", "key:apium:scheduled", "0", "0").array?.first?.string)
            try await ground.redis("ZADD", "key:apium:scheduled", "1000000", member)
            #expect(try await ground.inspector.explain("job-late").obstacles == [.queueNotServed("celery"), .nobodyOnDuty])
            try await Self.cure(ground, "scheduled-overdue")
            #expect(try await ground.inspector.explain("job-late").standing.kind == "ready")
        }
    }

    @Test("puts the halves of what waits and what was set aside together")
    func halves() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.redis("ZADD", "key:apium:dead", "1000000", "job-empty")
            try await Self.cure(ground, "ids-without-message")
            try await ground.redis("HSET", "key:apium:scheduled:messages", "job-lost\u{0}\(ground.server?.prefix ?? "")celery\u{0}n", Self.payload("job-lost"))
            try await Self.cure(ground, "messages-without-id")
            #expect(try await ground.inspector.explain("job-lost").standing.kind == "ready")
        }
    }

    @Test("deletes what is left of processes and batches that are gone")
    func remains() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.redis("SET", "key:apium:marks:\(Self.process):3", "dd")
            try await Self.cure(ground, "marks-stray")
            try await ground.redis("HSET", "key:apium:worker:\(Self.process)", "name", "gone@test")
            try await Self.cure(ground, "worker-record-stray")
        }
    }

    @Test("names keys that nobody knows, and leaves them; those that should end and do not get an end")
    func keys() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.redis("SET", "key:apium:janitor", Self.process)
            try await ground.redis("SET", "key:apium:strange", "1")
            let diagnosis = try await ground.inspector.diagnose()
            #expect(Self.has(diagnosis, "key-endless") && Self.has(diagnosis, "key-unknown"), "\(diagnosis.findings)")
            #expect(!diagnosis.isHealthy)
            #expect(try await ground.inspector.repair(diagnosis).map(\.finding.code) == ["key-endless"])
            // The janitor's lease of nobody is over within two seconds, and another one takes it.
            #expect(try #require(try await ground.redis("PTTL", "key:apium:janitor").int) <= 2000)
            #expect(try await ground.redis("EXISTS", "key:apium:strange") == .integer(1))
        }
    }

    @Test("restores what workers of Celery left and nobody restores")
    func unacked() async throws {
        try await Ground.with(.redis) { ground in
            let held = "[\(Self.payload("job-python")), \"\", \"celery\"]"
            try await ground.redis("HSET", "key:unacked", "tag", held)
            try await ground.redis("ZADD", "key:unacked_index", "1000000", "tag")
            try await Self.cure(ground, "unacked-overdue")
            #expect(try await ground.inspector.explain("job-python").standing.kind == "ready")
        }
    }

    @Test("finds chords that nobody joins, and those whose parts are gone")
    func chords() async throws {
        try await Ground.with(.redis) { ground in
            let results = ground.client.results
            for (group, size) in [("full", 1), ("starved", 2), ("alive", 2), ("fresh", 2)] {
                try await results.open([ChordSetup(group: group, size: size)])
                let part = ChordPart(group: group, id: "part-of-\(group)", index: 0, state: .success, result: 1)
                _ = try await results.bring([part])
                // Two minutes ago, by the time that is left to live.
                if group != "fresh" { try await ground.redis("EXPIRE", "key:celery-taskset-meta-\(group).s", "86280") }
            }
            try await ground.redis("DEL", "key:celery-taskset-meta-full.c")
            // The other part of this one is a later step of a chain that waits.
            let step = Signature("shop.add", options: ["task_id": "part-two", "group_id": "alive"])
            var message = Message(headers: Message.Headers(task: "shop.add", id: "job-before"), body: TaskArguments().encodedBody())
            var arguments = TaskArguments()
            arguments.embed.chain = [step.json]
            message.body = arguments.encodedBody()
            try await ground.client.broker.enqueue([Outgoing(message, to: "celery")])
            let diagnosis = try await ground.inspector.diagnose()
            let unjoined = try #require(diagnosis.findings.first { $0.code == "chord-not-joined" }, "\(diagnosis.findings)")
            #expect(unjoined.summary.hasSuffix("full (1 of 1)") && unjoined.severity == .error, "\(unjoined)")
            let starved = try #require(diagnosis.findings.first { $0.code == "chord-starved" }, "\(diagnosis.findings)")
            #expect(starved.summary.hasSuffix("starved (1 of 2)"), "\(starved)")
        }
    }

    @Test("ends the locks of jobs that are nowhere, and no others")
    func locks() async throws {
        try await Ground.with(.redis) { ground in
            for id in ["job-waits", "job-deleted"] {
                try await ground.client.enqueue(task: "shop.add", .unique(.untilEnded.by(id)).id(id).on(queue: id))
            }
            try await ground.client.enqueue(task: "shop.add", .unique(.within(.hours(1)).by("time")).id("job-timed").on(queue: "job-timed"))
            // As somebody does who thinks that a queue is a list.
            try await ground.redis("DEL", "key:job-deleted", "key:job-timed")
            let before = try await ground.inspector.diagnose()
            let finding = try #require(before.findings.first { $0.code == "lock-without-job" }, "\(before.findings)")
            #expect(finding.summary.contains("1 unique locks") && finding.summary.contains("shop.add:job-deleted (job-deleted)"), "\(finding)")
            #expect(finding.seen.russian.contains("job-deleted"))
            try await Self.cure(ground, "lock-without-job")
            let left = try await ground.client.broker.uniqueLocks(limit: 10).map(\.id).sorted()
            #expect(left == ["job-timed", "job-waits"], "a lock for a time outlives its job")
            let again = try await ground.client.enqueue(task: "shop.add", .unique(.untilEnded.by("job-deleted")).id("job-again"))
            #expect(again.id == "job-again" && !again.isDuplicate)
        }
    }

    @Test("leaves the locks of jobs that may be behind what it looks at")
    func locksBehind() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.client.pause(.job("shop.total"))
            try await ground.working {
                for id in ["job-one", "job-two", "job-three"] {
                    try await ground.client.enqueue(task: "shop.total", .unique(.untilEnded.by(id)).id(id))
                    _ = try await ground.standing(id, "held")
                }
                var near = ground.inspector
                near.depth = 2
                let diagnosis = try await near.diagnose()
                #expect(!diagnosis.isComplete && !Self.has(diagnosis, "lock-without-job"), "\(diagnosis.findings)")
                _ = try await near.repair(diagnosis)
                #expect(try await ground.client.broker.uniqueLocks(limit: 10).count == 3)
            }
        }
    }

    @Test("says when the server has more keys than it looks for queues among")
    func manyKeys() async throws {
        try await Ground.with(.redis) { ground in
            #expect(try await ground.inspector.census().isComplete)
            func each(_ call: String) -> String { "for number = 1, tonumber(ARGV[1]) do redis.call(\(call)) end" }
            try await ground.redis("EVAL", each("'SET', KEYS[1] .. number, ''"), "1", "key:fill:", "220000")
            let isComplete = try await ground.inspector.census().isComplete
            try await ground.redis("EVAL", each("'UNLINK', KEYS[1] .. number"), "1", "key:fill:", "220000")
            #expect(!isComplete, "a queue that nobody declared may be among the other keys")
        }
    }

    @Test("gives back permits of jobs that do not run, and what waits goes on")
    func permits() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.client.setLimit(.concurrency(1), on: .job("shop.total"))
            try await ground.redis("ZADD", "key:apium:permits:job:shop.total", "9000000000000000", "h\(Self.process):4:0")
            try await ground.working {
                try await ground.client.enqueue(task: "shop.total", .id("job-held"))
                _ = try await ground.standing("job-held", "held")
                try await Self.cure(ground, "permits-stray")
                _ = try await ground.standing("job-held", "ended")
            }
        }
    }

    @Test("gives results an end that have none")
    func results() async throws {
        try await Ground.with(.redis) { ground in
            for id in ["job-old", "job-new"] {
                try await ground.client.results.store(ResultDocument(id: id, state: .success, result: 1, dateDone: .now()))
            }
            try await ground.redis("PERSIST", "key:celery-task-meta-job-old")
            let before = try await ground.inspector.diagnose()
            #expect(before.findings.first { $0.code == "result-endless" }?.summary == "1 results have no time to live: job-old", "\(before.findings)")
            try await Self.cure(ground, "result-endless")
            let life = try #require(try await ground.redis("TTL", "key:celery-task-meta-job-old").int)
            #expect(life > 80_000 && life <= 86_400)
        }
    }

    @Test("speaks two languages, and says the same in both")
    func languages() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.redis("SET", "key:apium:marks:\(Self.process):3", "dd")
            try await ground.redis("ZADD", "key:apium:dead", "1000000", "job-empty")
            let diagnosis = try await ground.inspector.diagnose()
            #expect(diagnosis.findings.count >= 2)
            for finding in diagnosis.findings {
                let texts = [finding.seen, finding.consequence]
                #expect(texts.allSatisfy { $0.russian.contains { ("а"..."я").contains($0) } }, "\(finding)")
                #expect(texts.allSatisfy { !$0.english.contains { ("а"..."я").contains($0) } }, "\(finding)")
                #expect(finding.json(in: .russian)["summary"]?.stringValue == finding.seen.russian)
            }
        }
    }
}
