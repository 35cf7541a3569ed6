import ApiumCore

/// Words for laws about limits and pauses.
extension Scene {
    /// The limit key of jobs in these laws.
    func host(_ name: String) -> HoldTarget { .key(LimitKey("host", name)) }

    /// A job with a key.
    func job(_ id: String, host: String, on queue: String = "jobs") -> Outgoing {
        var outgoing = job(id, on: queue)
        outgoing.message.limitKey = LimitKey("host", host)
        return outgoing
    }

    /// Asks for deliveries as a worker does; those that may run are answered, marked as admitted.
    func ask(_ deliveries: [Delivery], by session: any BrokerSession, _ targets: (Message) -> [HoldTarget]) async throws -> [Delivery] {
        let admissions = try deliveries.map { try admission($0, targets) }
        let outcomes = try await session.admit(admissions)
        try expect(outcomes.count == deliveries.count, "\(deliveries.count) questions have \(outcomes.count) answers")
        return zip(deliveries, outcomes).filter { $0.1 == .admitted }.map { delivery, _ in
            var delivery = delivery
            delivery.isAdmitted = true
            return delivery
        }
    }

    /// The question of a delivery.
    func admission(_ delivery: Delivery, _ targets: (Message) -> [HoldTarget]) throws -> Admission {
        let message = try Message(decoding: delivery.payload)
        let asked = targets(message) + message.waitedFor.filter { !targets(message).contains($0) }
        return Admission(
            delivery.tag, id: message.id, targets: asked, isReturning: !message.waitedFor.isEmpty || message.properties.redelivered,
            payload: message.waiting(for: asked, fence: delivery.fence).encoded())
    }

    /// Claims so many jobs and asks for them.
    func begin(_ count: Int, by session: any BrokerSession, _ targets: (Message) -> [HoldTarget]) async throws -> [Delivery] {
        try await ask(try await claim(count, by: session), by: session, targets)
    }

    /// Ends a delivery that was admitted.
    func end(_ delivery: Delivery, _ disposition: Completion.Disposition = .done, by session: any BrokerSession) async throws {
        var completion = Completion(delivery.tag, disposition)
        completion.holds.givesBack = delivery.isAdmitted
        let outcomes = try await session.complete([completion])
        try expect(outcomes == [.done], "an end was answered \(outcomes)")
    }

    /// Requires these ids to begin, in this order, one after another, each being claimed, admitted and ended.
    func expectRuns(_ expected: String..., by session: any BrokerSession, _ targets: (Message) -> [HoldTarget], fileID: String = #fileID, line: Int = #line)
        async throws
    {
        for id in expected {
            let begun = try await begin(1, by: session, targets)
            try expect(try ids(begun) == [id], "\(try ids(begun)) began instead of \(id)", fileID: fileID, line: line)
            try await end(begun[0], by: session)
        }
    }

    /// Requires so many jobs to wait for a target.
    func expectWaiting(_ expected: [String], on target: HoldTarget, fileID: String = #fileID, line: Int = #line) async throws {
        let waiting = try await broker.waitingJobs(on: target, limit: 100).map { try Message(decoding: $0.payload).id }
        try expect(waiting == expected, "\(waiting) wait for \(target.text) instead of \(expected)", fileID: fileID, line: line)
    }
}

/// Random numbers that can be had again: what a law draws, it says in its failures by the seed.
struct Dice: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64 = .random(in: 0..<1_000_000)) {
        self.seed = seed
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
