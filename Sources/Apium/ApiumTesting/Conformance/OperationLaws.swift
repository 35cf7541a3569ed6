import ApiumCore
import DynamicJSON

extension BrokerConformance {
    static let operationLaws: [Law] = [
        Law("the length of a queue counts all priorities") { try await $0.lengthsCountAllPriorities() },
        Law("purging empties one queue, and leaves what is in flight or scheduled") { try await $0.purgingEmptiesOneQueue() },
        Law("a revoke moves the control epoch, and later sessions know it") { try await $0.revokesAreState() },
        Law("a revoke is announced to open sessions") { try await $0.revokesAreAnnounced() },
        Law("a revoke tells what must not begin from what is stopped, by id and by stamp") { try await $0.revokesTellWhatIsStopped() },
        Law("a session that knows an epoch reads the ids revoked since, or all where what is new is not known") { try await $0.newRevokesAreRead() },
        Law("a session serves other queues when it is told to, and leaves the messages of the others") { try await $0.queuesChange() },
        Law("the jobs that wait for their time are found by queue, the earliest first") { try await $0.scheduledJobsAreFound() },
        Law("a session knows whether another live worker of a queue knows a job") { try await $0.whoKnowsAJobIsKnown() },
        Law("an enqueue of nothing does nothing") { try await $0.enqueueOfNothing() },
        Law("a message with any text in it arrives as it was sent") { try await $0.anyTextArrives() },
    ]
}

extension Scene {
    func lengthsCountAllPriorities() async throws {
        for priority in 0...9 { try await enqueue("job-\(priority)", priority: priority) }
        try await expectLength(10)
        try await expectLength(0, of: "unknown")
    }

    func purgingEmptiesOneQueue() async throws {
        let worker = try await session()
        try await enqueue("running")
        let delivery = try await claimOne(by: worker)
        try await enqueue("a", "b")
        try await enqueue("c", priority: 9)
        try await enqueue("later", after: world.lease * 100)
        try await enqueue("elsewhere", on: "second")
        let purged = try await broker.purge("jobs")
        try expect(purged == 3, "\(purged) messages were purged instead of 3")
        try await expectLength(0)
        try await expectLength(1, of: "second")
        let scheduled = try await broker.scheduledCount()
        try expect(scheduled == 1, "\(scheduled) jobs are scheduled instead of one")
        let outcome = try await complete(delivery, by: worker)
        try expect(outcome == .done, "a purge touched what was in flight: \(outcome)")
        let again = try await broker.purge("jobs")
        try expect(again == 0, "an empty queue had \(again) messages")
    }

    func revokesAreState() async throws {
        let early = try await session()
        let before = try await early.control()
        try expect(!before.revoked.contains("a"), "a job is revoked before anybody said so")
        try await broker.revoke(["a", "b"])
        let after = try await early.control()
        try expect(after.epoch != before.epoch, "the epoch is still \(after.epoch)")
        try expect(after.revoked.isSuperset(of: ["a", "b"]), "revoked are \(after.revoked)")
        let late = try await session()
        try await enqueue("c")
        let claim = try await late.claim(limit: 1)
        let known = try await late.control()
        try expect(known.revoked.isSuperset(of: ["a", "b"]), "a later session knows of \(known.revoked)")
        try expect(claim.controlEpoch == known.epoch, "the claim says epoch \(claim.controlEpoch), the control \(known.epoch)")
        try await broker.revoke(["d"])
        try await enqueue("e")
        let next = try await late.claim(limit: 1)
        try expect(next.controlEpoch != claim.controlEpoch, "a claim after another revoke still says epoch \(next.controlEpoch)")
    }

    func revokesAreAnnounced() async throws {
        let worker = try await session()
        let events = worker.events
        try await broker.revoke(["a"])
        for await case .controlChanged(let epoch) in events {
            let control = try await worker.control()
            try expect(epoch == control.epoch, "epoch \(epoch) was announced, and the control's is \(control.epoch)")
            return
        }
        throw ConformanceFailure("the events ended without an announcement")
    }

    func revokesTellWhatIsStopped() async throws {
        let worker = try await session()
        try await broker.revoke(Revocation(ids: ["waits"], stamps: ["tenant": ["a", 7]]))
        try await broker.revoke(Revocation(ids: ["runs"], stamps: ["tenant": ["b\u{0}\"c"]], terminate: true))
        let control = try await worker.control()
        try expect(control.revoked.isSuperset(of: ["waits", "runs"]), "revoked are \(control.revoked)")
        try expect(control.terminated == ["runs"], "terminated are \(control.terminated)")
        try expect(control.revokedStamps == ["tenant": ["a", 7, "b\u{0}\"c"]], "revoked stamps are \(control.revokedStamps)")
        try expect(control.terminatedStamps == ["tenant": ["b\u{0}\"c"]], "terminated stamps are \(control.terminatedStamps)")
    }

    func newRevokesAreRead() async throws {
        let worker = try await session()
        try await broker.revoke(Revocation(ids: ["a", "b"]))
        let first = try await worker.control(since: nil, knowing: 0)
        try expect(first.since == nil && first.revoked == ["a", "b"], "who knows nothing reads \(first)")
        try await broker.revoke(Revocation(ids: ["c"], terminate: true))
        try await broker.revoke(Revocation(stamps: ["tenant": ["x"]]))
        let next = try await worker.control(since: first.epoch, knowing: 2)
        try expect(next.since == first.epoch && next.revoked == ["c"] && next.terminated == ["c"], "who knows epoch \(first.epoch) reads \(next)")
        try expect(next.revokedStamps == ["tenant": ["x"]], "revoked stamps are \(next.revokedStamps)")
        try await broker.revoke(Revocation(ids: ["b"], terminate: true))
        let again = try await worker.control(since: next.epoch, knowing: 3)
        try expect(again.revoked == ["b"] && again.terminated == ["b"], "an id that was revoked before is not told again: \(again)")
        let quiet = try await worker.control(since: again.epoch, knowing: 3)
        try expect(quiet.since == again.epoch && quiet.revoked.isEmpty && quiet.epoch == again.epoch, "nothing new, and yet \(quiet)")
        let all = try await worker.control()
        for (epoch, ids, who) in [(again.epoch, 5_000, "who knows far more ids than there are"), (again.epoch + 1, 3, "who knows an epoch to come")] {
            let whole = try await worker.control(since: epoch, knowing: ids)
            try expect(whole == all && all.revoked == ["a", "b", "c"], "\(who) reads \(whole)")
        }
    }

    func queuesChange() async throws {
        let worker = try await session("first")
        try await enqueue("a", on: "first")
        try await enqueue("b", on: "second")
        try await expectNext("a", by: worker)
        let waiting = Task { try await worker.claim(limit: 1) }
        try await worker.serve(["second"], binding: [QueueBinding(exchange: "second", routingKey: "second", queue: "second")])
        let claimed = try ids(try await waiting.value.deliveries)
        try expect(claimed == ["b"], "the claim gave \(claimed) instead of what the new queue held")
        try await enqueue("c", on: "first")
        try await enqueue("d", on: "second")
        try await expectNext("d", by: worker)
        try await expectLength(1, of: "first")
    }

    func scheduledJobsAreFound() async throws {
        try await enqueue("late", after: world.lease * 200)
        try await enqueue("early", after: world.lease * 100)
        try await enqueue("elsewhere", on: "second", after: world.lease * 100)
        try await enqueue("now")
        let found = try await broker.scheduledJobs(on: ["jobs"], limit: 10).map(\.message.id)
        try expect(found == ["early", "late"], "found \(found)")
        let first = try await broker.scheduledJobs(on: ["jobs", "second"], limit: 1)
        try expect(first.count == 1, "a limit of one gave \(first.count)")
        let none = try await broker.scheduledJobs(on: [], limit: 10)
        try expect(none.isEmpty, "no queues gave \(none.count)")
    }

    func whoKnowsAJobIsKnown() async throws {
        func open(_ queues: [String], _ jobs: [String]) async throws -> any BrokerSession {
            try await broker.openSession(WorkerIdentity(name: "w@test", pid: 1, queues: queues, jobs: jobs, lease: world.lease))
        }
        func require(_ expected: Bool, _ task: String, on queue: String, _ session: any BrokerSession) async throws {
            let isKnown = try await session.isKnownElsewhere(task, on: queue)
            try expect(isKnown == expected, "that another worker of \(queue) knows \(task) is \(isKnown)")
        }
        let (asking, closing) = (try await open(["jobs"], ["a"]), try await open(["jobs", "second"], ["b", "c"]))
        let dying = try await open(["jobs"], ["d"])
        try await require(false, "a", on: "jobs", asking)
        try await require(true, "a", on: "jobs", closing)
        try await require(true, "b", on: "jobs", asking)
        try await require(true, "c", on: "second", asking)
        try await require(true, "d", on: "jobs", asking)
        try await require(false, "d", on: "second", asking)
        try await require(false, "", on: "jobs", asking)
        try await closing.close()
        try await require(false, "b", on: "jobs", asking)
        try await world.silence(dying)
        try await maintain(asking, until: "the dead worker is forgotten") { try await !asking.isKnownElsewhere("d", on: "jobs") }
    }

    func enqueueOfNothing() async throws {
        try await broker.enqueue([])
        try await expectLength(0)
    }

    func anyTextArrives() async throws {
        let worker = try await session("очередь {1}")
        let id = "ид \u{1}\"\\/\u{7f}😀"
        var sent = message(id, on: "очередь {1}")
        sent.headers.custom = ["x-ключ": ["[\"вложенный\"]", 1.5, nil]]
        try await broker.enqueue([Outgoing(sent, to: "очередь {1}")])
        let received = try Message(decoding: try await claimOne(by: worker).payload)
        try expect(received.headers == sent.headers, "the headers are \(received.headers)")
        let arguments = try received.arguments()
        try expect(arguments.kwargs["id"]?.stringValue == id, "the arguments are \(arguments)")
    }
}
