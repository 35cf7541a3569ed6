import ApiumCore

/// A worker process' session with an ``InMemoryBroker``.
public final class InMemorySession: BrokerSession {
    public let incarnation: String
    public let events: AsyncStream<SessionEvent>
    private let core: BrokerCore
    private let otherResults: (any ResultBackend)?

    init(incarnation: String, core: BrokerCore, otherResults: (any ResultBackend)?) {
        self.incarnation = incarnation
        self.core = core
        self.otherResults = otherResults
        events = core.events(of: incarnation)
    }

    public func claim(limit: Int) async throws -> Claim {
        let incarnation = incarnation
        return try await core.waitUntil { state, now in
            guard state.sessions[incarnation] != nil else { throw InMemorySession.ended }
            guard let deliveries = state.claim(max(limit, 1), by: incarnation, at: now) else { return nil }
            return Claim(deliveries: deliveries, controlEpoch: state.epoch)
        }
    }

    public func complete(_ completions: [Completion]) async throws -> [CompletionOutcome] {
        core.change { state, now in completions.map { state.complete($0, by: incarnation, at: now) } }
    }

    public func acknowledgeEarly(_ tags: [DeliveryTag]) async throws -> [CompletionOutcome] {
        core.change { state, _ in tags.map { state.acknowledgeEarly($0, by: incarnation) } }
    }

    public func admit(_ admissions: [Admission]) async throws -> [AdmissionOutcome] {
        core.change { state, now in state.admit(admissions, by: incarnation, at: now) }
    }

    public func control() async throws -> ControlState { core.read { $0.control(at: $1) } }

    public func control(since epoch: Int64?, knowing ids: Int) async throws -> ControlState {
        core.read { $0.control(at: $1, since: epoch, knowing: ids) }
    }

    public func isKnownElsewhere(_ task: String, on queue: String) async throws -> Bool {
        core.read { state, now in
            state.sessions.contains { other, session in
                other != incarnation && !session.hasExpired(at: now) && session.identity.queues.contains(queue) && session.identity.jobs.contains(task)
            }
        }
    }

    public func serve(_ queues: [String], binding bindings: [QueueBinding]) async throws {
        core.change { state, _ in
            let served = state.sessions[incarnation]?.rotation ?? []
            state.sessions[incarnation]?.rotation = served.filter(queues.contains) + queues.filter { !served.contains($0) }
            state.sessions[incarnation]?.identity.queues = queues
            state.bindings.formUnion(bindings)
        }
    }

    public func maintain() async throws -> MaintenanceReport {
        let (report, reaping) = core.change { state, now in
            var report = MaintenanceReport()
            report.isJanitor = state.isJanitor(incarnation, at: now)
            guard report.isJanitor else { return (report, BrokerState.Reaping()) }
            report.promoted = state.promote(at: now)
            state.releaseAll(at: now)
            let reaping = state.reap(except: incarnation, at: now)
            report.reaped = reaping.reaped
            report.quarantined = reaping.quarantined
            return (report, reaping)
        }
        for incarnation in reaping.sessions {
            core.announce(.leaseLost, to: incarnation)
            core.finishEvents(of: incarnation)
        }
        try await core.tell(reaping.losses, to: otherResults)
        return report
    }

    public var health: SessionHealth {
        core.read { state, now in
            guard let session = state.sessions[incarnation] else { return SessionHealth(lastError: InMemorySession.ended.message) }
            return SessionHealth(sinceLastFetch: .zero, sinceLastRenewal: session.silentSince.map { now - $0 } ?? .zero)
        }
    }

    public func close() async throws {
        let losses = core.change { $0.close(incarnation, at: $1) }
        core.finishEvents(of: incarnation)
        try await core.tell(losses, to: otherResults)
    }

    /// Stops renewing the lease and does nothing else, as a process that was killed or hangs: what a test calls to see
    /// its jobs run elsewhere.
    public func silence() {
        core.change { state, now in
            if state.sessions[incarnation]?.silentSince == nil { state.sessions[incarnation]?.silentSince = now }
        }
    }

    /// The name of a job in flight.
    func task(of tag: DeliveryTag) -> String? {
        core.read { state, _ in state.sessions[incarnation]?.flight[tag].flatMap { try? Message(decoding: $0.payload) }?.task }
    }

    private static var ended: ApiumError { ApiumError(.notAvailable, "the session has ended: it was closed, or its lease was lost; open a new one") }
}
