import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumInspect

@Suite("A list", .serialized)
struct ListTests {
    @Test("of jobs is filtered by state, name and queue, and goes on at its cursor", arguments: Kind.available)
    func jobs(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...4 { try await ground.client.enqueue(task: "shop.add", args: [.int(Int64(number))], .id("job-number-\(number)")) }
            try await ground.client.enqueue(task: "other.add", .on(queue: "second").id("job-other"))
            try await ground.client.enqueue(task: "shop.add", .after(.hours(1)).id("job-later"))
            var query = JobQuery()
            let all = try await ground.inspector.jobs(query)
            #expect(all.rows.map(\.id) == ["job-number-1", "job-number-2", "job-number-3", "job-number-4", "job-other", "job-later"])
            #expect(all.next == nil && all.looked == 6)
            #expect(all.rows[0].arguments == "[1] {}" && all.rows[0].sentAt != nil)
            #expect(all.rows[5].place == .scheduled && all.rows[5].at != nil)
            query.name = "shop.*"
            query.states = [.ready]
            query.limit = 3
            let first = try await ground.inspector.jobs(query)
            #expect(first.rows.map(\.id) == ["job-number-1", "job-number-2", "job-number-3"])
            query.cursor = try JobCursor(text: try #require(first.next).text)
            let second = try await ground.inspector.jobs(query)
            #expect(second.rows.map(\.id) == ["job-number-4"] && second.next == nil)
            query = JobQuery()
            query.queue = "second"
            #expect(try await ground.inspector.jobs(query).rows.map(\.id) == ["job-other"])
            query = JobQuery()
            query.olderThan = .hours(1)
            #expect(try await ground.inspector.jobs(query).rows.isEmpty)
            #expect(try await ground.inspector.allJobs(JobQuery()).rows.count == 6)
        }
    }

    @Test("of jobs looks at no more than its depth, and says where to go on", arguments: Kind.available)
    func depth(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...5 { try await ground.client.enqueue(task: number == 5 ? "shop.last" : "shop.add", .id("job-number-\(number)")) }
            var near = ground.inspector
            near.depth = 3
            var query = JobQuery()
            query.name = "shop.last"
            let first = try await near.jobs(query)
            #expect(first.rows.isEmpty && first.looked == 3)
            #expect(first.next != nil)
            query.cursor = first.next
            #expect(try await near.jobs(query).rows.map(\.id) == ["job-number-5"])
            #expect(try await near.allJobs(query).rows.map(\.id) == ["job-number-5"], "all pages are gone through")
        }
    }

    @Test("of all jobs that says that there are more goes on where it ended", arguments: Kind.available)
    func more(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...3 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            let first = try await ground.inspector.allJobs(JobQuery(), most: 2)
            #expect(first.rows.map(\.id) == ["job-number-1", "job-number-2"])
            var query = JobQuery()
            let next = try #require(first.next, "there is a third one")
            query.cursor = next
            let second = try await ground.inspector.allJobs(query, most: 2)
            #expect(second.rows.map(\.id) == ["job-number-3"] && second.next == nil)
        }
    }

    @Test("of what is held back goes on behind its depth, target by target", arguments: Kind.available)
    func heldPages(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            var near = ground.inspector
            near.depth = 2
            for name in ["shop.add", "shop.total"] { try await ground.client.pause(.job(name)) }
            try await ground.working {
                let ids = ["job-add-1", "job-add-2", "job-add-3", "job-total-1"]
                for id in ids {
                    try await ground.client.enqueue(task: id.hasPrefix("job-add") ? "shop.add" : "shop.total", .id(id))
                    _ = try await ground.standing(id, "held")
                }
                var query = JobQuery()
                query.states = [.held]
                let first = try await near.jobs(query)
                #expect(first.rows.map(\.id) == ["job-add-1", "job-add-2"])
                query.cursor = try JobCursor(text: try #require(first.next, "there are more").text)
                let second = try await near.jobs(query)
                #expect(second.rows.map(\.id) == ["job-add-3", "job-total-1"] && second.next == nil, "\(second.rows.map(\.id))")
                #expect(try await near.allJobs(JobQuery()).rows.map(\.id) == ids, "whoever does something with all of them gets all of them")
            }
        }
    }

    @Test("of shelves is made by the jobs that a worker set aside", arguments: Kind.available)
    func shelves(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.fail", .id("job-bad"))
                try await ground.client.enqueue(task: "shop.unheard", .id("job-unheard"))
                _ = try await ground.standing("job-bad", "dead")
                _ = try await ground.standing("job-unheard", "parked")
                var query = JobQuery()
                query.states = [.dead, .parked]
                let rows = try await ground.inspector.jobs(query).rows
                #expect(rows.map(\.id) == ["job-bad", "job-unheard"] && rows.map(\.place) == [.dead, .parked])
                #expect(rows[0].reason == "ValueError: no" && rows[0].task == "shop.fail")
                query.youngerThan = .hours(1)
                #expect(try await ground.inspector.jobs(query).rows.count == 2)
                query.olderThan = .minutes(30)
                #expect(try await ground.inspector.jobs(query).rows.isEmpty)
            }
        }
    }

    @Test("of workers shows who runs, what they hold, and that they renew", arguments: Kind.available)
    func workers(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            #expect(try await ground.inspector.workers().isEmpty)
            try await ground.working(queues: ["celery", "second"]) {
                try await ground.client.enqueue(task: "shop.hold", .id("job-held"))
                try await ground.gate.reached("job-held")
                let workers = try await ground.inspector.workers()
                let worker = try #require(workers.first)
                #expect(workers.count == 1 && worker.worker.name == "shop@test" && worker.worker.host == "test" && worker.isRenewing)
                #expect(worker.worker.queues == ["celery", "second"] && worker.worker.jobs.contains("shop.hold"))
                #expect(worker.inFlight.map(\.id) == ["job-held"])
                #expect(try await ground.inspector.workers(named: String(worker.worker.incarnation.prefix(8))).count == 1)
                #expect(try await ground.inspector.workers(named: "nobody").isEmpty)
            }
        }
    }

    @Test("of queues tells since when the next one waits, if its sender says when it sent it", arguments: Kind.available)
    func queues(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.enqueue(task: "shop.add", .id("job-ours"))
            let reports = try await ground.inspector.queues(["celery", "empty"])
            #expect(reports.map(\.queue) == ["celery", "empty"] && reports.map(\.length) == [1, 0])
            let age = try #require(reports[0].oldest)
            #expect(age >= .zero && age < .seconds(60))
            #expect(reports[1].oldest == nil && reports[0].workers.isEmpty)
            #expect(reports[1].json["oldest_seconds"] == .null)
            #expect(try await ground.inspector.queues().map(\.queue).contains("celery"))
        }
    }

    @Test("tells no age of a message whose tag has no time in it")
    func foreignTag() {
        var message = Message(headers: Message.Headers(task: "shop.add", id: "job-foreign"), body: TaskArguments().encodedBody())
        #expect(message.sentAt == nil)
        // Versions 4 and 7 of RFC 9562's examples.
        message.properties.deliveryTag = "919108f7-52d1-4320-9bac-f847db4148a8"
        #expect(message.sentAt == nil)
        message.properties.deliveryTag = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
        #expect(message.sentAt == Timestamp(iso8601: "2022-02-22T19:22:22Z"))
    }

    @Test("goes on at no cursor that is none", arguments: ["", "ready", "ready:-1:q", "nowhere:0:q", "ready:x:q", "dead:9223372036854775807:"])
    func cursor(_ text: String) {
        #expect(throws: ApiumError.self) { try JobCursor(text: text) }
    }

    @Test("what Redis holds back of a paused queue, outside its list, stands beside the queue's length", .enabled(if: Kind.url != nil))
    func held() async throws {
        try await Ground.with(.redis) { ground in
            try await ground.working {
                _ = try await ground.client.pause(.queue("celery"))
                try await ground.client.enqueue(task: "shop.add", .id("job-held"))
                _ = try await ground.standing("job-held", "held")
                let report = try #require(try await ground.inspector.queues(["celery"]).first)
                #expect(report.length == 0 && report.held == 1 && report.json["held"] == 1)
            }
        }
    }
}
