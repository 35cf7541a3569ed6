import ApiumCore
import DynamicJSON

/// What jobs that are lost with their worker leave to others. The list of laws is among those about joins.
extension Scene {
    private static let errbacks: [JSONValue] = [
        ["task": "conformance.told", "args": [], "kwargs": [:], "options": [:], "subtask_type": nil, "immutable": false]
    ]

    /// A job that wants to be heard of when it fails.
    private func watched(_ id: String) -> Outgoing {
        var outgoing = job(id)
        var arguments = TaskArguments(args: [.string(id)])
        arguments.embed.errbacks = Self.errbacks
        outgoing.message.body = arguments.encodedBody()
        return outgoing
    }

    /// Requires that the next delivery tells the errbacks of a job that has ended as lost; answers it.
    private func expectTold(_ id: String, by worker: any BrokerSession) async throws -> Delivery {
        let document = try await results.document(for: id)
        let type = document.flatMap { JobFailure(value: $0.result) }?.type
        try expect(document?.state == .failure && type == "WorkerLostError", "the stored document is \(String(describing: document))")
        let delivery = try await claimOne(by: worker)
        let message = try Message(decoding: delivery.payload)
        try expect(message.lostJob?.id == id && message.lostJob?.name == "conformance.job", "the next message is \(message)")
        try expect(message.id != id && message.task != "conformance.job", "the message could be taken for the job")
        let arguments = try message.arguments()
        try expect(arguments.embed.errbacks == Self.errbacks && arguments.args == [.string(id)], "the message carries \(arguments)")
        return delivery
    }

    func lostJobsLeaveErrbacks() async throws {
        let (lost, other) = (try await session(), try await session())
        try await broker.enqueue([watched("early")])
        _ = try await lost.acknowledgeEarly([try await claimOne(by: lost).tag])
        try await world.silence(lost)
        try await maintain(other, until: "the lost job's errbacks are to be told") { try await broker.queueLength("jobs") == 1 }
        let dead = try await broker.records(in: .dead, limit: 10).map(\.id)
        try expect(dead == ["early"], "the dead shelf has \(dead)")
        let told = try await expectTold("early", by: other)
        try await expectLength(0)
        // Whoever tells them may go, too: the message comes back like any other.
        try await other.close()
        let third = try await session()
        let again = try await claimOne(by: third)
        try expect(try Message(decoding: again.payload).lostJob == (try Message(decoding: told.payload).lostJob), "the message did not come back")
        try await complete(again, by: third)
        try await expectLength(0)
    }

    func quarantinedJobsLeaveErrbacks() async throws {
        let (lost, other) = (try await session(), try await session())
        var poison = watched("poison")
        poison.message.headers.custom[BrokerState.crashHeader] = .int(Int64(BrokerState.crashLimit - 1))
        try await broker.enqueue([poison])
        _ = try await claimOne(by: lost)
        try await world.silence(lost)
        try await maintain(other, until: "the poisoned job's errbacks are to be told") { try await broker.queueLength("jobs") == 1 }
        let records = try await broker.records(in: .quarantine, limit: 10).map(\.id)
        try expect(records == ["poison"], "the quarantine has \(records)")
        let delivery = try await expectTold("poison", by: other)
        var poisonous = try Message(decoding: delivery.payload)
        try await complete(delivery, by: other)

        let (victim, janitor) = (other, try await session("none"))
        poisonous.headers.custom[BrokerState.crashHeader] = .int(Int64(BrokerState.crashLimit - 1))
        poisonous.properties.deliveryTag = nil
        try await broker.enqueue([Outgoing(poisonous, to: "jobs")])
        _ = try await claimOne(by: victim)
        try await world.silence(victim)
        try await maintain(janitor, until: "the message that tells is quarantined") {
            try await broker.records(in: .quarantine, limit: 10).map(\.id).contains(poisonous.id)
        }
        try await expectLength(0)
        try expect(try await results.document(for: poisonous.id) == nil, "a message that tells errbacks has a result of its own")
    }
}
