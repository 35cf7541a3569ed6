import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumInspect

@Suite("A desk of jobs", .serialized)
struct JobDeskTests {
    private static func row(_ id: String, _ ground: Ground) async throws -> JobRow {
        try #require(try await JobDesk(ground.inspector).find([id]).first, "\(id) is nowhere")
    }

    @Test("finds jobs by their ids wherever they are, in the order in which they are named", arguments: Kind.available)
    func find(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.hold", .id("job-running"))
                try await ground.gate.reached("job-running")
                try await ground.client.enqueue(task: "shop.fail", .id("job-dead"))
                _ = try await ground.standing("job-dead", "dead")
                try await ground.client.enqueue(task: "shop.add", .after(.hours(1)).id("job-later"))
                try await ground.client.enqueue(task: "shop.add", .on(queue: "other").id("job-ready"))
                let rows = try await JobDesk(ground.inspector).find(["job-ready", "job-dead", "job-nowhere", "job-running", "job-later"])
                #expect(rows.map(\.id) == ["job-ready", "job-dead", "job-running", "job-later"])
                #expect(rows.map(\.place) == [.ready, .dead, .inFlight, .scheduled])
                #expect(try await JobDesk(ground.inspector).delete(rows[2]) == .refused(.running))
                #expect(try await JobDesk(ground.inspector).retry(rows[0]) == .refused(.waiting))
                #expect(try await JobDesk(ground.inspector).retry(rows[3]) == .refused(.waiting), "it has not failed")
            }
        }
    }

    @Test("says of a search where there is more than it looked at", arguments: Kind.available)
    func unseen(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            var near = ground.inspector
            near.depth = 1
            for number in 1...2 {
                try await ground.client.enqueue(task: "shop.add", .id("job-ready-\(number)"))
                try await ground.client.enqueue(task: "shop.add", .after(.hours(Int64(number))).id("job-later-\(number)"))
            }
            let sighting = try await JobDesk(near).search(for: ["job-ready-2", "job-later-1"])
            #expect(sighting.rows.map(\.id) == ["job-later-1"])
            #expect(
                sighting.unseen == [
                    QueueSight(place: .scheduled, length: 2, looked: 1), QueueSight(place: .ready("celery"), length: 2, looked: 1),
                ], "\(sighting.unseen)")
            #expect(sighting.unseen.text(in: .english) == "what waits for its time (behind more than 1, of 2), queue celery (behind more than 1, of 2)")
            #expect(try await JobDesk(ground.inspector).search(for: ["job-ready-2"]).unseen.isEmpty)
        }
    }

    @Test("retries a dead job with other arguments and all its attempts", arguments: Kind.available)
    func retryDead(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.fail", args: [1], .id("job-dead"))
                _ = try await ground.standing("job-dead", "dead")
            }
            let dead = try await Self.row("job-dead", ground)
            #expect(try await JobDesk(ground.inspector).retry(dead) { $0.args = [2, 3] } == .done)
            let ready = try await Self.row("job-dead", ground)
            let message = try Message(decoding: ready.payload)
            #expect(ready.place == .ready && message.headers.retries == 0)
            #expect(try message.arguments().args == [2, 3])
            #expect(try await JobDesk(ground.inspector).retry(dead) == .movedOn, "it is on the shelf no more")
        }
    }

    @Test("retries a job that waits for its retry at once", arguments: Kind.available)
    func retryWaiting(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.later", .id("job-retried"))
                _ = try await ground.standing("job-retried", "retry")
            }
            let waiting = try await Self.row("job-retried", ground)
            #expect(waiting.retries == 1)
            #expect(try await JobDesk(ground.inspector).retry(waiting) == .done)
            let ready = try await Self.row("job-retried", ground)
            #expect(ready.place == .ready && ready.retries == 0)
            #expect(try Message(decoding: ready.payload).headers.eta == nil, "a worker would let it wait again")
            #expect(try await ground.client.broker.scheduledCount() == 0)
        }
    }

    @Test("requeues a scheduled job at once, and a ready one to another queue", arguments: Kind.available)
    func requeue(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            let desk = JobDesk(ground.inspector)
            try await ground.client.enqueue(task: "shop.add", .after(.hours(1)).id("job-later"))
            #expect(try await desk.requeue(try await Self.row("job-later", ground)) == .done)
            let ready = try await Self.row("job-later", ground)
            #expect(ready.place == .ready && ready.queue == "celery")
            #expect(try await desk.requeue(ready, to: "second") == .done)
            let moved = try await Self.row("job-later", ground)
            #expect(moved.queue == "second")
            #expect(try Message(decoding: moved.payload).properties.routingKey == "second")
            #expect(try await desk.requeue(ready, to: "third") == .movedOn, "it is not there any more")
        }
    }

    @Test("edits a job where it waits, and moves it where it belongs then", arguments: Kind.available)
    func edit(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            let desk = JobDesk(ground.inspector)
            for id in ["job-a", "job-b", "job-c"] { try await ground.client.enqueue(task: "shop.add", args: [1], .id(id)) }
            #expect(try await desk.edit(try await Self.row("job-b", ground)) { $0.kwargs["x"] = 7 } == .done)
            let rows = try await ground.inspector.jobs(JobQuery()).rows
            #expect(rows.map(\.id) == ["job-a", "job-b", "job-c"], "it keeps its place")
            #expect(try Message(decoding: rows[1].payload).arguments().kwargs == ["x": 7])
            #expect(try Message(decoding: rows[1].payload).headers.kwargsRepr == "{'x': 7}")
            #expect(try await desk.edit(rows[0]) { $0.priority = 9 } == .done)
            #expect(try await ground.inspector.jobs(JobQuery()).rows.map(\.id) == ["job-b", "job-c", "job-a"])
            let due = try await ground.client.broker.serverTime() + .hours(1)
            #expect(try await desk.edit(try await Self.row("job-c", ground)) { $0.eta = due } == .done)
            let later = try await Self.row("job-c", ground)
            #expect(later.place == .scheduled && later.at == due, "\(later.place) \(String(describing: later.at))")
            #expect(try await desk.edit(later) { $0.args = [5] } == .done)
            let edited = try await Self.row("job-c", ground)
            #expect(edited.at == due, "what is edited otherwise waits as long")
            #expect(try await desk.edit(edited) { $0.eta = nil } == .done)
            #expect(try await Self.row("job-c", ground).place == .ready)
            let c = try await Self.row("job-c", ground)
            await #expect(throws: ApiumError.self) { try await desk.edit(c) { $0.priority = 10 } }
            #expect(try await Self.row("job-c", ground).payload == c.payload, "a refused edit changes nothing")
        }
    }

    @Test("edits what a pause holds back, and it is asked anew", arguments: Kind.available)
    func editHeld(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            let desk = JobDesk(ground.inspector)
            try await ground.client.pause(.job("shop.total"))
            try await ground.working {
                try await ground.client.enqueue(task: "shop.total", .id("job-held"))
                _ = try await ground.standing("job-held", "held")
                #expect(try await desk.edit(try await Self.row("job-held", ground)) { $0.args = [9] } == .done)
                let held = try await ground.standing("job-held", "held")
                #expect(try held.message?.arguments().args == [9])
                #expect(try await desk.delete(try await Self.row("job-held", ground)) == .done)
                #expect(try await desk.find(["job-held"]).isEmpty)
            }
        }
    }

    @Test("deletes what waits and what was set aside", arguments: Kind.available)
    func delete(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            let desk = JobDesk(ground.inspector)
            try await ground.working {
                try await ground.client.enqueue(task: "shop.fail", .id("job-dead"))
                _ = try await ground.standing("job-dead", "dead")
            }
            try await ground.client.enqueue(task: "shop.add", .id("job-ready"))
            try await ground.client.enqueue(task: "shop.add", .after(.hours(1)).id("job-later"))
            for row in try await desk.find(["job-dead", "job-ready", "job-later"]) { #expect(try await desk.delete(row) == .done) }
            #expect(try await desk.find(["job-dead", "job-ready", "job-later"]).isEmpty)
        }
    }

    @Test("leaves what cannot be read to be requeued or deleted", arguments: Kind.available)
    func unreadable(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            let desk = JobDesk(ground.inspector)
            var message = Message(headers: Message.Headers(task: "shop.add", id: "job-broken"), body: Message.Body(bytes: Array("no list".utf8)))
            message.properties.routingKey = "celery"
            try await ground.client.broker.enqueue([Outgoing(message, to: "celery")])
            let row = try await Self.row("job-broken", ground)
            #expect(try await desk.edit(row) { $0.args = [] } == .refused(.unreadable))
            #expect(try await desk.delete(row) == .done)
        }
    }

    @Test("of edits takes what the form of a job allows, and says what is wrong with the rest")
    func form() throws {
        let message = Message(headers: Message.Headers(task: "shop.add", id: "job"), body: TaskArguments(args: [1]).encodedBody())
        let payload = message.encoded()
        var job = try EditableJob(payload, queue: "celery")
        try job.apply(["args": [2], "kwargs": ["x": 1], "eta": "2030-01-01T00:00:00Z", "priority": 3, "time_limit": 2.5, "ignore_result": true])
        #expect(job.args == [2] && job.kwargs == ["x": 1] && job.priority == 3 && job.timeLimit == .seconds(2.5) && job.ignoreResult == true)
        #expect(job.eta == Timestamp(iso8601: "2030-01-01T00:00:00Z"))
        let before = job
        for wrong in [
            "{\"args\": {}}", "{\"eta\": \"soon\"}", "{\"priority\": 1.5}", "{\"colour\": 1}", "[]", "{\"retries\": 5, \"queue\": 7}", "{\"time_limit\": -1}",
        ] {
            let error = #expect(throws: ApiumError.self) { try job.apply(try JSONValue(parsing: wrong)) }
            #expect(error?.code == .badArguments)
        }
        #expect(job == before, "a refused edit changes nothing")
        var same = try EditableJob(payload, queue: "celery")
        try same.apply(same.json)
        #expect(try same.message(from: payload, of: "celery").encoded() == payload, "what is saved unchanged changes nothing")
    }
}
