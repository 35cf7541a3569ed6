import ApiumCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The deliveries under way, so that their jobs can be told to stop, and waited for.
///
/// A delivery is first running and then ending: its job has returned, or was given up, and what follows it is written. Only a
/// running job is revoked or stopped for its time; either kind is abandoned with the session.
final class RunningJobs: Sendable {
    /// Why a job was told to stop: decides how it ends.
    enum StopReason: Sendable {
        /// Somebody terminated it: it ends as REVOKED, in a child process by this signal.
        case revoked(signal: Int32 = SIGTERM)
        /// Its time is up: it fails with `TimeLimitExceeded`.
        case timeLimit(Duration)
        /// The worker stops, or has lost its lease: the job is not this worker's to end.
        case abandoned

        /// How the job is told: a child process is terminated as Celery's pool does it, or killed.
        fileprivate var signal: JobLimits.Signal {
            switch self {
            case .revoked(let signal): .kill(signal: signal)
            case .timeLimit: .kill(signal: SIGKILL)
            case .abandoned: .stop
            }
        }
    }

    private struct Running {
        var job: RunningJob
        var limits = JobLimits()
        var task: Task<Void, Never>?
        var reason: StopReason?
        var isEnding = false
        var isAbandoned = false
        /// What ends the delivery of a job that does not end by itself.
        var onOverdue: @Sendable (StopReason) async -> Void
    }

    private struct State {
        var jobs: [DeliveryTag: Running] = [:]
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// How long a job may take to end that was told to stop.
    private let patience: Duration

    init(patience: Duration = .seconds(3)) { self.patience = patience }

    /// How many deliveries are under way.
    var count: Int { state.withLock { $0.jobs.count } }

    /// What is under way, for whoever asks; jobs that have ended and are being written are left out.
    var jobs: [RunningJob] { state.withLock { $0.jobs.values.filter { !$0.isEnding }.map(\.job) } }

    /// Starts a job as a task of its own. It is entered before the task exists, so that the task finds itself here; a
    /// stop that comes in between is carried out as soon as the task is known.
    ///
    /// - Parameter onOverdue: called once when the job has not ended `patience` after it was told to stop; the delivery is then
    ///   this call's to end.
    func start(
        _ delivery: Delivery, _ message: Message, onOverdue: @escaping @Sendable (StopReason) async -> Void = { _ in },
        _ body: @escaping @Sendable (JobLimits) async -> Void
    ) {
        let tag = delivery.tag
        let limits = JobLimits()
        state.withLock { $0.jobs[tag] = Running(job: RunningJob(message: message, queue: delivery.queue), limits: limits, onOverdue: onOverdue) }
        let task = Task {
            await body(limits)
            finished(tag)
        }
        let stopNow = state.withLock { state -> Bool in
            state.jobs[tag]?.task = task
            return state.jobs[tag]?.reason != nil
        }
        if stopNow { task.cancel() }
    }

    /// Tells one job to stop. The first reason stays; one that is ending already can only be abandoned.
    func stop(_ tag: DeliveryTag, _ reason: StopReason) {
        let stopped = state.withLock { state -> Running? in
            guard let job = state.jobs[tag] else { return nil }
            if case .abandoned = reason { state.jobs[tag]?.isAbandoned = true }
            guard job.reason == nil, !job.isEnding else { return nil }
            state.jobs[tag]?.reason = reason
            return job
        }
        guard let stopped else { return }
        stopped.limits.raise(reason.signal)
        stopped.task?.cancel()
        if case .abandoned = reason { return }
        Task {
            try? await Task.sleep(for: patience)
            guard beginEnding(tag) else { return }
            await stopped.onOverdue(reason)
        }
    }

    /// Tells a job that its soft limit has passed: its task is cancelled, and it may still end well.
    func softLimit(_ tag: DeliveryTag) {
        let job = state.withLock { state in state.jobs[tag].flatMap { $0.reason == nil && !$0.isEnding ? $0 : nil } }
        job?.limits.raise(.soft)
        job?.task?.cancel()
    }

    /// Tells every job to stop whose message is meant.
    func stop(_ reason: StopReason, where isMeant: (Message) -> Bool) {
        for tag in state.withLock({ state in state.jobs.filter { isMeant($0.value.job.message) }.map(\.key) }) { stop(tag, reason) }
    }

    /// The job begins to run: from now on it is active, not reserved.
    func began(_ tag: DeliveryTag, at time: Timestamp, isAcknowledged: Bool, pid: Int32? = nil) {
        state.withLock { state in
            state.jobs[tag]?.job.began = time
            state.jobs[tag]?.job.isAcknowledged = isAcknowledged
            state.jobs[tag]?.job.pid = pid
        }
    }

    /// Tells all jobs to stop.
    func stopAll(_ reason: StopReason) {
        for tag in state.withLock({ Array($0.jobs.keys) }) { stop(tag, reason) }
    }

    /// Why the job was told to stop, if it was.
    func stopReason(_ tag: DeliveryTag) -> StopReason? { state.withLock { $0.jobs[tag]?.reason } }

    /// Whether the delivery is no longer this worker's to end.
    func isAbandoned(_ tag: DeliveryTag) -> Bool { state.withLock { $0.jobs[tag]?.isAbandoned ?? true } }

    /// Takes the right to end a delivery: true for the first caller, the job's own return or the one that gave it up.
    func beginEnding(_ tag: DeliveryTag) -> Bool {
        state.withLock { state in
            guard state.jobs[tag]?.isEnding == false else { return false }
            state.jobs[tag]?.isEnding = true
            return true
        }
    }

    /// Waits until no delivery is under way, or the time has passed; answers whether none is.
    func waitUntilIdle(within limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.untilIdle()
                return true
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let idle = await group.next() ?? false
            // The other child is let go: the sleeper by cancellation, the waiter by a resumed continuation.
            group.cancelAll()
            if !idle { releaseWaiters() }
            return idle
        }
    }

    /// Strikes a delivery off: its end is written, or given up.
    func finished(_ tag: DeliveryTag) {
        let isIdle = state.withLock { state in
            state.jobs[tag] = nil
            return state.jobs.isEmpty
        }
        if isIdle { releaseWaiters() }
    }

    private func untilIdle() async {
        await withCheckedContinuation { continuation in
            let idle = state.withLock { state -> Bool in
                if state.jobs.isEmpty { return true }
                state.idleWaiters.append(continuation)
                return false
            }
            if idle { continuation.resume() }
        }
    }

    private func releaseWaiters() {
        let waiters = state.withLock { state in
            defer { state.idleWaiters = [] }
            return state.idleWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// A job under way as inspection shows it.
struct RunningJob: Sendable {
    /// What was claimed; decoded when somebody asks.
    var message: Message
    /// Where it came from.
    var queue: String
    /// When it began to run; `nil` while it is only claimed.
    var began: Timestamp?
    /// Whether it was acknowledged before its run.
    var isAcknowledged = false
    /// The process it runs in, when it is not the worker's own.
    var pid: Int32?

    init(message: Message, queue: String) {
        self.message = message
        self.queue = queue
    }
}
