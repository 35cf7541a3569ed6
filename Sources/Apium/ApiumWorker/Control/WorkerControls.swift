import ApiumCore
import DynamicJSON
import Logging

/// What remote control may ask and change of one worker.
struct WorkerControls: ControlledWorker {
    let environment: WorkerEnvironment
    let stop: StopSignal
    let operations: QueueOperations

    var status: WorkerStatus { environment.status }
    var sink: EventSink { environment.sink }
    var results: any ResultBackend { environment.results }
    var logger: Logger { environment.logger }
    var clock: LamportClock { status.clock }
    var heartbeat: Heartbeat { environment.heartbeat }

    func now() -> Timestamp { environment.now() }

    func knows(_ task: String) -> Bool { environment.registry[task] != nil }

    /// The worker as it is now.
    func snapshot() -> WorkerSnapshot {
        let session = status.session
        return WorkerSnapshot(
            node: name, pid: environment.pid, children: environment.children?.census.map(\.pid) ?? [], clock: clock.value, uptime: .now - status.began,
            configuration: environment.configuration,
            registry: environment.registry, server: environment.broker.controlTransport?.server, queues: status.queues, bindings: status.bindings,
            concurrency: status.concurrency,
            jobs: session?.running.jobs ?? [], totals: status.totals, control: session?.control ?? ControlState(), rateLimits: status.rateLimitTexts)
    }

    /// The jobs that wait for their time on this worker's queues. One that is on its way from its queue to the others is in neither
    /// place for a moment, so it is looked twice.
    func scheduled() async throws -> [ScheduledJob] {
        let first = try await environment.broker.scheduledJobs(on: status.queues, limit: scheduledLimit)
        try await Task.sleep(for: .milliseconds(20))
        let second = try await environment.broker.scheduledJobs(on: status.queues, limit: scheduledLimit)
        let running = Set(snapshot().active.map(\.message.id))
        var jobs = Dictionary(first.map { ($0.message.id, $0) }) { $1 }
        for job in second { jobs[job.message.id] = job }
        let current = now()
        // What was seen first only has gone to its queue meanwhile, if its time has come.
        let seenTwice = Set(second.map(\.message.id))
        return jobs.values.filter { (seenTwice.contains($0.message.id) || $0.due > current) && !running.contains($0.message.id) }.sorted { $0.due < $1.due }
    }

    private var scheduledLimit: Int { 10_000 }

    /// More slots, or fewer, and with them children.
    func resizePool(by slots: Int) throws {
        try status.resize(by: slots)
        environment.children?.resize(to: status.concurrency)
        environment.leaks.resized()
    }

    /// Puts an order into the broker's state; this worker knows of it when the call returns.
    func order(_ revocation: Revocation) async throws {
        try await environment.broker.revoke(revocation)
        await status.session?.readControl()
    }

    /// Takes over what another worker has revoked, without what is known.
    func takeOver(_ ids: [String]) async throws {
        let new = Set(ids).subtracting(snapshot().control.revoked)
        if !new.isEmpty { try await order(Revocation(ids: new.sorted())) }
    }

    /// Lets running jobs end, then stops the worker.
    func shutdown(_ reason: String) {
        logger.warning("stopping: \(reason.prefix(200))")
        stop.raise(.gracefully)
    }

    // MARK: ControlledWorker

    var name: String { environment.configuration.name }
    var queues: [String] { status.queues }
    var pendingOperations: Int { status.pendingOperations }
    func addConsumer(_ queue: String) { addConsumer(queue, exchange: nil, routingKey: nil) }

    /// Serves a queue, bound as told, else as the client's router would bind it.
    func addConsumer(_ queue: String, exchange: String?, routingKey: String?) {
        let known = exchange == nil && routingKey == nil ? (try? environment.client.router.bindings(of: [queue]))?.first : nil
        operations.add(.serve(known ?? QueueBinding(exchange: exchange ?? queue, routingKey: routingKey ?? queue, queue: queue)))
    }

    func cancelConsumer(_ queue: String) { operations.add(.leave(queue)) }
}
