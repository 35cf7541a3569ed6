/// The question whether a claimed job may run now, under limits and pauses: it is asked between decoding and running.
public struct Admission: Sendable {
    /// The delivery.
    public var tag: DeliveryTag
    /// The job's id.
    public var id: String
    /// What has to let it pass; all of it does, or none counts.
    public var targets: [HoldTarget]
    /// Whether it was on its way before, so that it goes to the front of those that wait. Default: `false`.
    public var isReturning: Bool
    /// The message to keep while it waits.
    public var payload: [UInt8]
    /// A lock that ends with the beginning of the run. Default: none.
    public var lock: UniqueLock?

    /// Asks for a delivery.
    public init(_ tag: DeliveryTag, id: String, targets: [HoldTarget], isReturning: Bool = false, payload: [UInt8], lock: UniqueLock? = nil) {
        self.tag = tag
        self.id = id
        self.targets = targets
        self.isReturning = isReturning
        self.payload = payload
        self.lock = lock
    }
}

/// The answer to an ``Admission``.
public enum AdmissionOutcome: Sendable, Hashable {
    /// It may run. What it took of limits is given back by the step that ends the delivery, or by the one that returns it.
    case admitted
    /// It has left the session, and waits. `nil`: this was answered before.
    case waiting(on: HoldTarget?)
    /// The lease was lost.
    case taken
}

/// Limits and pauses that all workers keep. Both brokers do this; one of your own may leave it out.
public protocol HoldingBroker: Sendable {
    /// Sets, changes or (`nil`) clears a limit, in force from now on for jobs that have not begun. What waits and may run now is let go,
    /// in order.
    ///
    /// - Throws: ``ApiumError`` `badArguments` for a limit or a target that cannot be.
    func setLimit(_ limit: Limit?, on target: HoldTarget) async throws

    /// Lets no job of the target begin from now on: those of a queue stay there, others wait beside it and hold up nobody. Kept until it is
    /// resumed. False when it was paused already.
    @discardableResult
    func pause(_ target: HoldTarget) async throws -> Bool

    /// Ends a pause: what waits goes first, in order. False when it was not paused.
    @discardableResult
    func resume(_ target: HoldTarget) async throws -> Bool

    /// All limits and pauses, and whatever else jobs wait for, sorted by the target's text.
    func holds() async throws -> [HoldRow]

    /// The jobs that wait for a target, the next one first: at most `limit`, and those behind the first `offset`.
    func waitingJobs(on target: HoldTarget, from offset: Int, limit: Int) async throws -> [WaitingJob]

    /// The locks of unique jobs, at most `limit`; for people, and for whoever looks for locks without a job: all keys are looked through.
    func uniqueLocks(limit: Int) async throws -> [UniqueLockRow]

    /// Ends a lock by hand. False when that job does not hold it.
    func unlock(_ key: String, heldBy id: String) async throws -> Bool
}

extension HoldingBroker {
    public func setLimit(_ limit: Limit?, on target: HoldTarget) async throws { throw Self.without }
    public func pause(_ target: HoldTarget) async throws -> Bool { throw Self.without }
    public func resume(_ target: HoldTarget) async throws -> Bool { throw Self.without }
    public func holds() async throws -> [HoldRow] { [] }
    public func waitingJobs(on target: HoldTarget, from offset: Int, limit: Int) async throws -> [WaitingJob] { [] }
    public func uniqueLocks(limit: Int) async throws -> [UniqueLockRow] { [] }
    public func unlock(_ key: String, heldBy id: String) async throws -> Bool { false }

    /// The jobs that wait for a target, the next one first; see ``waitingJobs(on:from:limit:)``.
    public func waitingJobs(on target: HoldTarget, limit: Int) async throws -> [WaitingJob] { try await waitingJobs(on: target, from: 0, limit: limit) }

    private static var without: ApiumError { ApiumError(.notAvailable, "this broker keeps no limits and pauses") }
}

extension BrokerSession {
    /// What is never asked of a broker that keeps no limits.
    public func admit(_ admissions: [Admission]) async throws -> [AdmissionOutcome] {
        throw ApiumError(.notAvailable, "this broker keeps no limits and pauses")
    }
}

extension HoldTarget {
    /// - Throws: ``ApiumError`` `badArguments` when it cannot be paused.
    package func validateForPause() throws {
        try validate()
        switch self {
        case .eachKey(let name):
            throw ApiumError(.badArguments, "all keys '\(name.prefix(100))' cannot be paused together; name one: \(name.prefix(100))=VALUE")
        case .run: throw ApiumError(.badArguments, "runs of unique jobs cannot be paused; pause the job or its queue")
        default: break
        }
    }

    /// - Throws: ``ApiumError`` `badArguments` when it cannot be limited.
    package func validateForLimit() throws {
        try validate()
        if case .run = self { throw ApiumError(.badArguments, "runs of unique jobs have their limit already") }
    }
}
