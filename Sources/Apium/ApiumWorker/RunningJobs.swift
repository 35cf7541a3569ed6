import ApiumCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The deliveries under way, so that their jobs can be told to stop, and waited for.
///
/// A delivery (``JobRun``) is first running and then ending: its job has returned, or was given up, and what follows it is written. Only a
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
        var signal: JobLimits.Signal {
            switch self {
            case .revoked(let signal): .kill(signal: signal)
            case .timeLimit: .kill(signal: SIGKILL)
            case .abandoned: .stop
            }
        }
    }

    private struct State {
        var jobs: [DeliveryTag: JobRun] = [:]
        var waiting = WaitingRuns()
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// How long a job may take to end that was told to stop.
    private let patience: Duration

    init(patience: Duration = .seconds(3)) { self.patience = patience }

    /// How many deliveries are under way.
    var count: Int { state.withLock { $0.jobs.count } }

    /// What is under way, for whoever asks; jobs that have ended and are being written are left out.
    var jobs: [RunningJob] { all.compactMap(\.shown) }

    private var all: [JobRun] { state.withLock { Array($0.jobs.values) } }

    /// Starts jobs, in order. They are entered before they run, so that whoever stops jobs finds them.
    func start(_ runs: [JobRun]) {
        let needsLane = state.withLock { state in
            for run in runs { state.jobs[run.tag] = run }
            state.waiting.add(runs)
            return state.waiting.needsLane()
        }
        if needsLane { makeLane() }
    }

    private func makeLane() { JobLane().begin { await self.work($0) } }

    /// The life of a lane.
    private func work(_ lane: JobLane) async {
        var count = 0
        var next = next(after: nil)
        while let (run, needsLane) = next {
            if needsLane { makeLane() }
            if run.began(in: lane) { await run.execution.run(run) } else { run.execution.leave(run) }
            guard run.left() else {
                // The task was cancelled: another one goes on with what waits.
                finished(run)
                if state.withLock({ $0.waiting.needsLane() }) { makeLane() }
                return
            }
            next = self.next(after: run)
            count += 1
            if count.isMultiple(of: JobLane.patience) { await Task.yield() }
        }
    }

    /// Strikes a delivery off, and takes the next one. Only a lane that was on its way has none to strike off.
    private func next(after ended: JobRun?) -> (run: JobRun, needsLane: Bool)? {
        let (next, isIdle) = state.withLock { state in
            if let ended { state.jobs[ended.tag] = nil } else { state.waiting.laneHasCome() }
            return (state.waiting.takeFirst().map { ($0, state.waiting.needsLane()) }, state.jobs.isEmpty)
        }
        if isIdle { releaseWaiters() }
        return next
    }

    /// Tells one job to stop. One that has not ended `patience` later is given up; its delivery is then that call's to end.
    func stop(_ run: JobRun, _ reason: StopReason) {
        guard run.stop(reason) else { return }
        if case .abandoned = reason { return }
        Task {
            try? await Task.sleep(for: patience)
            guard run.beginEnding() else { return }
            await run.execution.giveUp(run, reason)
        }
    }

    /// Tells every job to stop whose message is meant.
    func stop(_ reason: StopReason, where isMeant: (Message) -> Bool) {
        for run in all { if let message = try? run.message(), isMeant(message) { stop(run, reason) } }
    }

    /// Tells all jobs to stop.
    func stopAll(_ reason: StopReason) {
        for run in all { stop(run, reason) }
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
    func finished(_ run: JobRun) {
        let isIdle = state.withLock { state in
            state.jobs[run.tag] = nil
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
