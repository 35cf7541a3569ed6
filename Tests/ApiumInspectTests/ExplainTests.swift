import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumInspect

@Suite("An explanation", .serialized)
struct ExplainTests {
    @Test("of a waiting job tells its place in the queue, and that nobody serves it", arguments: Kind.available)
    func ready(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...3 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            let explanation = try await ground.inspector.explain("job-number-3")
            guard case .ready(let place) = explanation.standing else { throw Unexpected(explanation) }
            #expect(place.queue == "celery" && place.position == 2 && place.priority == 0)
            #expect(place.sentAt != nil, "our own messages say when they were sent")
            #expect(explanation.task == "shop.add")
            #expect(explanation.obstacles == [.queueNotServed("celery")])
            let text = explanation.text(in: .english)
            #expect(text.contains("ready: 2 before it in queue celery") && text.contains("no live worker of Apium serves queue celery"), "\(text)")
            #expect(explanation.text(in: .russian).contains("перед ней в очереди celery ещё 2"))
            #expect(explanation.json["standing"]?["position"] == 2 && explanation.json["obstacles"]?[0]?["kind"] == "queue-not-served")
        }
    }

    @Test("of a job in a queue nobody has declared finds it", arguments: Kind.available)
    func undeclared(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.enqueue(task: "shop.add", .on(queue: "nobodys").id("job-undeclared"))
            let explanation = try await ground.inspector.explain("job-undeclared")
            #expect(explanation.standing.kind == "ready" && explanation.obstacles == [.queueNotServed("nobodys")], "\(explanation)")
        }
    }

    @Test("of a running job names its worker, since when, and its lease", arguments: Kind.available)
    func running(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.hold", .id("job-running"))
                try await ground.gate.reached("job-running")
                let explanation = try await ground.inspector.explain("job-running")
                guard case .inFlight(let place) = explanation.standing else { throw Unexpected(explanation) }
                #expect(place.worker == "shop@test" && place.queue == "celery" && place.activity == .claimed && place.isRenewing == true)
                let since = try #require(place.since, "the worker says since when it runs the job")
                #expect(abs((Timestamp.now() - since).inSeconds) < 60)
                #expect(explanation.obstacles.isEmpty && explanation.text(in: .english).contains("runs on shop@test since"))
            }
        }
    }

    @Test("of a job behind a busy worker shows nothing in its way but its place", arguments: Kind.available)
    func behindABusyWorker(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working(concurrency: 1) {
                try await ground.client.enqueue(task: "shop.hold", .id("job-first"))
                try await ground.gate.reached("job-first")
                try await ground.client.enqueue(task: "shop.add", .id("job-second"))
                try await ground.client.enqueue(task: "shop.unheard", .id("job-third"))
                let second = try await ground.inspector.explain("job-second")
                #expect(second.standing.kind == "ready" && second.obstacles.isEmpty, "\(second)")
                let third = try await ground.inspector.explain("job-third")
                #expect(third.obstacles == [.nameNotKnown(task: "shop.unheard", queue: "celery")], "\(third)")
            }
        }
    }

    @Test("of a job that waits for its time tells when", arguments: Kind.available)
    func scheduled(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.enqueue(task: "shop.add", .after(.hours(2)).id("job-later"))
            let explanation = try await ground.inspector.explain("job-later")
            guard case .scheduled(let place) = explanation.standing else { throw Unexpected(explanation) }
            #expect(place.cause == .asked && place.queue == "celery")
            #expect(abs((place.due - explanation.at).inSeconds - 7200) < 60)
            #expect(explanation.text(in: .english).contains("(in 119 min)"), "\(explanation.text(in: .english))")
        }
    }

    @Test("of a job that is retried tells which retry and what went wrong", arguments: Kind.available)
    func retried(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.later", .id("job-retried"))
                let explanation = try await ground.standing("job-retried", "retry")
                guard case .scheduled(let place) = explanation.standing else { return }
                #expect(place.cause == .retry(number: 1, after: "OSError: not yet"), "\(explanation)")
                #expect(explanation.others.map(\.kind) == ["told"], "the stored RETRY is told beside it")
            }
        }
    }

    @Test("of a job that has ended tells how, and where a failed one is kept", arguments: Kind.available)
    func ended(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                try await ground.client.enqueue(task: "shop.add", args: [1, 2], .id("job-good"))
                try await ground.client.enqueue(task: "shop.fail", .id("job-bad"))
                try await ground.client.enqueue(task: "shop.unheard", .id("job-unheard"))
                let good = try await ground.standing("job-good", "ended")
                guard case .ended(let end) = good.standing else { return }
                #expect(end.state == .success && end.at != nil && good.others.isEmpty, "\(good)")
                let bad = try await ground.standing("job-bad", "dead")
                guard case .shelved(let place) = bad.standing else { return }
                #expect(place.reason == "ValueError: no" && place.attempts == 1 && bad.task == "shop.fail", "\(bad)")
                #expect(bad.others.map(\.kind) == ["ended"])
                let unheard = try await ground.standing("job-unheard", "parked")
                #expect(unheard.text(in: .english).contains("parked since"), "\(unheard.text(in: .english))")
            }
        }
    }

    @Test("of a revoked job says that it will not begin", arguments: Kind.available)
    func revoked(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.enqueue(task: "shop.add", .id("job-revoked"))
            try await ground.client.revoke("job-revoked", "job-unsent")
            let waiting = try await ground.inspector.explain("job-revoked")
            #expect(waiting.standing.kind == "ready" && waiting.obstacles.first == .revoked, "\(waiting)")
            #expect(try await ground.inspector.explain("job-unsent").standing == .revoked)
            try await ground.working {
                let end = try await ground.standing("job-revoked", "ended")
                guard case .ended(let document) = end.standing else { return }
                #expect(document.state == .revoked)
            }
        }
    }

    @Test("of a job whose time is over says that it is discarded", arguments: Kind.available)
    func expired(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.enqueue(task: "shop.add", .expiring(in: .milliseconds(1)).id("job-expired"))
            let end = ContinuousClock.now + .seconds(15)
            while try await !ground.inspector.explain("job-expired").obstacles.contains(where: { if case .expired = $0 { true } else { false } }) {
                try #require(ContinuousClock.now < end, "the job never expired")
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    @Test("of a job that a pause or a limit holds back names what holds it", arguments: Kind.available)
    func held(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.client.pause(.queue("celery"))
            try await ground.client.enqueue(task: "shop.add", .id("job-paused"))
            let paused = try await ground.inspector.explain("job-paused")
            guard case .paused(.queue("celery"), _)? = paused.obstacles.first, paused.standing.kind == "ready" else { throw Unexpected(paused) }
            try await ground.client.resume(.queue("celery"))
            try await ground.client.pause(.job("shop.total"))
            try await ground.working {
                try await ground.client.enqueue(task: "shop.total", .id("job-held"))
                let held = try await ground.standing("job-held", "held")
                guard case .held(let place) = held.standing else { return }
                #expect(place.target == .job("shop.total") && place.position == 0 && place.queue == "celery", "\(held)")
                guard case .paused(.job("shop.total"), _)? = held.obstacles.first else { throw Unexpected(held) }
                #expect(try await ground.inspector.jobs(JobQuery()).rows.map(\.place) == [.held])
                #expect(try await ground.inspector.diagnose().jobs == 1)
                try await ground.client.resume(.job("shop.total"))
                _ = try await ground.standing("job-held", "ended")
            }
        }
    }

    @Test("of a chord's body tells how many parts are there", arguments: Kind.available)
    func chord(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                let parts = [Signature("shop.add", 1, 2).id("part-quick"), Signature("shop.hold").id("part-held")]
                let handle = try await ground.client.send(.chord(header: parts, body: Signature("shop.total").id("job-body")))
                #expect(handle?.id == "job-body")
                try await ground.gate.reached("part-held")
                _ = try await ground.standing("part-quick", "ended")
                let explanation = try await ground.standing("job-body", "waits-for-parts")
                guard case .waitsForParts(let chord) = explanation.standing else { return }
                #expect(chord.arrived == 1 && chord.expected == 2 && !chord.isJoined, "\(explanation)")
                #expect(explanation.text(in: .english).contains("1 of 2"))
                #expect(try await ground.inspector.explain(chord.group).standing.kind == "waits-for-parts", "the group's own id is explained, too")
                ground.gate.open()
                _ = try await ground.standing("job-body", "ended")
            }
        }
    }

    @Test("of a chain's later step names the job that it follows", arguments: Kind.available)
    func chain(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                let chain = Signature.chain([
                    Signature("shop.hold").id("step-one"), Signature("shop.total").id("step-two"), Signature("shop.total").id("step-three"),
                ])
                try await ground.client.send(chain)
                try await ground.gate.reached("step-one")
                let two = try await ground.inspector.explain("step-two")
                #expect(two.standing == .follows(Predecessor(id: "step-one", task: "shop.hold", role: .chainStep(1))), "\(two)")
                let three = try await ground.inspector.explain("step-three")
                #expect(three.standing == .follows(Predecessor(id: "step-one", task: "shop.hold", role: .chainStep(2))), "\(three)")
            }
        }
    }

    @Test("beyond what is looked at says so, and of an id nobody knows that it is unknown", arguments: Kind.available)
    func bounds(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...5 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            var near = ground.inspector
            near.depth = 3
            let far = try await near.explain("job-number-5")
            #expect(far.standing == .outOfSight([QueueSight(place: .ready("celery"), length: 5, looked: 3)]), "\(far)")
            #expect(try await ground.inspector.explain("job-number-9").standing == .unknown)
            #expect(try await ground.inspector.explain("\u{0}'*[").standing == .unknown, "any text may be asked for")
        }
    }

    @Test("beyond what is looked at says so of jobs that wait for their time, or for a limit", arguments: Kind.available)
    func boundsElsewhere(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            var near = ground.inspector
            near.depth = 1
            for number in 1...2 { try await ground.client.enqueue(task: "shop.add", .after(.hours(Int64(number))).id("job-later-\(number)")) }
            let later = try await near.explain("job-later-2")
            #expect(later.standing == .outOfSight([QueueSight(place: .scheduled, length: 2, looked: 1)]), "\(later)")
            #expect(later.text(in: .english).contains("what waits for its time (behind more than 1, of 2)"), "\(later.text(in: .english))")
            #expect(later.text(in: .russian).contains("расписание (просмотрено 1 из 2)"), "\(later.text(in: .russian))")
            try await ground.client.pause(.job("shop.total"))
            try await ground.working {
                for number in 1...2 {
                    try await ground.client.enqueue(task: "shop.total", .id("job-held-\(number)"))
                    _ = try await ground.standing("job-held-\(number)", "held")
                }
                let held = try await near.explain("job-held-2")
                guard case .outOfSight(let places) = held.standing else { throw Unexpected(held) }
                #expect(places.contains(QueueSight(place: .held(.job("shop.total")), length: 2, looked: 1)), "\(places)")
                #expect(held.text(in: .english).contains("what job:shop.total holds back"), "\(held.text(in: .english))")
                #expect(held.json["standing"]?["queues"]?.arrayValue?.contains { $0["target"] == "job:shop.total" } == true, "\(held.json)")
            }
        }
    }
}
