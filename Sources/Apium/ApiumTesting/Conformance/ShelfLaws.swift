import ApiumCore
import DynamicJSON

extension BrokerConformance {
    static let shelfLaws: [Law] = [
        Law("shelved jobs are found by task, queue, reason and time, the newest first") { try await $0.shelvesAreFiltered() },
        Law("a shelved job is edited where it lies") { try await $0.shelvedJobsAreEdited() },
        Law("an edit refuses a job that was changed, taken or deleted meanwhile") { try await $0.editsSeeChanges() },
        Law("a shelved job is edited and requeued in one step") { try await $0.editedJobsAreRequeued() },
        Law("a long message that is set aside as it was claimed is found, edited, requeued and deleted") { try await $0.longMessagesAreShelved() },
        Law("a record of any bytes is found, requeued and deleted, and not edited") { try await $0.anyBytesAreShelved() },
    ]
}

extension Scene {
    /// Puts a job on a shelf as a worker does.
    private func shelve(_ id: String, task: String = "shop.check", queue: String = "jobs", reason: String = "it failed", payload: [UInt8]? = nil) async throws {
        let worker = try await session("way in")
        try await enqueue(id, on: "way in")
        let delivery = try await claimOne(by: worker)
        var message = try Message(decoding: delivery.payload)
        message.headers.task = task
        let record = ShelvedRecord(
            id: id, task: task, queue: queue, reason: reason, at: try await broker.serverTime(), attempts: 1, payload: payload ?? message.encoded())
        try await complete(delivery, .shelve(.dead, record), by: worker)
        try await worker.close()
    }

    private var dead: ShelfDesk { ShelfDesk(.dead, of: broker) }

    func shelvesAreFiltered() async throws {
        try await shelve("a")
        try await world.pass(.milliseconds(2))
        let middle = try await broker.serverTime()
        try await shelve("b", task: "mail.send", reason: "TimeLimitExceeded(30)")
        try await world.pass(.milliseconds(2))
        try await shelve("c", queue: "slow")
        for (filter, expected) in [
            (ShelfFilter(), ["c", "b", "a"]), (ShelfFilter(task: "shop.check"), ["c", "a"]), (ShelfFilter(task: "*.send"), ["b"]),
            (ShelfFilter(queue: "slow"), ["c"]), (ShelfFilter(reason: "timelimit"), ["b"]), (ShelfFilter(since: middle), ["c", "b"]),
            (ShelfFilter(before: middle), ["a"]), (ShelfFilter(task: "shop.*", queue: "jobs"), ["a"]), (ShelfFilter(task: "none"), []),
        ] {
            let found = try await dead.records(filter).map(\.id)
            try expect(found == expected, "\(filter) found \(found) instead of \(expected)")
        }
        let one = try await dead.records(ShelfFilter(task: "shop.check"), limit: 1).map(\.id)
        try expect(one == ["c"], "the newest one is \(one)")
        try expect(try await broker.record("b", in: .dead)?.task == "mail.send", "a record is not found by its id")
        try expect(try await broker.record("b", in: .parked) == nil, "a record is found on another shelf")
    }

    func shelvedJobsAreEdited() async throws {
        try await shelve("a")
        try await shelve("b")
        let edited = try await dead.edit("a") {
            $0.kwargs["id"] = "edited"
            $0.retries = 0
            $0.priority = 3
        }
        let found = try await dead.records()
        try expect(found.map(\.id) == ["b", "a"] && found.last == edited, "the records are \(found)")
        try expect(try await dead.requeue("a"), "an edited job was not requeued")
        let message = try Message(decoding: try await claimOne(by: try await session()).payload)
        let arguments = try message.arguments()
        try expect(arguments.kwargs == ["id": "edited"] && message.properties.priority == 3, "the job is \(message)")
    }

    func editsSeeChanges() async throws {
        try await shelve("a")
        guard let before = try await broker.record("a", in: .dead) else { throw ConformanceFailure("the record is not there") }
        try await dead.edit("a") { $0.kwargs["id"] = "first" }
        var late = before
        late.queue = "late"
        try expect(try await !broker.replace(before, with: late, in: .dead), "a record that had been edited was replaced")
        try expect(try await !broker.requeue(before, as: late, from: .dead), "a record that had been edited was requeued")
        try await expectLength(0, of: "late")
        let desk = dead
        do {
            try await desk.edit("a") { job in job.kwargs["id"] = "second" }
            try expect(try await desk.requeue("a"), "an edited job was not requeued")
            try await desk.edit("a") { job in job.kwargs["id"] = "third" }
            throw ConformanceFailure("a job that was taken was edited")
        } catch let error as ApiumError {
            try expect(error.code == .conflict, "the error is \(error.code): \(error)")
        }
        try await expectLength(1)
    }

    func editedJobsAreRequeued() async throws {
        try await shelve("a")
        let due = try await broker.serverTime() + .seconds(600)
        try await dead.requeue("a") {
            $0.queue = "slow"
            $0.args = [7]
            $0.kwargs = [:]
            $0.eta = due
            $0.headers["why"] = "by hand"
        }
        try expect(try await dead.records().isEmpty, "a requeued job is still on the shelf")
        try await expectLength(0)
        let message = try Message(decoding: try await claimOne(by: try await session("slow")).payload)
        let arguments = try message.arguments()
        try expect(arguments.args == [7] && arguments.kwargs.isEmpty && message.headers.custom["why"] == "by hand", "the job is \(message)")
        try expect(message.headers.eta.flatMap { Timestamp(iso8601: $0) } == due, "its eta is \(message.headers.eta ?? "none")")
    }

    func longMessagesAreShelved() async throws {
        let worker = try await session("way in", "jobs")
        let text = String(repeating: "long ", count: 400_000)
        for id in ["a", "b"] {
            var sent = message(id)
            try sent.setArguments(TaskArguments(kwargs: ["text": .string(text)]))
            try await broker.enqueue([Outgoing(sent, to: "way in")])
            let delivery = try await claimOne(by: worker)
            let record = ShelvedRecord(
                id: id, task: sent.task, queue: "jobs", reason: "\"too\" long", at: try await broker.serverTime(), attempts: 1, payload: delivery.payload)
            var completion = Completion(delivery.tag, .shelve(.dead, record))
            completion.keepsMessage = true
            let outcomes = try await worker.complete([completion])
            try expect(outcomes == [.done], "the completion was answered \(outcomes)")
            try expect(try await broker.record(id, in: .dead) == record, "the record is another one")
        }
        try expect(try await dead.records().map(\.id) == ["b", "a"], "the records are not listed")
        try await dead.edit("a") { $0.retries = 0 }
        for id in ["a", "b"] {
            try expect(try await dead.requeue(id), "\(id) was not requeued")
            let again = try Message(decoding: try await claimOne(by: worker).payload)
            try expect(try again.arguments().kwargs["text"] == .string(text), "the message of \(id) has come back as another one")
        }
        try expect(try await dead.records().isEmpty, "a requeued job is still on the shelf")
    }

    func anyBytesAreShelved() async throws {
        try await shelve("raw", payload: [0xFF, 0, 0x41])
        do {
            try await dead.edit("raw") { $0.retries = 0 }
            throw ConformanceFailure("bytes that are no message were edited")
        } catch let error as ApiumError {
            try expect(error.code == .malformedMessage, "the error is \(error.code): \(error)")
        }
        let requeued = try await dead.requeueAll(ShelfFilter(queue: "jobs"))
        try expect(requeued == 1, "\(requeued) jobs were requeued")
        try await expectLength(1)
        try await shelve("again")
        let discarded = try await dead.discardAll(ShelfFilter(task: "shop.*"))
        try expect(discarded == 1, "\(discarded) jobs were deleted")
        try expect(try await dead.records().isEmpty, "a deleted job is still there")
    }
}
