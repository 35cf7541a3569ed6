import ApiumCore
import ApiumTesting
import DynamicJSON
import Foundation
import PriceWatchModel
import Testing

@testable import PriceWatchAdmin

@Suite("The jobs' pages", .timeLimit(.minutes(1)))
struct JobsPagesTests {
    private func message(_ id: String, task: String = "shop.check", kwargs: [String: JSONValue] = ["product": 7]) -> Message {
        var message = Message(headers: .init(task: task, id: id), body: TaskArguments(kwargs: kwargs).encodedBody())
        message.headers.kwargsRepr = PythonText.dictionary(kwargs)
        return message
    }

    /// Sends a job and sets it aside.
    private func setAside(_ id: String, on shelf: Shelf = .dead, reason: String = "ValueError('<b>broken</b>')", _ browser: Browser) async throws {
        let session = try await browser.broker.openSession(WorkerIdentity(name: "w@t", pid: 1, queues: ["checks"]))
        try await browser.broker.enqueue([Outgoing(message(id), to: "checks")])
        let delivery = try #require(try await session.claim(limit: 1).deliveries.first)
        let record = ShelvedRecord(
            id: id, task: "shop.check", queue: "checks", reason: reason, at: try await browser.broker.serverTime(), attempts: 3, payload: delivery.payload)
        _ = try await session.complete([Completion(delivery.tag, .shelve(shelf, record))])
        try await session.close()
    }

    private func report(_ number: Int64, succeeded: Int64, failed: Int64 = 0) -> HistoryReport {
        var values = [Int64](repeating: 0, count: JobCounts.size)
        values[JobCounts.runPlace(.milliseconds(20))] = succeeded + failed
        var counts = JobCounts(values: values)
        (counts[.started], counts[.succeeded], counts[.failed]) = (succeeded + failed, succeeded, failed)
        return HistoryReport(source: "w", number: number, counts: [HistoryKey(queue: "checks", task: "shop.check"): counts], queues: ["checks"])
    }

    // MARK: The board

    @Test("the board shows queues, jobs by name, workers and the numbers behind the charts")
    func board() async throws {
        let browser = try Browser()
        try await browser.signIn()
        let session = try await browser.broker.openSession(WorkerIdentity(name: "one@host", pid: 42, queues: ["checks"], jobs: ["shop.check"]))
        try await browser.broker.enqueue([Outgoing(message("a"), to: "checks"), Outgoing(message("b"), to: "checks"), Outgoing(message("c"), to: "checks")])
        _ = try await session.claim(limit: 1)
        try await browser.broker.record(report(1, succeeded: 1_234, failed: 6))
        let page = try await browser.get("/admin/jobs")
        #expect(page.status == 200)
        for text in ["one@host", "pid 42", "shop.check", "1,240", "0.5%", "data-live=\"q.checks.length\">2<"] { #expect(page.text.contains(text), "\(text)") }
        let data = try #require(page.text.firstMatch(of: /id="board-data">(.*?)<\/script>/)).1
        let series = try JSONValue(parsing: String(data))["series"]
        #expect(series?["succeeded"]?.arrayValue?.reduce(0) { $0 + ($1.intValue ?? 0) } == 1_234)
        #expect(series?["failed"]?.arrayValue?.count == 90)
        #expect(series?["step"] == 10)
        let policy = page.headers[values: .init("Content-Security-Policy")!].joined()
        #expect(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';") && !policy.contains("unsafe"))
        #expect(!page.text.contains("style="), "the content policy refuses styles in attributes")
        #expect(try await browser.get("/admin/static/jobs.js").headers[.contentType]?.hasPrefix("text/javascript") == true)
        await session.closeQuietly()
    }

    @Test("charts show the chosen queue, job and period alone", arguments: [("15m", 90), ("1h", 60), ("24h", 97), ("30d", 121)])
    func choices(_ range: String, _ most: Int) async throws {
        let browser = try Browser()
        try await browser.signIn()
        try await browser.broker.record(report(1, succeeded: 5))
        func total(_ query: String) async throws -> Int64 {
            let page = try await browser.get("/admin/jobs?last=\(range)&" + query)
            let data = try #require(page.text.firstMatch(of: /id="board-data">(.*?)<\/script>/)).1
            let bars = try JSONValue(parsing: String(data))["series"]?["succeeded"]?.arrayValue ?? []
            #expect(bars.count <= most && bars.count >= most - 1)
            return bars.reduce(0) { $0 + ($1.intValue ?? 0) }
        }
        #expect(try await total("") == 5)
        #expect(try await total("queue=checks&task=shop.check") == 5)
        #expect(try await total("queue=other") == 0)
        #expect(try await total("task=other") == 0)
    }

    @Test("what a name holds cannot end the page's data")
    func embedding() async throws {
        let browser = try Browser()
        try await browser.signIn()
        var counts = JobCounts()
        counts[.started] = 1
        let key = HistoryKey(queue: "</script><evil>", task: "\"><evil>")
        try await browser.broker.record(HistoryReport(source: "w", number: 1, counts: [key: counts], queues: ["</script><evil>"]))
        let page = try await browser.get("/admin/jobs")
        #expect(page.status == 200 && !page.text.contains("<evil>"))
    }

    // MARK: The stream

    @Test("the stream tells new numbers as they come, and ends with the session")
    func stream() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        let page = try await browser.follow("/admin/jobs/live?last=15m") { seen in
            try await seen.eventually("the first event") { $0.contains("data: {") && $0.contains("\"ended\":\"0\"") }
            try await browser.broker.record(report(1, succeeded: 7))
            try await seen.eventually("the new number") { $0.contains("\"ended\":\"7\"") }
            _ = try await browser.post("/admin/logout", ["csrf": token])
        }
        #expect(page.headers[.contentType]?.hasPrefix("text/event-stream") == true)
        #expect(page.headers[values: .init("X-Accel-Buffering")!] == ["no"])
        #expect(page.headers[.contentLength] == nil)
        #expect(try await browser.get("/admin/jobs/live").status == 303, "without a session there is no stream")
    }

    @Test("a place of a stream is given back once, and when there is none the next one is refused")
    func seats() throws {
        let seats = StreamSeats(limit: 2)
        let first = try #require(seats.take())
        let second = try #require(seats.take())
        #expect(seats.take() == nil)
        first.leave()
        first.leave()
        let third = seats.take()
        #expect(third != nil && seats.take() == nil)
        second.leave()
    }

    // MARK: Lists

    @Test("jobs are found by state, queue and a part of their name, page by page")
    func list() async throws {
        let browser = try Browser()
        try await browser.signIn()
        try await setAside("dead-1", browser)
        for number in 0..<60 { try await browser.broker.enqueue([Outgoing(message("job-\(number)", task: "shop.report"), to: "reports")]) }
        let first = try await browser.get("/admin/jobs/list")
        #expect(first.text.contains("job-0") && !first.text.contains("job-55") && !first.text.contains("dead-1"))
        let next = try #require(first.text.firstMatch(of: /href="(\/admin\/jobs\/list\?[^"]*after=[^"]*)"/)).1.replacing("&amp;", with: "&")
        #expect(try await browser.get(String(next)).text.contains("job-55"))
        #expect(try await browser.get("/admin/jobs/list?name=repor&queue=reports").text.contains("job-0"))
        #expect(try await !browser.get("/admin/jobs/list?name=nothing").text.contains("job-0"))
        #expect(try await !browser.get("/admin/jobs/list?older=1d").text.contains("job-0"))
        let dead = try await browser.get("/admin/jobs/list?state=dead")
        #expect(dead.text.contains("dead-1") && dead.text.contains("shelf/dead/requeue") && !dead.text.contains("<b>broken"))
        #expect(try await browser.get("/admin/jobs/list?after=nonsense").status == 400)
        #expect(try await browser.get("/admin/jobs/job?id=%20dead-1%20").location == "/admin/jobs/job/dead-1")
    }

    @Test("all jobs of a filter run again after a confirmation that counts them")
    func bulk() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        for number in 0..<3 { try await setAside("dead-\(number)", browser) }
        let asked = try await browser.get("/admin/jobs/shelf/dead/requeue?name=shop&queue=checks")
        #expect(asked.status == 200 && asked.text.contains("<span>3</span>") && asked.text.contains("*shop*"))
        #expect(try await browser.broker.queueLength("checks") == 0, "asking changes nothing")
        let form = ["csrf": token, "name": "shop", "queue": "checks"]
        #expect(try await browser.post("/admin/jobs/shelf/dead/requeue", form.merging(["queue": "other"]) { $1 }).status == 303)
        #expect(try await browser.broker.queueLength("checks") == 0, "another queue's filter takes none")
        #expect(try await browser.post("/admin/jobs/shelf/dead/requeue", form).location?.hasSuffix("notice=requeued") == true)
        #expect(try await browser.broker.queueLength("checks") == 3)
        #expect(browser.store.state.withLock { $0.records.suffix(1).map(\.target) } == ["dead"])
    }

    // MARK: One job

    @Test("a job's story says where it is, its arguments, its error and what came when")
    func story() async throws {
        let browser = try Browser()
        try await browser.signIn()
        try await setAside("dead-1", browser)
        let document = ResultDocument(
            id: "dead-1", state: .failure, result: JobFailure(type: "ValueError", arguments: ["no <b>price</b>"]).value, traceback: "in task shop.check",
            dateDone: try await browser.broker.serverTime(), children: [ResultTuple(id: "child-1").json])
        try await browser.broker.results.store(document)
        let page = try await browser.get("/admin/jobs/job/dead-1")
        #expect(page.status == 200 && !page.text.contains("<b>price"))
        for text in [
            "after 3 runs", "&quot;product&quot;: 7", "no &lt;b&gt;price", "in task shop.check", "Failed for good", "/admin/jobs/job/child-1", "/requeue",
            "/edit",
        ] {
            #expect(page.text.contains(text), "\(text)")
        }
        #expect(!page.text.contains("/cancel"), "what has failed for good cannot be cancelled")
        #expect(try await browser.get("/admin/jobs/job/nobody").text.contains("unknown"))
        try await browser.broker.enqueue([Outgoing(message("waits"), to: "checks")])
        let waiting = try await browser.get("/admin/jobs/job/waits")
        #expect(waiting.text.contains("next in queue checks") && waiting.text.contains("no live worker") && waiting.text.contains("/cancel"))
    }

    @Test("a job's story counts the runs that have begun: none while it waits, one while it runs")
    func runs() async throws {
        let browser = try Browser()
        try await browser.signIn()
        func runs() async throws -> Substring? {
            try await browser.get("/admin/jobs/job/first").text.firstMatch(of: /<span>Runs<\/span><span>(\d+)<\/span>/)?.1
        }
        let session = try await browser.broker.openSession(WorkerIdentity(name: "w@t", pid: 1, queues: ["checks"]))
        try await browser.broker.enqueue([Outgoing(message("first"), to: "checks")])
        #expect(try await runs() == "0")
        let delivery = try #require(try await session.claim(limit: 1).deliveries.first)
        #expect(try await runs() == "1")
        var again = message("first")
        again.headers.retries = 1
        _ = try await session.complete([Completion(delivery.tag, .schedule(again, queue: "checks", after: .seconds(60)))])
        #expect(try await runs() == "1", "one run, and the retry has not begun")
        try await session.close()
    }

    @Test("the story is told in Russian, too")
    func russian() async throws {
        let browser = try Browser()
        try await browser.signIn()
        browser.setCookie("pricewatch_language", "ru")
        try await setAside("dead-1", browser)
        let page = try await browser.get("/admin/jobs/job/dead-1")
        #expect(page.text.contains("не удалась окончательно") && page.text.contains("Что было"))
        #expect(try await browser.get("/admin/jobs").text.contains("Завершённые запуски"))
    }

    @Test("a dead job runs again on request, once")
    func requeue() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        try await setAside("dead-1", browser)
        #expect(try await browser.post("/admin/jobs/job/dead-1/requeue", ["csrf": "wrong"]).status == 403)
        #expect(try await browser.post("/admin/jobs/job/dead-1/requeue", ["csrf": token, "from": "dead"]).location == "/admin/jobs/job/dead-1?notice=requeued")
        #expect(try await browser.broker.queueLength("checks") == 1)
        #expect(try await browser.post("/admin/jobs/job/dead-1/requeue", ["csrf": token, "from": "dead"]).location == "/admin/jobs/job/dead-1?notice=gone")
        #expect(browser.store.state.withLock { $0.records.map(\.action) } == ["login", "requeue"])
    }

    @Test("a job is edited and runs again with what was written; faults are said beside the form, and nothing is lost")
    func edit() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        try await setAside("dead-1", browser)
        let form = try await browser.get("/admin/jobs/job/dead-1/edit")
        let version = try #require(form.text.firstMatch(of: /name="version" value="([^"]*)"/)).1
        var fields = [
            "csrf": token, "version": String(version), "from": "dead", "args": "[]", "kwargs": "{", "queue": "checks", "priority": "3", "retries": "0",
            "action": "run",
        ]
        let fault = try await browser.post("/admin/jobs/job/dead-1/edit", fields)
        #expect(fault.status == 422 && fault.text.contains("no JSON object"))
        for (name, value, words) in [
            ("args", "{}", "no JSON list"), ("priority", "12", "0 to 9"), ("queue", " ", "needs a queue"), ("retries", "-1", "whole number"),
        ] {
            let page = try await browser.post("/admin/jobs/job/dead-1/edit", fields.merging(["kwargs": "{}", name: value]) { $1 })
            #expect(page.status == 422 && page.text.contains(words), "\(name)")
        }
        #expect(try await browser.broker.queueLength("checks") == 0)
        fields["kwargs"] = "{\"product\": 9}"
        #expect(try await browser.post("/admin/jobs/job/dead-1/edit", fields).location == "/admin/jobs/job/dead-1?notice=requeued")
        let session = try await browser.broker.openSession(WorkerIdentity(name: "w@t", pid: 1, queues: ["checks"]))
        let delivery = try #require(try await session.claim(limit: 1).deliveries.first)
        let message = try Message(decoding: delivery.payload)
        #expect(try message.arguments().kwargs == ["product": 9])
        #expect(message.properties.priority == 3)
    }

    @Test("a form is refused that was opened before somebody else changed the job")
    func conflict() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        try await setAside("dead-1", browser)
        let form = try await browser.get("/admin/jobs/job/dead-1/edit")
        let version = try #require(form.text.firstMatch(of: /name="version" value="([^"]*)"/)).1
        let fields = [
            "csrf": token, "version": String(version), "from": "dead", "args": "[]", "kwargs": "{\"product\": 1}", "queue": "checks", "priority": "0",
            "retries": "0",
        ]
        let client = browser.panel.services.apium
        try await client.shelf(.dead).edit("dead-1") { $0.kwargs = ["product": 2] }
        let late = try await browser.post("/admin/jobs/job/dead-1/edit", fields.merging(["action": "save"]) { $1 })
        #expect(late.status == 422 && late.text.contains("Somebody else has changed this job"))
        let record = try #require(try await browser.broker.record("dead-1", in: .dead))
        #expect(try EditableJob(record).kwargs == ["product": 2])
    }

    @Test("a job in a queue is edited where it waits, goes to the back on request, and each change is in the audit")
    func waiting() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        try await browser.broker.enqueue([Outgoing(message("first"), to: "checks"), Outgoing(message("second"), to: "checks")])
        let story = try await browser.get("/admin/jobs/job/first")
        #expect(story.text.contains("/edit") && story.text.contains("To the back of its queue") && !story.text.contains("/discard"))
        let form = try await browser.get("/admin/jobs/job/first/edit")
        #expect(form.text.contains("It stays where it waits") && !form.text.contains("value=\"run\""), "it runs anyhow")
        let version = try #require(form.text.firstMatch(of: /name="version" value="([^"]*)"/)).1
        let fields = [
            "csrf": token, "version": String(version), "from": "ready", "args": "[]", "kwargs": "{\"product\": 9}", "queue": "checks", "priority": "0",
            "retries": "0",
            "action": "save",
        ]
        #expect(try await browser.post("/admin/jobs/job/first/edit", fields).location == "/admin/jobs/job/first?notice=saved")
        let late = try await browser.post("/admin/jobs/job/first/edit", fields.merging(["kwargs": "{}"]) { $1 })
        #expect(late.status == 422 && late.text.contains("Somebody else has changed this job"))
        func order() async throws -> [Message] {
            try await browser.panel.services.inspector.broker.readyMessages(in: "checks", ScanWindow()).records.map { try Message(decoding: $0.payload) }
        }
        #expect(try await order().map(\.id) == ["first", "second"], "an edit keeps its place")
        #expect(try await order()[0].arguments().kwargs == ["product": 9])
        #expect(try await browser.post("/admin/jobs/job/first/requeue", ["csrf": token, "from": "ready"]).location == "/admin/jobs/job/first?notice=requeued")
        #expect(try await order().map(\.id) == ["second", "first"])
        #expect(
            try await browser.post("/admin/jobs/job/first/discard", ["csrf": token, "from": "ready"]).location == "/admin/jobs/job/first?notice=gone",
            "it is cancelled")
        #expect(browser.store.state.withLock { $0.records.map(\.action) } == ["login", "edit", "requeue"])
        let session = try await browser.broker.openSession(WorkerIdentity(name: "w@t", pid: 1, queues: ["checks"]))
        _ = try await session.claim(limit: 2)
        #expect(try await browser.post("/admin/jobs/job/first/edit", fields).location == "/admin/jobs/job/first?notice=gone", "it runs by now")
        #expect(try await browser.get("/admin/jobs/job/first/edit").status == 404)
        #expect(try await !browser.get("/admin/jobs/job/first").text.contains("/edit"))
        try await session.close()
    }

    @Test("a job that waits for its time is edited, and runs at once on request")
    func scheduled() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        for id in ["later", "soon"] { try await browser.panel.services.apium.enqueue(task: "shop.check", .after(.hours(1)).on(queue: "checks").id(id)) }
        #expect(try await browser.get("/admin/jobs/job/later").text.contains("Run now"))
        #expect(
            try await browser.post("/admin/jobs/job/later/requeue", ["csrf": token, "from": "scheduled"]).location == "/admin/jobs/job/later?notice=requeued")
        let form = try await browser.get("/admin/jobs/job/soon/edit")
        #expect(form.text.contains("Save and run now"))
        let version = try #require(form.text.firstMatch(of: /name="version" value="([^"]*)"/)).1
        let fields = [
            "csrf": token, "version": String(version), "from": "scheduled", "args": "[]", "kwargs": "{\"product\": 9}", "queue": "checks", "priority": "0",
            "retries": "0",
            "action": "run",
        ]
        #expect(try await browser.post("/admin/jobs/job/soon/edit", fields).location == "/admin/jobs/job/soon?notice=requeued")
        #expect(try await browser.broker.queueLength("checks") == 2)
        #expect(try await browser.broker.scheduledCount() == 0)
        #expect(browser.store.state.withLock { $0.records.map(\.action) } == ["login", "requeue", "edit_and_requeue"])
    }

    @Test("cancelling and deleting ask first; the POST does it")
    func cancel() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        try await browser.broker.enqueue([Outgoing(message("waits"), to: "checks")])
        #expect(try await browser.get("/admin/jobs/job/waits/cancel").text.contains("it never runs"))
        #expect(try await browser.broker.controlState().revoked.isEmpty)
        #expect(try await browser.post("/admin/jobs/job/waits/cancel", ["csrf": token]).location == "/admin/jobs/job/waits?notice=cancelled")
        #expect(try await browser.get("/admin/jobs/job/waits").text.contains("it was revoked"))
        try await setAside("dead-1", browser)
        #expect(try await browser.get("/admin/jobs/job/dead-1/discard").status == 200)
        #expect(try await browser.broker.record("dead-1", in: .dead) != nil)
        #expect(
            try await browser.post("/admin/jobs/job/dead-1/discard", ["csrf": token, "from": "dead"]).location == "/admin/jobs/list?state=dead&notice=done")
        #expect(try await browser.broker.record("dead-1", in: .dead) == nil)
    }

    // MARK: Pauses and the doctor

    @Test("queues and jobs are paused and resumed, by names of any characters", arguments: [("queue", "checks"), ("name", "shop.check"), ("queue", "a/b <c>")])
    func pauses(_ kind: String, _ name: String) async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        try await browser.broker.record(report(1, succeeded: 1))
        let path = "/admin/jobs/\(kind)/\(FormText.encode(name))"
        #expect(try await browser.get(path + "/pause").status == 200)
        #expect(try await browser.broker.holds().isEmpty)
        #expect(try await browser.post(path + "/pause", ["csrf": token]).location == "/admin/jobs?notice=pausedNow")
        let target = try #require(AdminPanel.target(kind, name))
        #expect(try await browser.broker.holds().map(\.target) == [target])
        if name != "a/b <c>" { #expect(try await browser.get("/admin/jobs").text.contains(path + "/resume")) }
        #expect(try await browser.post(path + "/resume", ["csrf": token]).location == "/admin/jobs?notice=resumedNow")
        #expect(try await browser.broker.holds().isEmpty)
    }

    @Test("the doctor's page says what it found, and repairs on request")
    func doctor() async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        #expect(try await browser.get("/admin/jobs/doctor").text.contains("Everything is in order."))
        try await setAside("bad-1", on: .quarantine, browser)
        let page = try await browser.get("/admin/jobs/doctor")
        #expect(page.text.contains("Not everything is in order.") && page.text.contains("<code>quarantine</code>"))
        #expect(try await browser.post("/admin/jobs/doctor/repair", ["csrf": token]).location == "/admin/jobs/doctor?notice=done")
    }

    // MARK: Who may

    @Test("a viewer sees everything and changes nothing, by no address")
    func viewer() async throws {
        let browser = try Browser()
        let token = try await browser.signIn("vic")
        try await setAside("dead-1", browser)
        let story = try await browser.get("/admin/jobs/job/dead-1")
        #expect(story.status == 200 && !story.text.contains("/requeue") && !story.text.contains("/discard"))
        #expect(try await !browser.get("/admin/jobs").text.contains("/pause"))
        for path in ["job/dead-1/edit", "job/dead-1/cancel", "shelf/dead/discard", "queue/checks/pause"] {
            #expect(try await browser.get("/admin/jobs/" + path).status == 403, "\(path)")
        }
        let changes = [
            "job/dead-1/edit", "job/dead-1/cancel", "job/dead-1/requeue", "job/dead-1/discard", "shelf/dead/requeue", "shelf/dead/discard",
            "queue/checks/pause",
            "queue/checks/resume", "name/t/pause", "doctor/repair",
        ]
        for path in changes { #expect(try await browser.post("/admin/jobs/" + path, ["csrf": token]).status == 403, "\(path)") }
        #expect(try await browser.broker.record("dead-1", in: .dead) != nil)
        #expect(try await browser.broker.holds().isEmpty)
    }

    @Test(
        "addresses that are none are no pages",
        arguments: ["jobs/x", "jobs/job/a/b", "jobs/shelf/none/requeue", "jobs/shelf/dead/x", "jobs/host/a/pause", "jobs/a/b/c/d"])
    func addresses(_ path: String) async throws {
        let browser = try Browser()
        let token = try await browser.signIn()
        #expect(try await browser.get("/admin/" + path).status == 404)
        #expect(try await browser.post("/admin/" + path, ["csrf": token]).status == 404)
    }

    @Test("a queue's length counts as unchanged for half a minute, and is not known after that")
    func lengths() {
        let slots = (0..<8).map { number in
            HistorySlot(
                begin: Timestamp(microseconds: Int64(number) * 10_000_000), length: .seconds(10),
                lengths: number == 1 ? ["checks": 4] : number == 7 ? ["checks": 6] : [:])
        }
        let json = ChartSeries(slots, ChartFilter()).json
        #expect(json["lengths"]?[0]?["values"] == [nil, 4, 4, 4, 4, nil, nil, 6])
    }

    // MARK: Words

    @Test("every word of the templates is there in both languages")
    func words() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Sources/PriceWatch/PriceWatchAdmin/Templates")
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: /\{\{t\.(\w+)\}\}/) {
                #expect(Texts.words[String(match.1)] != nil, "\(match.1) of \(file.lastPathComponent) has no words")
            }
        }
    }

    @Test("numbers, rates and times are written as people of the language read them")
    func numbers() {
        let english = LiveWords(language: .english)
        let russian = LiveWords(language: .russian)
        #expect(english.count(1_234_567) == "1,234,567" && russian.count(1_234_567) == "1\u{A0}234\u{A0}567" && english.count(999) == "999")
        #expect(english.rate(0.5) == "30/min" && russian.rate(2.25) == "2,3/с" && english.rate(nil) == "–" && english.rate(0) == "0")
        #expect(english.duration(.microseconds(200)) == "<1\u{A0}ms" && english.duration(.milliseconds(250)) == "250\u{A0}ms")
        #expect(english.duration(.milliseconds(1500)) == "1.5\u{A0}s" && russian.duration(.seconds(600)) == "10\u{A0}мин")
        let now = Timestamp(seconds: 1_000_000)
        #expect(english.distance(now + .seconds(-7) + .milliseconds(-900), at: now) == "7\u{A0}s ago" && russian.distance(now, at: now) == "сейчас")
        #expect(english.distance(now + .minutes(5), at: now) == "in 5\u{A0}min")
        #expect(english.percent(1, of: 3) == "33.3%" && english.percent(1, of: 100_000) == "<0.1%" && english.percent(0, of: 0) == "–")
        #expect(JSONValue.object(["b": [1, "x"], "a": [:]]).pretty == "{\n  \"a\": {},\n  \"b\": [\n    1,\n    \"x\"\n  ]\n}")
    }
}

extension BodyCollector {
    /// Waits until what has come is as it should be.
    func eventually(_ what: Comment, _ condition: (String) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition(text) {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

extension BrokerSession {
    fileprivate func closeQuietly() async { try? await close() }
}
