import ApiumCore
import DynamicJSON
import PriceWatchJobs
import PriceWatchModel
import Testing

@testable import PriceWatchAPI

@Suite("What a token may enqueue", .timeLimit(.minutes(1)))
struct AllowanceTests {
    private let bench = Bench()

    private func send(_ token: String, _ task: String, queue: String? = nil, kwargs: JSONValue = [:]) async throws -> Reply {
        var body: [String: JSONValue] = ["task": .string(task), "kwargs": kwargs]
        if let queue { body["options"] = ["queue": .string(queue)] }
        return try await bench.send(.post, "/api/v1/jobs", token: token, json: .object(body))
    }

    @Test("a new token enqueues nothing, and is told so")
    func nothing() async throws {
        let reply = try await send(bench.token([.jobs]), "pricewatch.check_due")
        #expect(reply.status == 403 && reply.code == "forbidden" && reply.field == "task")
        #expect(reply.message == "this token may not enqueue 'pricewatch.check_due'; nothing is allowed to it")
        #expect(try await bench.broker.queueLength("checks") == 0)
    }

    @Test("names and patterns are enqueued; a refusal names the token's own list and nobody else's")
    func patterns() async throws {
        let token = bench.token([.jobs], jobs: ["pricewatch.check_*", "report.daily"])
        _ = bench.token([.jobs], jobs: ["secret.*"])
        for task in ["pricewatch.check_due", "pricewatch.check_price", "report.daily"] { #expect(try await send(token, task).status == 202, "\(task)") }
        for task in ["report.daily2", "xreport.daily", "Report.daily", "pricewatch.add_product", "secret.job", "celery.map"] {
            let reply = try await send(token, task)
            #expect(reply.status == 403, "\(task)")
            #expect(reply.message == "this token may not enqueue '\(task)'; allowed to it: pricewatch.check_*, report.daily")
        }
    }

    @Test("a job goes to its own queue, and to another only when the token may choose it")
    func queues() async throws {
        let token = bench.token([.jobs], jobs: ["*"], queues: ["reports", "notifications"])
        #expect(try await send(token, "pricewatch.check_due", queue: "checks").status == 202)
        #expect(try await send(token, "pricewatch.check_due", queue: "reports").status == 202)
        #expect(try await send(token, "foreign.task").status == 202)
        #expect(try await bench.broker.queueLength("reports") == 1)
        #expect(try await bench.broker.queueLength("celery") == 1)
        for queue in ["interactive", "notifications", "apium:scheduled", "celery-task-meta-1", "unacked"] {
            let reply = try await send(token, "pricewatch.check_due", queue: queue)
            #expect(reply.status == 403 && reply.field == "options.queue", "\(queue)")
            #expect(reply.message?.contains("may not choose the queue '\(queue)'; allowed to it: notifications, reports") == true, "\(reply.text)")
        }
    }

    @Test("no list reaches what is the bot's, and only one that names the engine's own tasks reaches those")
    func never() async throws {
        let everything = bench.token([.jobs], jobs: ["*", "pricewatch.notify"], queues: ["notifications"])
        for task in ["pricewatch.notify", "celery.map", "celery.chord", "celery.backend_cleanup"] {
            #expect(try await send(everything, task).code == "forbidden", "\(task)")
            #expect(try await send(Bench.serviceToken, task).code == "forbidden", "\(task)")
        }
        #expect(try await send(bench.token([.jobs], jobs: ["celery.backend_*"]), "celery.backend_cleanup").status == 202)
    }

    @Test("a token of one chat enqueues only jobs that are a chat's, whatever its list says")
    func chat() async throws {
        let token = bench.token([.jobs], chat: 77, jobs: ["*"])
        #expect(try await send(token, "pricewatch.remove_watch", kwargs: ["chat_id": 77, "watch_id": 1]).status == 202)
        for task in ["pricewatch.mark_delivered", "pricewatch.check_price", "pricewatch.tidy_up", "python.task"] {
            let reply = try await send(token, task, kwargs: ["chat_id": 77, "outbox_id": 1, "message_id": 1, "product_id": 1])
            #expect(reply.code == "forbidden" && reply.field == "task", "\(task)")
            #expect(reply.message?.contains("pricewatch.remove_watch") == true, "\(reply.text)")
        }
    }

    @Test("every job that is a chat's takes chat_id, and fails without it")
    func chatJobs() async throws {
        let token = bench.token([.jobs], jobs: ["pricewatch.*"])
        try await bench.withWorker {
            for name in JobCatalog.priceWatch.chatJobs.sorted() {
                // What else a job cannot do without.
                let change: [String: JSONValue] = name == ChangeSettings.name ? ["change": [:]] : [:]
                let body: JSONValue = ["task": .string(name), "kwargs": .object(["chat_id": "none"].merging(change) { $1 })]
                let reply = try await bench.send(.post, "/api/v1/jobs", token: token, json: body, headers: ["Prefer": "wait=20"])
                #expect(reply.json["state"] == "FAILURE" && reply.json["error"]?.stringValue?.contains("chat_id") == true, "\(name): \(reply.text)")
            }
        }
    }

    @Test("a queue that is allowed and not there is a conflict, no fault of the server")
    func missingQueue() async throws {
        let bench = Bench(router: ApiumCore.Router(queues: [QueueDeclaration("checks")], createMissingQueues: false))
        let token = bench.token([.jobs], jobs: ["*"], queues: ["reports"])
        let body: JSONValue = ["task": "pricewatch.check_due", "options": ["queue": "reports"]]
        let reply = try await bench.send(.post, "/api/v1/jobs", token: token, json: body)
        #expect(reply.code == "conflict" && reply.field == "options.queue", "\(reply.text)")
    }
}

@Suite("Patterns of job names")
struct JobNamePatternTests {
    @Test(
        "a pattern matches what it says",
        arguments: [
            ("a.b", "a.b", true), ("a.b", "a.c", false), ("a.b", "A.b", false), ("a.*", "a.", true), ("a.*", "a.b.c", true), ("a.*", "ab", false),
            ("*", "anything", true), ("*", "celery.map", false), ("c*", "celery.map", false), ("celery.*", "celery.map", true),
            ("celery.map", "celery.map", true),
            ("*.daily", "report.daily", true), ("*.daily", "report.daily.x", false), ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbY", false),
            ("**", "x", true), ("a", "", false), ("*", "", true), ("a.c", "abc", false),
        ])
    func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(try #require(JobNamePattern(pattern)).matches(name) == expected)
    }

    @Test("a long run of stars ends soon")
    func stars() throws {
        let pattern = try #require(JobNamePattern(String(repeating: "*a", count: 60)))
        #expect(!pattern.matches(String(repeating: "a", count: 59)))
        #expect(!pattern.matches(String(repeating: "a", count: 100_000) + "b"))
    }

    @Test("what is no pattern or queue is refused", arguments: ["", "a b", ".a", "-a", "a,b", "ä", "a/b", "a\n", "a\u{0}", String(repeating: "a", count: 129)])
    func refused(_ text: String) {
        #expect(JobNamePattern(text) == nil)
        #expect(QueueName(text) == nil)
    }

    @Test("a queue's name is no pattern, and no key of the engine's") func queueNames() {
        #expect(QueueName("a*") == nil && QueueName("apium:parked") == nil && QueueName("checks-2.x_y")?.text == "checks-2.x_y")
    }
}
