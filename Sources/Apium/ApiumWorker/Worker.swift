import ApiumCore
import Logging
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Claims jobs, runs them and writes how they ended.
///
/// ```swift
/// var registry = JobRegistry()
/// registry.register(CheckPrice.self, using: services)
/// let worker = try Worker(client: apium, registry: registry, configuration: .init(queues: ["checks"]), logger: logger)
/// try await worker.run()
/// ```
///
/// `run()` ends after a graceful shutdown: claiming stops, running jobs have the grace period, then they are cancelled,
/// and what is left goes back to the front of its queue. Cancelling the task that runs it does the same without grace.
/// It throws ``ApiumError`` `slotsLost` when too many jobs did not react to being stopped: the process is to be started anew.
public final class Worker: Service {
    let environment: WorkerEnvironment
    private let board: HealthBoard
    let gauges: WorkerGauges
    /// What ends the run under way.
    private let current = Mutex<StopSignal?>(nil)

    /// Makes a worker.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration`, naming every fault at once; `queueNotFound` when the client's router does not know a queue.
    public init(
        client: ApiumClient, registry: JobRegistry, configuration: WorkerConfiguration, logger: Logger, now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) throws {
        try configuration.validate()
        let bindings = try client.router.bindings(of: configuration.queues)
        var logger = logger
        logger[metadataKey: "worker"] = "\(configuration.name)"
        let status = WorkerStatus(configuration, bindings)
        let sink = EventSink(client.broker.eventTransport, configuration, pid: getpid(), clock: status.clock, now: now, logger: logger)
        environment = WorkerEnvironment(
            configuration: configuration, registry: BuiltinTasks.adding(to: registry), client: client, logger: logger, now: now,
            children: configuration.isolation.isSupported
                ? ChildPool(children: configuration.concurrency, options: configuration.isolation, logger: logger) : nil,
            status: status, sink: sink)
        board = HealthBoard(lease: configuration.lease, status, environment.leaks)
        gauges = WorkerGauges(client.broker, declared: client.router.queues.map(\.name), logger: logger)
        warnOfJobsThatCannotBeIsolated()
    }

    /// Whether the worker is able to work: not when it is stopping, though what it runs goes on.
    public var health: WorkerHealth {
        var health = board.health
        if current.withLock({ $0 })?.isRaised ?? false { (health.isReady, health.reason) = (false, "it is stopping") }
        return health
    }

    /// The child processes that live now.
    public var childProcesses: [ChildSnapshot] { environment.children?.census ?? [] }

    /// How a worker is made to stop.
    public enum Shutdown: Sendable, Hashable {
        /// Running jobs have the grace period; then as ``cancelling``. What a graceful shutdown of its service group does.
        case gracefully
        /// Running jobs are cancelled and have ``WorkerConfiguration/cancellationPeriod`` to end; what is left goes back to its queue.
        case cancelling
        /// Running jobs are cancelled, and everything that is not written as ended goes back at once: the process is to exit then, for a job
        /// that does not react to its cancellation goes on until it does.
        case immediately
    }

    /// Stops the worker: claiming ends now, and ``run()`` returns when all is given back. A more urgent call hurries an earlier one on, a
    /// less urgent one changes nothing.
    public func shutDown(_ shutdown: Shutdown) {
        let urgency: StopSignal.Urgency =
            switch shutdown {
            case .gracefully: .gracefully
            case .cancelling: .now
            case .immediately: .atOnce
            }
        current.withLock { $0 }?.raise(urgency)
    }

    /// Works until shut down.
    public func run() async throws {
        let stop = StopSignal()
        current.withLock { $0 = stop }
        environment.leaks.whenExceeded { stop.raise(.gracefully) }
        var failure: (any Error)?
        do { try await run(until: stop) } catch { failure = error }
        // Children outlive sessions, not the worker; the wait must not be cut short by the cancellation that ended it.
        let children = environment.children
        await Task { await children?.shutdown() }.value
        if let failure { throw failure }
    }

    private func run(until stop: StopSignal) async throws {
        try await withGracefulShutdownHandler {
            try await withTaskCancellationHandler {
                try await watched(stop) { try await work(until: stop, $0) }
            } onCancel: {
                stop.raise(.now)
            }
        } onGracefulShutdown: {
            stop.raise(.gracefully)
        }
    }

    /// One session after another: a lost lease ends a session, and the worker starts again with a new one; after a growing wait when that is lost
    /// before it could be renewed for long, for then the next one may be lost as well, and each leaves traces on the server.
    private func work(until stop: StopSignal, _ operations: QueueOperations) async throws {
        let configuration = environment.configuration
        var delay = configuration.reconnectDelay
        while !stop.isRaised {
            do {
                let queues = environment.status.served
                let session = try await environment.broker.openSession(identity(serving: queues))
                let opened = SuspendingClock.now
                let run = WorkerSession(environment: environment, session: session, serving: queues, stop: stop)
                board.opened(session) { run.running.count }
                environment.status.opened(run)
                operations.sessionOpened()
                await run.serve()
                environment.status.closed()
                environment.reporter.sessionEnded()
                board.closed(nil)
                if run.hasLostLease, opened.duration(to: .now) < configuration.lease {
                    environment.logger.notice("the lease was lost soon; trying again", metadata: ["after": "\(delay)"])
                    await stop.wait(atMost: delay)
                    delay = Self.longer(delay)
                } else {
                    delay = configuration.reconnectDelay
                }
            } catch let error as ApiumError where [.invalidConfiguration, .notAvailable, .notPermitted].contains(error.code) {
                throw error
            } catch {
                board.closed("\(error)")
                environment.logger.error("the broker cannot be reached; trying again", metadata: ["error": "\(error)", "after": "\(delay)"])
                await stop.wait(atMost: delay)
                delay = Self.longer(delay)
            }
        }
        environment.logger.info("stopped")
        if environment.leaks.isExceeded {
            throw ApiumError(.slotsLost, "\(environment.leaks.count) jobs did not react to being stopped and still hold their slots; start the worker anew")
        }
    }

    private static func longer(_ delay: Duration) -> Duration { min(delay * 2, .seconds(1)) }

    private func warnOfJobsThatCannotBeIsolated() {
        guard environment.children == nil else { return }
        let isolated = environment.registry.names.filter { environment.registry[$0]?.options.isolated == true }
        guard !isolated.isEmpty else { return }
        environment.logger.warning(
            "isolated jobs run in this process: the executable does not serve as a child process", metadata: ["jobs": "\(isolated.joined(separator: ","))"])
    }

    private func identity(serving queues: ServedQueues) -> WorkerIdentity {
        WorkerIdentity(
            name: environment.configuration.name, pid: getpid(), queues: queues.names, bindings: queues.bindings,
            jobs: environment.registry.names, lease: environment.configuration.lease)
    }
}
