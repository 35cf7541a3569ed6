import ApiumCore
import ApiumWorker
import DynamicJSON
import Testing

@testable import ApiumInspect

/// What an explanation has to be asked, watched or worked out for.
@Suite("An explanation's numbers", .serialized)
struct AnswerTests {
    @Test("estimate the start of a job from its position and how fast it comes nearer", arguments: Kind.available)
    func estimatedStart(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...50 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            let session = try await ground.client.broker.openSession(WorkerIdentity(name: "shop@test", pid: 1, queues: ["celery"], jobs: ["shop.add"]))
            var inspector = ground.inspector
            // Ten jobs go while it is watched.
            inspector.pause = { _ in _ = try await session.claim(limit: 10) }
            let explanation = try await inspector.explain("job-number-50")
            guard case .ready(let place) = explanation.standing else { throw Unexpected(explanation) }
            let approach = try #require(place.approach, "\(explanation)")
            #expect(place.position == 49 && approach > 0, "\(place)")
            let start = try #require(place.estimatedStart(at: explanation.at))
            #expect(abs((start - explanation.at).inSeconds - 49 / approach) < 0.01)
            #expect(explanation.text(in: .english).contains("begins about"))
            #expect(explanation.text(in: .russian).contains("начнётся примерно"))
            #expect(explanation.json["standing"]?["estimated_start"]?.stringValue == start.iso8601)
            try await session.close()
        }
    }

    @Test("estimate the start from what workers counted, without watching", arguments: Kind.available)
    func countedStart(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...5 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            let session = try await ground.client.broker.openSession(WorkerIdentity(name: "shop@test", pid: 1, queues: ["celery"], jobs: ["shop.add"]))
            let counts = [HistoryKey(queue: "celery", task: "shop.add"): JobCounts(values: [12])]
            try await ground.client.broker.record(HistoryReport(source: "process", number: 1, counts: counts, queues: ["celery"]))
            var inspector = ground.inspector
            inspector.watch = .zero
            let explanation = try await inspector.explain("job-number-5")
            guard case .ready(let place) = explanation.standing else { throw Unexpected(explanation) }
            // Twelve in a minute at least, and not more than the slot under way has lasted.
            let approach = try #require(place.approach, "\(explanation)")
            #expect(approach >= 12.0 / 70, "\(approach)")
            #expect(place.position == 4 && place.estimatedStart(at: explanation.at) != nil)
            try await session.close()
        }
    }

    @Test("say nothing of the start of a job that nobody comes nearer to", arguments: Kind.available)
    func noStart(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...3 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            let explanation = try await ground.inspector.explain("job-number-3")
            guard case .ready(let place) = explanation.standing else { throw Unexpected(explanation) }
            #expect(place.approach == nil && place.estimatedStart(at: explanation.at) == nil)
        }
    }

    @Test("tell until when a limit holds a job back, and which", arguments: Kind.available)
    func limited(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.setLimit(.rate(.perHour(2)), on: .eachKey("host"))
            try await ground.working {
                let key = LimitKey("host", "shop.example")
                for number in 0...2 { try await ground.client.enqueue(task: "shop.total", .id("job-number-\(number)").limited(by: key)) }
                let second = try await ground.standing("job-number-2", "held")
                guard case .held(let place) = second.standing else { return }
                #expect(place.target == .key(key) && place.position == 1 && place.limit == .rate(.perHour(2)) && place.pausedSince == nil, "\(place)")
                let wait = try #require(place.notBefore) - second.at
                #expect(wait > .minutes(55) && wait <= .minutes(61), "one is before it, and one begins each half an hour: \(wait)")
                let text = second.text(in: .english)
                #expect(
                    text.contains("held back by key:host=shop.example, 1 before it") && text.contains("limit 2/h") && text.contains("not before"), "\(text)")
                #expect(second.text(in: .russian).contains("не раньше"))
                #expect(second.json["standing"]?["not_before"]?.stringValue != nil)
            }
        }
    }

    @Test("tell which retry of how many it is", arguments: Kind.available)
    func retries(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.later", .id("job-retried"))
                let explanation = try await ground.standing("job-retried", "retry")
                guard case .scheduled(let place) = explanation.standing else { return }
                #expect(place.retryLimit == 3, "Celery's default: \(explanation)")
                #expect(explanation.text(in: .english).contains("retry 1 of 3 at "), "\(explanation.text(in: .english))")
                #expect(explanation.text(in: .russian).contains("повтор 1 из 3"))
            }
        }
    }

    @Test("know how many retries a policy grants")
    func policies() {
        #expect(JobOptions().mostRetries == 3)
        #expect(JobOptions(maxRetries: nil).mostRetries == nil)
        #expect(JobOptions(retry: .fixed(attempts: 5, delay: .zero)).mostRetries == 4)
        #expect(JobOptions(retry: .exponential(attempts: 2)).mostRetries == 1)
        #expect(JobOptions(retry: RetryPolicy { _ in .giveUp }).mostRetries == nil, "a policy of one's own does not say")
    }

    @Test("tell who revoked a job, and when", arguments: Kind.available)
    func revoked(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.enqueue(task: "shop.add", .id("job-revoked"))
            try await ground.client.revoke(["job-revoked"], by: "anna@desk")
            let explanation = try await ground.inspector.explain("job-revoked")
            #expect(explanation.revocation?.by == "anna@desk" && explanation.obstacles.contains(.revoked))
            #expect(explanation.text(in: .english).contains("revoked by anna@desk, "), "\(explanation.text(in: .english))")
            #expect(explanation.text(in: .russian).contains("отменена: anna@desk, "))
            #expect(explanation.json["revocation"]?["by"] == "anna@desk")
        }
    }

    @Test("tell until when the lease of a running job lasts", arguments: Kind.available)
    func lease(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.hold", .id("job-running"))
                try await ground.gate.reached("job-running")
                let explanation = try await ground.inspector.explain("job-running")
                guard case .inFlight(let place) = explanation.standing else { throw Unexpected(explanation) }
                let until = try #require(place.leaseUntil)
                #expect(until > explanation.at)
                #expect(explanation.text(in: .english).contains("lease renewed until \(until.iso8601)"))
            }
        }
    }

    @Test("of queues are what came and left between two looks")
    func rates() {
        let look = QueueLook(length: 10, last: "job")
        #expect(QueueRates(look, length: 12, position: 4, in: .seconds(2)) == QueueRates(incoming: 3.5, outgoing: 2.5, isAtLeast: false))
        #expect(QueueRates(look, length: 3, position: nil, in: .seconds(1)) == QueueRates(incoming: 3, outgoing: 10, isAtLeast: true))
        #expect(QueueRates(QueueLook(length: 0), length: 0, position: nil, in: .seconds(1)) == QueueRates(incoming: 0, outgoing: 0, isAtLeast: false))
        // Something more urgent came before it: it is further back than it was.
        #expect(QueueRates(look, length: 12, position: 11, in: .seconds(1)) == QueueRates(incoming: 2, outgoing: 0, isAtLeast: false))
        #expect(QueueRates(incoming: 2.25, outgoing: 1234.5, isAtLeast: true).texts == ("≥ 2.3/s", "≥ 1235/s"))
    }

    @Test("of queues are measured on a broker, with what is paused and limited", arguments: Kind.available)
    func measured(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...20 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            try await ground.client.setLimit(.concurrency(3), on: .queue("celery"))
            try await ground.client.pause(.queue("second"))
            let reports = try await ground.inspector.queues(["celery", "second"], watching: .milliseconds(50))
            #expect(reports[0].rates == QueueRates(incoming: 0, outgoing: 0, isAtLeast: false), "nothing moves: \(reports[0])")
            #expect(reports[0].limit == .concurrency(3) && reports[0].running == 0 && reports[0].pausedSince == nil)
            #expect(reports[1].pausedSince != nil && reports[1].limit == nil)
            #expect(reports[0].json["limit"] == "3 at once" && reports[0].json["out_per_second"] == 0.0)
            #expect(try await ground.inspector.queues(["celery"])[0].rates == nil, "no worker has counted anything")
            // Twelve jobs went in the slot under way, which has lasted for ten seconds at most.
            let counts = [HistoryKey(queue: "celery", task: "shop.add"): JobCounts(values: [12])]
            try await ground.client.broker.record(HistoryReport(source: "process", number: 1, counts: counts, queues: ["celery"]))
            let rates = try #require(try await ground.inspector.queues(["celery"])[0].rates)
            #expect(rates.outgoing > 0 && rates.incoming == nil && rates.texts.incoming == "–", "\(rates)")
        }
    }

    @Test("list the jobs of a limit key", arguments: Kind.available)
    func keys(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for host in ["a.example", "b.example"] { try await ground.client.enqueue(task: "shop.add", .id("job-\(host)").limited(by: LimitKey("host", host))) }
            try await ground.client.enqueue(task: "shop.add", .id("job-free"))
            var query = JobQuery()
            query.key = JobQuery.KeyFilter("host")
            #expect(try await ground.inspector.jobs(query).rows.map(\.id) == ["job-a.example", "job-b.example"])
            query.key = JobQuery.KeyFilter("host", "b.example")
            #expect(try await ground.inspector.jobs(query).rows.map(\.id) == ["job-b.example"])
        }
    }
}

@Suite("A desk of workers", .serialized)
struct WorkerDeskTests {
    @Test("pings, scales and drains a worker, and ends it", arguments: Kind.available)
    func steer(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            let desk = WorkerDesk(ground.inspector, patience: .seconds(10))
            try await ground.working(concurrency: 2) {
                try await ground.client.enqueue(task: "shop.hold", .id("job-held"))
                try await ground.gate.reached("job-held")
                #expect(try await desk.ping(["shop@test"]) == ["shop@test"])
                #expect(try await desk.slots(["shop@test"]) == ["shop@test": 2])
                #expect(try await desk.resize(["shop@test"], by: 3).map(\.isRefusal) == [false])
                #expect(try await desk.slots(["shop@test"]) == ["shop@test": 5])
                #expect(try await desk.resize(["shop@test"], by: -5).map(\.isRefusal) == [true], "one slot is left at least")
                try await desk.leaveQueues(["shop@test"])
                let end = ContinuousClock.now + .seconds(15)
                while try await desk.queues(["shop@test"]) != ["shop@test": []] { try #require(ContinuousClock.now < end, "it never left its queue") }
                try await ground.client.enqueue(task: "shop.add", .id("job-later"))
                #expect(try await desk.held(["shop@test"]) == ["shop@test": ["job-held"]])
                #expect(try await ground.inspector.explain("job-later").standing.kind == "ready", "it claims no more")
                ground.gate.open()
                _ = try await ground.standing("job-held", "ended")
                while try await desk.held(["shop@test"]) != ["shop@test": []] { try #require(ContinuousClock.now < end, "it never became idle") }
            }
        }
    }

    @Test("says once why a job failed that was set aside, and once that it is stored", arguments: Kind.available)
    func once(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.fail", .id("job-bad"))
                let explanation = try await ground.standing("job-bad", "dead")
                #expect(explanation.others.map(\.kind) == ["ended"])
                let text = explanation.text(in: .english)
                #expect(text.ranges(of: "ValueError").count == 1, "\(text)")
                #expect(text.contains("also: ended as FAILURE"), "\(text)")
                #expect(explanation.json["others"]?[0]?["error"]?.stringValue?.contains("ValueError") == true, "programs are told all")
            }
        }
    }
}
