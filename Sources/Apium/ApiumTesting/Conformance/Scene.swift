import ApiumCore
import DynamicJSON

/// What the laws are written with: a world, and short words for what happens in it.
struct Scene: Sendable {
    let world: BrokerConformance.World

    var broker: any Broker { world.broker }
    var results: any ResultBackend { world.results }
    /// A time short against the lease.
    var moment: Duration { world.lease / 8 }

    /// Opens a session on the queues.
    func session(_ queues: String..., name: String = "worker") async throws -> any BrokerSession {
        try await broker.openSession(WorkerIdentity(name: "\(name)@test", pid: 1, queues: queues.isEmpty ? ["jobs"] : queues, lease: world.lease))
    }

    /// A message whose id tells it from the others.
    func message(_ id: String, on queue: String = "jobs", priority: Int = 0) -> Message {
        var headers = Message.Headers(task: "conformance.job", id: id)
        headers.rootID = id
        var properties = Message.Properties()
        properties.routingKey = queue
        properties.priority = priority
        return Message(headers: headers, properties: properties, body: TaskArguments(kwargs: ["id": .string(id)]).encodedBody())
    }

    /// A message on its way.
    func job(_ id: String, on queue: String = "jobs", priority: Int = 0, after delay: Duration? = nil) -> Outgoing {
        Outgoing(message(id, on: queue, priority: priority), to: queue, after: delay)
    }

    /// Enqueues jobs in one call.
    func enqueue(_ ids: String..., on queue: String = "jobs", priority: Int = 0, after delay: Duration? = nil) async throws {
        try await broker.enqueue(ids.map { job($0, on: queue, priority: priority, after: delay) })
    }

    /// Claims exactly `count` jobs, in as many claims as it takes.
    func claim(_ count: Int, by session: any BrokerSession) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count { deliveries += try await session.claim(limit: count - deliveries.count).deliveries }
        return deliveries
    }

    /// Claims one job.
    func claimOne(by session: any BrokerSession) async throws -> Delivery {
        let deliveries = try await session.claim(limit: 1).deliveries
        try expect(deliveries.count == 1, "a claim of one gave \(deliveries.count) deliveries")
        return deliveries[0]
    }

    /// The ids of deliveries, in order.
    func ids(_ deliveries: [Delivery]) throws -> [String] { try deliveries.map { try Message(decoding: $0.payload).id } }

    /// Claims jobs one by one and requires these ids in this order.
    func expectNext(_ expected: String..., by session: any BrokerSession, fileID: String = #fileID, line: Int = #line) async throws {
        var seen: [String] = []
        for _ in expected { seen += try ids([try await claimOne(by: session)]) }
        try expect(seen == expected, "the claims gave \(seen) instead of \(expected)", fileID: fileID, line: line)
    }

    /// Ends one delivery and answers how. Results kept elsewhere are stored before, as a worker does.
    @discardableResult
    func complete(
        _ delivery: Delivery, _ disposition: Completion.Disposition = .done, result: ResultDocument? = nil, parts: [ChordPart] = [],
        closes: [ChordClaim] = [], abandons: [ChordClaim] = [], followUps: [Outgoing] = [], endedRun: EntryRun? = nil, by session: any BrokerSession
    ) async throws -> CompletionOutcome {
        var documents = result.map { [$0] } ?? []
        if !world.resultsAreOnBroker {
            for document in documents { try await results.store(document) }
            documents = []
        }
        let completion = Completion(
            delivery.tag, disposition, results: documents, parts: parts, closes: closes, abandons: abandons, followUps: followUps,
            endedRun: endedRun)
        let outcomes = try await session.complete([completion])
        try expect(outcomes.count == 1, "one completion has \(outcomes.count) answers")
        return outcomes[0]
    }

    /// A document that says SUCCESS.
    func success(_ id: String, _ value: JSONValue = true) -> ResultDocument {
        ResultDocument(id: id, state: .success, result: value, dateDone: Timestamp(microseconds: 0), children: [])
    }

    /// A document that says FAILURE.
    func failure(_ id: String) -> ResultDocument {
        ResultDocument(id: id, state: .failure, result: JobFailure(type: "ValueError").value, dateDone: Timestamp(microseconds: 0), children: [])
    }

    /// Runs rounds of maintenance, time passing between them, until something is so. What has not come about after six
    /// leases does not.
    func maintain(_ session: any BrokerSession, until what: String, fileID: String = #fileID, line: Int = #line, _ condition: () async throws -> Bool)
        async throws
    {
        for _ in 0..<48 {
            _ = try await session.maintain()
            if try await condition() { return }
            try await world.pass(moment)
        }
        throw ConformanceFailure("six leases later it was still not so that \(what)", fileID: fileID, line: line)
    }

    /// Throws a failure when something is not so.
    func expect(_ condition: Bool, _ message: @autoclosure () throws -> String, fileID: String = #fileID, line: Int = #line) throws {
        if !condition { throw ConformanceFailure(try message(), fileID: fileID, line: line) }
    }

    /// Requires a queue's length.
    func expectLength(_ expected: Int, of queue: String = "jobs", fileID: String = #fileID, line: Int = #line) async throws {
        let length = try await broker.queueLength(queue)
        try expect(length == expected, "queue \(queue) has \(length) messages instead of \(expected)", fileID: fileID, line: line)
    }
}
