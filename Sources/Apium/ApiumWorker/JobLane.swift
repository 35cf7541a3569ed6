import Synchronization

/// A task that runs one claimed job after another, for as long as some wait: making, waking and ending a task for each of many short jobs
/// would cost as much as reading its message.
///
/// Before a lane runs a job it makes sure that another one is on its way if more jobs wait. So a job that suspends, or that takes its time, holds up
/// nobody: the next lane begins as soon as the pool has a thread for it, and meanwhile there is one task more, not one for each job.
final class JobLane: Sendable {
    private struct State {
        var task: Task<Void, Never>?
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// How many jobs it runs before it lets other tasks of the pool have the thread.
    static let patience = 16

    /// Begins; `work` is the task's whole life.
    func begin(_ work: @escaping @Sendable (JobLane) async -> Void) {
        let task = Task { await work(self) }
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Cancels the job that runs now. A cancelled task stays so: the lane ends with this job.
    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }
}

/// The claimed jobs that no lane has taken yet, in order.
struct WaitingRuns {
    private var runs: [JobRun?] = []
    private var first = 0
    /// Whether a lane is on its way that has not taken one.
    private var isLaneComing = false

    mutating func add(_ more: [JobRun]) { runs += more }

    /// Whether the caller has to make a lane: jobs wait, and none is on its way to them.
    mutating func needsLane() -> Bool {
        guard first < runs.count, !isLaneComing else { return false }
        isLaneComing = true
        return true
    }

    /// The lane that was on its way has come.
    mutating func laneHasCome() { isLaneComing = false }

    /// Takes the first; nothing of it is left here, so that it is freed where it ran and not under the caller's lock.
    mutating func takeFirst() -> JobRun? {
        guard first < runs.count else { return nil }
        let run = runs[first].take()
        first += 1
        if first == runs.count || first > 1024 {
            runs.removeFirst(first)
            first = 0
        }
        return run
    }
}
