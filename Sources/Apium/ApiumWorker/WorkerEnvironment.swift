import ApiumCore
import DynamicJSON
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What every run needs of its worker: one thing handed down instead of many parameters.
final class WorkerEnvironment: Sendable {
    let configuration: WorkerConfiguration
    let registry: JobRegistry
    let broker: any Broker
    let results: any ResultBackend
    let client: ApiumClient
    let logger: Logger
    let metrics: WorkerMetrics
    /// Reads what was claimed.
    let reader: MessageReader
    /// What is counted for the broker's history.
    let history = JobHistory()
    /// What the program traces with; `nil` where it does not.
    let tracing = JobTracing.current
    let now: @Sendable () -> Timestamp
    let leaks: LeakedSlots
    /// The child processes; `nil` where the executable has none.
    let children: ChildPool?
    let status: WorkerStatus
    let sink: EventSink
    let reporter: JobReporter
    let pid = getpid()

    init(
        configuration: WorkerConfiguration, registry: JobRegistry, client: ApiumClient, logger: Logger, now: @escaping @Sendable () -> Timestamp,
        children: ChildPool?, status: WorkerStatus, sink: EventSink
    ) {
        self.configuration = configuration
        self.registry = registry
        broker = client.broker
        results = client.results
        self.client = client
        self.logger = logger
        metrics = WorkerMetrics()
        reader = MessageReader(accepting: configuration.acceptedContent)
        self.now = now
        leaks = LeakedSlots(limit: configuration.leakedSlotLimit) { status.concurrency }
        self.children = children
        self.status = status
        self.sink = sink
        reporter = JobReporter(sink, status)
    }

    /// Makes messages of signatures, at this time of the broker's.
    func dispatcher(at now: Timestamp) -> Dispatcher {
        let registry = registry
        var dispatcher = Dispatcher(router: client.router, origin: client.origin, now: now, jobOptions: { registry[$0]?.options })
        dispatcher.format = client.format
        return dispatcher
    }

    /// What tells that the worker is there.
    var heartbeat: Heartbeat { Heartbeat(sink: sink, status: status, interval: configuration.monitoring.heartbeat ?? .seconds(5)) }

    func assignment(_ delivery: Delivery, _ message: Message, _ entry: JobRegistry.Entry? = nil, _ arguments: TaskArguments? = nil) -> Assignment {
        var options = entry?.options ?? JobOptions()
        if let limits = status.timeLimits(of: message.task) { (options.timeLimit, options.softTimeLimit) = (limits.hard, limits.soft) }
        return Assignment(
            delivery: delivery, message: message, options: options, worker: configuration.name, resultExtended: configuration.resultExtended,
            arguments: arguments, parameters: entry?.parameters ?? [])
    }

    func context(_ job: Assignment, _ limits: JobLimits, _ effects: RunEffects) -> JobContext {
        JobContext(
            message: job.message, queue: job.delivery.queue, fence: job.delivery.fence, worker: configuration.name, logger: logger, client: client,
            services: RunServices(environment: self, job: job, effects: effects), limits: limits)
    }

    func log(_ verdict: Verdict?, _ context: JobContext, ran: Duration) {
        // A logger with a job's metadata is made only where something is written.
        if case .success = verdict, logger.logLevel > .debug { return }
        let seconds: Logger.MetadataValue = "\(ran.inSeconds)"
        switch verdict {
        case .failure(let failure): context.logger.error("failed", metadata: ["seconds": seconds, "error": "\(failure)"])
        case .lost(let failure):
            context.logger.error("its child process is gone: it runs again", metadata: ["seconds": seconds, "error": "\(failure)"])
        case .quarantined(let failure):
            context.logger.error("its child process is gone: quarantined", metadata: ["seconds": seconds, "error": "\(failure)"])
        case .retry(let again):
            context.logger.warning(
                "retries", metadata: ["seconds": seconds, "after": "\(again.delay)", "error": "\(again.cause?.description ?? "none")"])
        case .revoked(let word): context.logger.info("revoked", metadata: ["why": "\(word)"])
        case nil: context.logger.notice("abandoned: the worker stops or has lost the job")
        default: context.logger.debug("done", metadata: ["seconds": seconds])
        }
    }
}
