import ApiumCore
import DynamicJSON
import PriceWatchJobs
import PriceWatchModel
import Testing

@testable import PriceWatchAPI

@Suite("Operations", .timeLimit(.minutes(1)))
struct OperationTests {
    @Test("products are listed in pages, searched, read with their prices")
    func products() async throws {
        let bench = Bench()
        for id in 1...3 { bench.world.addProduct(Int64(id), name: "Lamp \(id)") }
        let first = try await bench.send(.get, "/api/v1/products?limit=2").json
        #expect(first["products"]?.arrayValue?.count == 2 && first["next_cursor"] == 2)
        let second = try await bench.send(.get, "/api/v1/products?limit=2&cursor=2").json
        #expect(second["products"]?[0]?["id"] == 3 && second["next_cursor"] == nil)
        #expect(try await bench.send(.get, "/api/v1/products?search=lamp%202").json["products"]?.arrayValue?.count == 1)
        #expect(try await bench.send(.get, "/api/v1/products?search=").json["products"]?.arrayValue?.count == 3)
        #expect(try await bench.send(.get, "/api/v1/products/2").json["price"]?["minor_units"] == 129_900)
        #expect(try await bench.send(.get, "/api/v1/products/9").code == "not_found")
        #expect(try await bench.send(.get, "/api/v1/products/2/history?limit=1").json["points"]?.arrayValue?.count == 1)
        #expect(try await bench.send(.get, "/api/v1/products/9/history").code == "not_found")
    }

    @Test("a token of one chat sees its own, and of others' not even that they are there")
    func chats() async throws {
        let bench = Bench()
        bench.world.addProduct(1, name: "mine", followedBy: [77])
        let others = bench.world.addProduct(2, name: "theirs", followedBy: [78])[0]
        let token = bench.token([.read, .write], chat: 77)
        #expect(try await bench.send(.get, "/api/v1/products", token: token).json["products"]?.arrayValue?.count == 1)
        #expect(try await bench.send(.get, "/api/v1/products/1", token: token).status == 200)
        for path in ["/api/v1/products/2", "/api/v1/products/2/history", "/api/v1/watches?chat_id=78"] {
            #expect(try await bench.send(.get, path, token: token).code == "not_found", "\(path)")
        }
        #expect(try await bench.send(.post, "/api/v1/watches", token: token, json: ["chat_id": 78, "link": "x"]).code == "not_found")
        #expect(try await bench.send(.delete, "/api/v1/watches/\(others)?chat_id=78", token: token).code == "not_found")
        #expect(try await bench.send(.delete, "/api/v1/watches/\(others)?chat_id=77", token: token).code == "not_found")
        #expect(try await bench.broker.queueLength("interactive") == 0)
    }

    @Test("a watch is a job: 202 with a link to ask for it, or its outcome when the asker waits")
    func watches() async throws {
        let bench = Bench()
        bench.world.change {
            $0.pages = [
                "a": .success(.sample("a")), "b": .success(.sample("b")), "c": .success(.sample("c")), "bad": .failure(.notAProduct),
                "down": .failure(.parserUnavailable),
            ]
        }
        let early = try await bench.send(.post, "/api/v1/watches", json: ["chat_id": 77, "link": "a"])
        #expect(early.status == 202)
        let path = try #require(early.header("Location"))
        #expect(try await bench.send(.get, path).json["state"] == "PENDING")
        try await bench.withWorker {
            #expect(try await bench.send(.get, path + "/result?wait=20").json["result"]?["outcome"] == "added")
            func add(_ link: String) async throws -> Reply {
                try await bench.send(.post, "/api/v1/watches", json: ["chat_id": 77, "link": .string(link)], headers: ["Prefer": "respond-async, wait=20"])
            }
            #expect(try await add("a").status == 200)
            #expect(try await add("b").status == 201)
            let full = try await add("c")
            #expect(full.status == 409 && full.code == "too_many_watches")
            let unreadable = try await add("bad")
            #expect(unreadable.status == 422 && unreadable.code == "unreadable_page" && unreadable.field == "link")
            #expect(try await add("down").status == 503)
            #expect(try await bench.send(.get, "/api/v1/watches?chat_id=77").json["watches"]?.arrayValue?.count == 2)
            #expect(try await bench.send(.delete, "/api/v1/watches/1?chat_id=77", headers: ["Prefer": "wait=20"]).status == 204)
            #expect(try await bench.send(.delete, "/api/v1/watches/1?chat_id=77", headers: ["Prefer": "wait=20"]).code == "not_found")
            #expect(try await bench.send(.delete, "/api/v1/watches/2?chat_id=77").status == 202)
        }
    }

    @Test("a preview asks the parser and stores nothing")
    func preview() async throws {
        let bench = Bench()
        bench.world.change { $0.pages = ["a": .success(.sample("a")), "down": .failure(.parserUnavailable)] }
        let page = try await bench.send(.post, "/api/v1/preview", json: ["link": "a"])
        #expect(page.status == 200 && page.json["price"] == ["minor_units": 5000, "currency": "EUR"])
        #expect(try await bench.send(.post, "/api/v1/preview", json: ["link": "gone"]).code == "unreadable_page")
        #expect(try await bench.send(.post, "/api/v1/preview", json: ["link": "down"]).code == "unavailable")
        #expect(bench.world.read { $0.products.isEmpty })
    }

    @Test("jobs are enqueued by name on their own queue, waited for, read and cancelled")
    func jobs() async throws {
        let bench = Bench()
        let early = try await bench.send(.post, "/api/v1/jobs", json: ["task": "pricewatch.check_due", "options": ["task_id": "mine", "priority": 3]])
        #expect(early.status == 202 && early.json["id"] == "mine" && early.header("Location") == "/api/v1/jobs/mine")
        #expect(try await bench.broker.queueLength("checks") == 1)
        #expect(try await bench.send(.delete, "/api/v1/jobs/mine").status == 202)
        try await bench.withWorker {
            #expect(try await bench.send(.get, "/api/v1/jobs/mine/result?wait=20").json["state"] == "REVOKED")
            let done = try await bench.send(.post, "/api/v1/jobs", json: ["task": "pricewatch.check_due"], headers: ["Prefer": "wait=20"])
            #expect(done.status == 200 && done.json["state"] == "SUCCESS" && done.json["result"] == 0)
            let failed = try await bench.send(.post, "/api/v1/jobs", json: ["task": "pricewatch.check_price", "args": [1, 2]], headers: ["Prefer": "wait=20"])
            #expect(failed.status == 200 && failed.json["state"] == "FAILURE" && failed.json["error"]?.stringValue?.hasPrefix("TypeError") == true)
            #expect(try await bench.send(.post, "/api/v1/jobs", json: ["task": "pricewatch.check_due", "options": ["task_id": "mine"]]).code == "conflict")
        }
    }

    @Test("every job of the worker may be enqueued by name, and no other")
    func catalogue() {
        var registry = JobRegistry()
        let world = World()
        registry.registerPriceWatchJobs(using: PriceWatchServices(store: FakeStore(world: world), parser: FakeParser(world: world)))
        #expect(JobCatalog.priceWatch.names == registry.names)
    }

    @Test("a job that is not allowed is 403, and an option out of bounds is 422")
    func refusedJobs() async throws {
        let bench = Bench()
        let token = bench.token([.jobs], jobs: ["pricewatch.check_due", "python.task"])
        func send(_ body: JSONValue, _ token: String = token) async throws -> Reply { try await bench.send(.post, "/api/v1/jobs", token: token, json: body) }
        #expect(try await send(["task": "pricewatch.check_due"]).status == 202)
        #expect(try await send(["task": "python.task"]).status == 202)
        #expect(try await bench.broker.queueLength("celery") == 1)
        #expect(try await send(["task": "pricewatch.add_product"]).code == "forbidden")
        #expect(try await send(["task": "python.task"], Bench.serviceToken).code == "forbidden")
        #expect(try await send(["task": "pricewatch.check_due", "options": ["task_id": "notify-1"]]).code == "forbidden")
        #expect(try await send(["task": "pricewatch.check_due", "options": ["queue": "no queue"]]).field == "options.queue")
        #expect(try await send(["task": "pricewatch.check_due", "options": ["countdown": -1]]).field == "options.countdown")
        #expect(try await send(["task": "pricewatch.check_due", "options": ["shell": "rm"]]).field == "options.shell")
        #expect(try await send(["task": "a b"]).field == "task")
    }

    @Test("a token of one chat may enqueue only for its chat, and read and cancel only its own jobs")
    func ownJobs() async throws {
        let bench = Bench()
        let (mine, theirs) = (
            bench.token([.jobs, .write], chat: 77, jobs: ["pricewatch.*"]), bench.token([.jobs, .write], chat: 78, jobs: ["pricewatch.*"])
        )
        func enqueue(_ kwargs: JSONValue, args: JSONValue = []) async throws -> Reply {
            try await bench.send(.post, "/api/v1/jobs", token: mine, json: ["task": "pricewatch.remove_watch", "kwargs": kwargs, "args": args])
        }
        #expect(try await enqueue(["chat_id": 78, "watch_id": 1]).code == "forbidden")
        #expect(try await enqueue(["watch_id": 1]).code == "forbidden")
        #expect(try await enqueue(["chat_id": 77, "watch_id": 1], args: [78]).code == "forbidden")
        let job = try await enqueue(["chat_id": 77, "watch_id": 1])
        let path = try #require(job.header("Location"))
        #expect(try await bench.send(.get, path, token: mine).status == 200)
        #expect(try await bench.send(.get, path, token: theirs).code == "not_found")
        #expect(try await bench.send(.delete, path, token: theirs).code == "not_found")
        #expect(try await bench.send(.get, "/api/v1/jobs/notify-1", token: mine).code == "not_found")
        #expect(try await bench.send(.get, "/api/v1/jobs/chat-00-00", token: mine).code == "not_found")
        #expect(try await bench.send(.get, path).status == 200)
        let watch = try await bench.send(.post, "/api/v1/watches", token: mine, json: ["chat_id": 77, "link": "x"])
        #expect(try await bench.send(.get, try #require(watch.header("Location")), token: mine).status == 200)
    }

    @Test(
        "Prefer's wait is read in all its spellings, and what is not understood is ignored",
        arguments: [
            (["wait=5"], 5), (["respond-async, wait=7"], 7), (["wait=\"3\""], 3), (["Wait = 4"], 4), (["wait=99"], 30), (["handling=lenient", "wait=2"], 2),
        ])
    func prefer(_ values: [String], _ seconds: Int) {
        #expect(PreferInput.wait(values) == .seconds(seconds))
    }

    @Test("a wait that is none waits for nothing")
    func noWait() {
        for value in ["", "wait", "wait=", "wait=x", "wait=-1", "await=5"] { #expect(PreferInput.wait([value]) == nil, "\(value)") }
    }
}
