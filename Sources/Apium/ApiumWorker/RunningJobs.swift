import ApiumCore
import Synchronization

/// The jobs under way, so that they can be told to stop, and waited for.
final class RunningJobs: Sendable {
    /// Why a job was told to stop: decides how it ends.
    enum StopReason: Sendable {
        /// Somebody revoked it: it ends as REVOKED.
        case revoked
        /// Its time is up: it fails with `TimeLimitExceeded`.
        case timeLimit(Duration)
        /// The worker stops, or has lost its lease: the job is not this worker's to end.
        case abandoned
    }

    private struct Running {
        var id: String
        var task: Task<Void, Never>?
        var reason: StopReason?
    }

    private struct State {
        var jobs: [DeliveryTag: Running] = [:]
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// How many jobs are under way.
    var count: Int { state.withLock { $0.jobs.count } }

    /// Starts a job as a task of its own. It is entered before the task exists, so that the task finds itself here; a
    /// stop that comes in between is carried out as soon as the task is known.
    func start(_ tag: DeliveryTag, id: String, _ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.jobs[tag] = Running(id: id) }
        let task = Task {
            await body()
            finished(tag)
        }
        let stopNow = state.withLock { state -> Bool in
            state.jobs[tag]?.task = task
            return state.jobs[tag]?.reason != nil
        }
        if stopNow { task.cancel() }
    }

    /// Tells one job to stop. The first reason stays.
    func stop(_ tag: DeliveryTag, _ reason: StopReason) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard state.jobs[tag] != nil, state.jobs[tag]?.reason == nil else { return nil }
            state.jobs[tag]?.reason = reason
            return state.jobs[tag]?.task
        }
        task?.cancel()
    }

    /// Tells every job to stop whose id is among `ids`.
    func stop(ids: Set<String>, _ reason: StopReason) {
        for tag in state.withLock({ state in state.jobs.filter { ids.contains($0.value.id) }.map(\.key) }) { stop(tag, reason) }
    }

    /// Tells all jobs to stop.
    func stopAll(_ reason: StopReason) {
        for tag in state.withLock({ Array($0.jobs.keys) }) { stop(tag, reason) }
    }

    /// Why the job was told to stop, if it was.
    func stopReason(_ tag: DeliveryTag) -> StopReason? { state.withLock { $0.jobs[tag]?.reason } }

    /// Waits until no job is under way, or the time has passed; answers whether none is.
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

    private func finished(_ tag: DeliveryTag) {
        let isIdle = state.withLock { state in
            state.jobs[tag] = nil
            return state.jobs.isEmpty
        }
        if isIdle { releaseWaiters() }
    }

    private func releaseWaiters() {
        let waiters = state.withLock { state in
            defer { state.idleWaiters = [] }
            return state.idleWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
