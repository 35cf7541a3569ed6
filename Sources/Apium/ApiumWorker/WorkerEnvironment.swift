import ApiumCore
import DynamicJSON
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What every run needs of its worker: one value handed down instead of many parameters.
struct WorkerEnvironment: Sendable {
    let configuration: WorkerConfiguration
    let registry: JobRegistry
    let broker: any Broker
    let results: any ResultBackend
    let client: ApiumClient
    let logger: Logger
    let metrics: WorkerMetrics
    let now: @Sendable () -> Timestamp
    let leaks: LeakedSlots
    /// The child processes; `nil` where the executable has none.
    let children: ChildPool?
    let status: WorkerStatus
    let sink: EventSink
    let reporter: JobReporter
    let pid = getpid()

    /// Makes messages of signatures, at this time of the broker's.
    func dispatcher(at now: Timestamp) -> Dispatcher {
        let registry = registry
        var dispatcher = Dispatcher(router: client.router, origin: client.origin, now: now, jobOptions: { registry[$0]?.options })
        dispatcher.format = client.format
        return dispatcher
    }

    /// What tells that the worker is there.
    var heartbeat: Heartbeat { Heartbeat(sink: sink, status: status, interval: configuration.monitoring.heartbeat ?? .seconds(2)) }

    func assignment(_ delivery: Delivery, _ message: Message, _ options: JobOptions) -> Assignment {
        var options = options
        if let limits = status.timeLimits(of: message.task) { (options.timeLimit, options.softTimeLimit) = (limits.hard, limits.soft) }
        return Assignment(
            delivery: delivery, message: message, options: options, worker: configuration.name, resultExtended: configuration.resultExtended, arguments: nil)
    }

    func context(_ job: Assignment, _ limits: JobLimits, _ effects: RunEffects) -> JobContext {
        var logger = logger
        logger[metadataKey: "job"] = "\(job.message.id)"
        logger[metadataKey: "task"] = "\(job.message.task)"
        logger[metadataKey: "attempt"] = "\(job.message.headers.retries + 1)"
        return JobContext(
            message: job.message, queue: job.delivery.queue, fence: job.delivery.fence, worker: configuration.name, logger: logger, client: client,
            services: RunServices(environment: self, job: job, effects: effects), limits: limits)
    }

    func log(_ verdict: Verdict?, _ logger: Logger, ran: Duration) {
        let metadata: Logger.Metadata = ["seconds": "\(ran.inSeconds)"]
        switch verdict {
        case .failure(let failure): logger.error("failed", metadata: metadata.merging(["error": "\(failure)"]) { $1 })
        case .lost(let failure): logger.error("its child process is gone: it runs again", metadata: metadata.merging(["error": "\(failure)"]) { $1 })
        case .quarantined(let failure): logger.error("its child process is gone: quarantined", metadata: metadata.merging(["error": "\(failure)"]) { $1 })
        case .retry(let again):
            logger.warning("retries", metadata: metadata.merging(["after": "\(again.delay)", "error": "\(again.cause?.description ?? "none")"]) { $1 })
        case .revoked(let word): logger.info("revoked", metadata: ["why": "\(word)"])
        case nil: logger.notice("abandoned: the worker stops or has lost the job")
        default: logger.debug("done", metadata: metadata)
        }
    }
}

/// The ids that must not run, as last read from the broker.
final class RevokedJobs: Sendable {
    private let state = Mutex(ControlState())

    /// The epoch of what is known.
    var epoch: Int64 { state.withLock(\.epoch) }

    /// What is known.
    var control: ControlState { state.withLock { $0 } }

    /// Whether the job must not begin.
    func forbids(_ message: Message) -> Bool { state.withLock { $0.forbids(message) } }

    func update(_ new: ControlState) { state.withLock { $0 = new } }
}
