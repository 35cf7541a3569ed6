import ApiumCore

extension BrokerConformance {
    static let routingLaws: [Law] = [
        Law("a message to a named exchange goes to every queue that is bound with its routing key") { try await $0.exchangesReachBoundQueues() },
        Law("a message that no queue is bound for is refused, and nothing of its call is sent") { try await $0.unroutableIsRefused() },
        Law("a follow-up that no queue is bound for is parked") { try await $0.unroutableFollowUpsAreParked() },
    ]
}

extension Scene {
    /// A session whose queues are bound to an exchange with one routing key.
    private func session(_ queue: String, boundTo exchange: String, with routingKey: String) async throws -> any BrokerSession {
        let bindings = [QueueBinding(exchange: exchange, routingKey: routingKey, queue: queue)]
        return try await broker.openSession(WorkerIdentity(name: "worker@test", pid: 1, queues: [queue], bindings: bindings, lease: world.lease))
    }

    private func job(_ id: String, exchange: String, key: String) -> Outgoing {
        Outgoing(message(id), to: Destination(exchange: exchange, routingKey: key, priority: 3))
    }

    func exchangesReachBoundQueues() async throws {
        let first = try await session("first", boundTo: "media", with: "image")
        let second = try await session("second", boundTo: "media", with: "image")
        let other = try await session("other", boundTo: "media", with: "sound")
        try await broker.enqueue([job("a", exchange: "media", key: "image"), job("b", exchange: "media", key: "sound")])
        let delivery = try await claimOne(by: first)
        let message = try Message(decoding: delivery.payload)
        try expect(message.id == "a" && delivery.queue == "first", "the first queue got \(message.id)")
        try expect(message.properties.exchange == "media", "the message says exchange '\(message.properties.exchange)'")
        try expect(message.properties.routingKey == "image", "the message says routing key '\(message.properties.routingKey)'")
        try await expectNext("a", by: second)
        try await expectNext("b", by: other)
        for queue in ["first", "second", "other"] { try await expectLength(0, of: queue) }
    }

    func unroutableIsRefused() async throws {
        _ = try await session("first", boundTo: "media", with: "image")
        do {
            try await broker.enqueue([job("a", exchange: "media", key: "image"), job("b", exchange: "media", key: "nothing")])
        } catch let error as ApiumError where error.code == .unroutable {
            try expect(error.message.contains("media") && error.message.contains("nothing"), "the refusal says '\(error.message)'")
            return try await expectLength(0, of: "first")
        }
        throw ConformanceFailure("a message to nobody was taken")
    }

    func unroutableFollowUpsAreParked() async throws {
        let worker = try await session()
        try await enqueue("first")
        let delivery = try await claimOne(by: worker)
        let outcome = try await complete(delivery, followUps: [job("next", exchange: "nowhere", key: "k"), self.job("then")], by: worker)
        try expect(outcome == .done, "the completion was \(outcome)")
        try await expectNext("then", by: worker)
        let parked = try await broker.records(in: .parked, limit: 10)
        try expect(parked.map(\.id) == ["next"], "parked are \(parked.map(\.id))")
    }
}
