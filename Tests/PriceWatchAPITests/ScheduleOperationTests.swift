import ApiumBeat
import ApiumCore
import DynamicJSON
import HTTPTypes
import Testing

@testable import PriceWatchAPI

@Suite("The schedule over HTTP", .timeLimit(.minutes(1)))
struct ScheduleOperationTests {
    private let bench = Bench()
    private let path = "/api/v1/schedule"

    /// Puts a deployment's entry in force, as a beat does.
    private func deploy() async throws {
        let entry = ScheduleEntry(name: "own", task: "pricewatch.tidy_up", schedule: .every(.seconds(10)))
        let adoption = ScheduleAdoption(
            edition: ScheduleEdition(generation: 1, revision: 0), entries: ["own": .init(version: "1", document: entry.definition.text)])
        _ = try await bench.broker.adopt(adoption)
    }

    private func put(_ name: String, _ definition: JSONValue, query: String = "", revision: JSONValue? = nil) async throws -> Reply {
        var body: [String: JSONValue] = ["definition": definition]
        body["revision"] = revision
        return try await bench.send(.put, "\(path)/\(name)\(query)", json: .object(body))
    }

    @Test("an entry is tried, added, replaced, switched, run and removed, and the audit says by whom")
    func lifeOfAnEntry() async throws {
        let hourly: JSONValue = ["task": "pricewatch.tidy_up", "every": "1h", "timezone": "Europe/Berlin"]
        let dry = try await put("report", hourly, query: "?dry_run=true")
        #expect(dry.status == 200 && dry.json["next"] != nil)
        #expect(try await bench.send(.get, path).json["entries"] == [])
        #expect(try await put("report", hourly).status == 201)
        #expect(try await put("report", ["task": "pricewatch.tidy_up", "every": "2h"]).status == 200)
        let read = try await bench.send(.get, "\(path)/report").json
        #expect(read["source"] == "added" && read["enabled"] == true && read["definition"]?["every"] == "2h")
        #expect(try await bench.send(.post, "\(path)/report/disable").json["enabled"] == false)
        #expect(try await bench.send(.post, "\(path)/report/enable").json["enabled"] == true)
        let run = try await bench.send(.post, "\(path)/report/run")
        #expect(run.status == 202 && run.json["state"] == "PENDING")
        #expect(try await bench.broker.queueLength("celery") == 1)
        let preview = try await bench.send(.get, "\(path)/report/preview?count=3&after=1774742400000000").json["slots"]
        #expect(preview?.arrayValue?.count == 3 && preview?[0]?["slot"] == 1_774_749_600_000_000)
        #expect(try await bench.send(.delete, "\(path)/report").status == 204)
        #expect(try await bench.send(.delete, "\(path)/report").code == "not_found")
        let audit = try await bench.send(.get, "/api/v1/schedule-audit?entry=report").json["records"]?.arrayValue ?? []
        #expect(audit.map { $0["action"] } == ["remove", "run", "enable", "disable", "edit", "add"])
        #expect(audit.allSatisfy { $0["editor"] == "token service" })
    }

    @Test("a deployment's entry can be switched, and not changed or removed")
    func deployed() async throws {
        try await deploy()
        #expect(try await put("own", ["task": "pricewatch.tidy_up", "every": "5s"]).code == "conflict")
        #expect(try await bench.send(.delete, "\(path)/own").code == "conflict")
        let disabled = try await bench.send(.post, "\(path)/own/disable").json
        #expect(disabled["switched"] == true && disabled["enabled"] == false && disabled["source"] == "deployed")
        #expect(try await bench.send(.get, path).json["revision"] == 1)
    }

    @Test("a definition with faults is refused with all of them, an edit of what has changed with a conflict")
    func refusals() async throws {
        let bad = try await put("e", ["every": "soon", "colour": "red"])
        #expect(bad.status == 422 && bad.json["error"]?["field"] == "definition")
        for expected in ["no task", "every is", "unknown key"] {
            #expect(bad.json["error"]?["message"]?.stringValue?.contains(expected) == true, "\(bad.text)")
        }
        #expect(try await put("e", ["task": "pricewatch.tidy_up", "every": "5s"], revision: 0).status == 201)
        #expect(try await put("e", ["task": "pricewatch.tidy_up", "every": "6s"], revision: 0).code == "conflict")
        #expect(try await bench.send(.get, "\(path)/nobody").code == "not_found")
        #expect(try await bench.send(.post, "\(path)/nobody/run").code == "not_found")
    }

    @Test("what became of slots is read with filters")
    func ledger() async throws {
        try await deploy()
        let now = try await bench.broker.serverTime()
        let slot = ScheduledSlot(
            entry: "own", edition: ScheduleEdition(generation: 1, revision: 0), version: "1", instant: now, mark: nil,
            action: .skip(.catchUp, first: now, count: 1))
        #expect(try await bench.broker.fire(slot) == .done)
        let records = try await bench.send(.get, "/api/v1/schedule-ledger?entry=own&outcome=skipped").json["records"]
        #expect(records?.arrayValue?.count == 1 && records?[0]?["reason"] == "catch_up" && records?[0]?["slot"] == .int(now.microseconds))
        #expect(try await bench.send(.get, "/api/v1/schedule-ledger?outcome=fired").json["records"] == [])
        #expect(try await bench.send(.get, "/api/v1/schedule-ledger?outcome=lost").code == "invalid_field")
    }

    @Test("only a token with the scope schedule gets there")
    func scope() async throws {
        let other = bench.token([.read, .write, .jobs])
        let own = bench.token([.schedule])
        for path in [path, "/api/v1/schedule-ledger", "/api/v1/schedule-audit"] {
            #expect(try await bench.send(.get, path, token: other).code == "forbidden")
            #expect(try await bench.send(.get, path, token: own).status == 200)
        }
    }

    @Test("an entry's job and queue are on the token's list, when it is put, switched on and run")
    func allowance() async throws {
        try await deploy()
        let token = bench.token([.schedule], jobs: ["report.*"], queues: ["reports"])
        func put(_ definition: JSONValue) async throws -> Reply {
            try await bench.send(.put, "\(path)/report", token: token, json: ["definition": definition])
        }
        let job = try await put(["task": "pricewatch.tidy_up", "every": "1h"])
        #expect(job.code == "forbidden" && job.field == "definition.task" && job.message?.contains("allowed to it: report.*") == true)
        #expect(try await put(["task": "celery.map", "every": "1h"]).code == "forbidden")
        let queue = try await put(["task": "report.daily", "every": "1h", "options": ["queue": "apium:scheduled"]])
        #expect(queue.code == "forbidden" && queue.field == "definition.options.queue" && queue.message?.contains("allowed to it: reports") == true)
        #expect(try await put(["task": "report.daily", "every": "1h", "options": ["queue": "notifications"]]).code == "forbidden")
        #expect(try await put(["task": "report.daily", "every": "1h", "options": ["queue": "reports"]]).status == 201)
        #expect(try await bench.send(.post, "\(path)/report/run", token: token).status == 202)
        #expect(try await bench.broker.queueLength("reports") == 1)
        #expect(try await bench.send(.post, "\(path)/own/run", token: token).code == "forbidden")
        #expect(try await bench.send(.post, "\(path)/own/disable", token: token).status == 200)
        #expect(try await bench.send(.post, "\(path)/own/enable", token: token).code == "forbidden")
        #expect(try await bench.send(.get, path, token: token).status == 200)
        #expect(try await self.put("x", ["task": "pricewatch.notify", "every": "1h"]).code == "forbidden")
    }

    @Test("a token of one chat has no schedule")
    func chat() async throws {
        let token = bench.token([.schedule, .jobs], chat: 77, jobs: ["*"])
        for (method, path) in [(HTTPRequest.Method.get, path), (.post, "\(path)/own/run"), (.get, "/api/v1/schedule-audit")] {
            #expect(try await bench.send(method, path, token: token).code == "forbidden")
        }
    }
}
