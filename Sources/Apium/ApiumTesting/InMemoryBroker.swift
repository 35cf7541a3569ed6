import ApiumCore
import Synchronization

/// A broker that lives in this process: for tests, and for trying things out without a server.
///
/// It passes the same ``BrokerConformance`` as the broker on Redis. Messages go through the codec as they do there, so what
/// cannot be encoded or read fails here, too. Every transition is one method of one value under one lock.
///
/// ```swift
/// let clock = ManualClock()
/// let broker = InMemoryBroker(clock: clock)
/// let client = ApiumClient(broker: broker, results: broker.results)
/// ```
public final class InMemoryBroker: Broker {
    let core: BrokerCore
    /// Remote control of the workers of this broker.
    public let control = InMemoryControl()
    /// What they tell whoever watches.
    public let events = InMemoryEvents()
    /// Where the results of lost jobs go when that is not this broker.
    let otherResults: (any ResultBackend)?

    /// Makes an empty broker.
    /// - Parameters:
    ///   - clock: Its time. Default: the machine's.
    ///   - results: Where results are kept, when that is another "server"; completions then bring no results and no parts. Default:
    ///     `nil`, this broker's own ``results-swift.property``.
    ///   - queueLimits: How many messages may be ready in a queue before an enqueue is refused. Default: no queue has a limit.
    public init(clock: any BrokerClock = SystemBrokerClock(), results: (any ResultBackend)? = nil, queueLimits: [String: Int] = [:]) {
        core = BrokerCore(clock: clock)
        otherResults = results
        core.change { state, _ in
            state.resultsAreElsewhere = results != nil
            state.queueLimits = queueLimits
        }
    }

    /// The results of this broker's jobs: stored in the same step that ends a delivery.
    public var results: InMemoryResults { InMemoryResults(core: core) }

    public func enqueue(_ messages: [Outgoing], _ terms: EnqueueTerms) async throws -> EnqueueReceipt {
        if terms.durability != nil {
            throw ApiumError(.notAvailable, "a broker in memory has neither replicas nor a disk, so it cannot confirm that they hold a job")
        }
        return try core.change { state, now in
            try state.checkRoutable(messages)
            return EnqueueReceipt(try state.enqueue(messages, terms, at: now))
        }
    }

    public func openSession(_ identity: WorkerIdentity) async throws -> any BrokerSession { open(identity) }

    /// Opens a session; see ``openSession(_:)``.
    public func open(_ identity: WorkerIdentity) -> InMemorySession {
        let incarnation = JobID.make()
        core.change { state, _ in
            state.bindings.formUnion(identity.bindings)
            state.sessions[incarnation] = BrokerState.SessionState(identity: identity, rotation: identity.queues)
        }
        return InMemorySession(incarnation: incarnation, core: core, otherResults: otherResults)
    }

    public func serverTime() async throws -> Timestamp { core.clock.timestamp }

    public func queueLength(_ queue: String) async throws -> Int { core.read { state, _ in state.queues[queue]?.count ?? 0 } }

    public func purge(_ queue: String) async throws -> Int {
        core.change { state, _ in
            guard let gone = state.queues.removeValue(forKey: queue)?.payloads else { return 0 }
            state.free(gone)
            return gone.count
        }
    }

    public var controlTransport: (any ControlTransport)? { control }

    public var eventTransport: (any EventTransport)? { events }

    public func revoke(_ revocation: Revocation) async throws {
        core.change { $0.revoke(revocation, at: $1) }
        core.announceControl()
    }

    public func records(in shelf: Shelf, matching filter: ShelfFilter, limit: Int) async throws -> [ShelvedRecord] {
        core.read { state, _ in state.records(in: shelf, matching: filter, limit: limit) }
    }

    public func record(_ id: String, in shelf: Shelf) async throws -> ShelvedRecord? { core.read { state, _ in state.record(id, in: shelf) } }

    public func replace(_ record: ShelvedRecord, with edited: ShelvedRecord, in shelf: Shelf) async throws -> Bool {
        core.change { state, _ in state.replace(record, with: edited, in: shelf) }
    }

    public func requeue(_ record: ShelvedRecord, as edited: ShelvedRecord, from shelf: Shelf) async throws -> Bool {
        core.change { $0.requeue(record, as: edited, from: shelf, at: $1) }
    }

    public func discard(_ id: String, from shelf: Shelf) async throws -> Bool { core.change { state, _ in state.discard(id, from: shelf) } }

    public func scheduledCount() async throws -> Int { core.read { state, _ in state.scheduled.count } }

    public func scheduledJobs(on queues: [String], limit: Int) async throws -> [ScheduledJob] {
        core.read { Array($0.scheduledJobs(on: queues, at: $1).prefix(max(limit, 0))) }
    }
}
