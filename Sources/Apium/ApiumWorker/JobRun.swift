import ApiumCore
import Synchronization

/// One delivery under way: what was claimed, and what was said to its job. It has a lock of its own, so that jobs do not wait for
/// one another.
final class JobRun: Sendable {
    let delivery: Delivery
    /// What the worker tells the job.
    let limits = JobLimits()
    /// Who runs it, and ends it when it does not end by itself.
    let execution: JobExecution

    private struct State {
        var message: Message?
        /// Whose task runs it, while it does.
        var lane: JobLane?
        var hasPassedSoftLimit = false
        var reason: RunningJobs.StopReason?
        var isEnding = false
        var isAbandoned = false
        /// What became of its slot when it was given up.
        var slot = Slot.held
        var began: Timestamp?
        var isAcknowledged = false
        var pid: Int32?
    }

    private enum Slot {
        case held
        case lost
        case returned
    }

    private let state = Mutex(State())

    init(_ delivery: Delivery, _ execution: JobExecution) {
        self.delivery = delivery
        self.execution = execution
    }

    /// One whose message has been read, and changed, since it was claimed.
    init(_ delivery: Delivery, _ message: Message, _ execution: JobExecution) {
        self.delivery = delivery
        self.execution = execution
        state.withLock { $0.message = message }
    }

    var tag: DeliveryTag { delivery.tag }

    /// What was claimed; read when it is first asked for, by the job's task as a rule.
    func message() throws -> Message {
        if let known = state.withLock(\.message) { return known }
        let message = try execution.environment.reader.message(delivery.payload)
        state.withLock { $0.message = message }
        return message
    }

    /// Why the job was told to stop, if it was.
    var stopReason: RunningJobs.StopReason? { state.withLock(\.reason) }

    /// Whether the delivery is no longer this worker's to end.
    var isAbandoned: Bool { state.withLock(\.isAbandoned) }

    /// As inspection shows it; `nil` for a job that has ended and is being written, and for what is no message.
    var shown: RunningJob? {
        guard let message = try? message() else { return nil }
        return state.withLock { state in
            guard !state.isEnding else { return nil }
            var job = RunningJob(message: message, queue: delivery.queue)
            (job.began, job.isAcknowledged, job.pid) = (state.began, state.isAcknowledged, state.pid)
            return job
        }
    }

    /// The lane begins with it; a stop that came before is carried out.
    /// - Returns: False when there is nothing to run any more: it is another worker's, or was given up.
    func began(in lane: JobLane) -> Bool {
        let (stopNow, isOurs) = state.withLock { state in
            state.lane = lane
            return (state.reason != nil, !state.isAbandoned && !state.isEnding)
        }
        if stopNow { lane.cancel() }
        return isOurs
    }

    /// The lane has done with it, and will not be cancelled for it any more.
    /// - Returns: Whether the lane may go on: it has not been cancelled for this job, nor is anybody about to.
    func left() -> Bool {
        state.withLock { state in
            state.lane = nil
            return state.reason == nil && !state.hasPassedSoftLimit
        }
    }

    /// The job begins to run: from now on it is active, not reserved.
    func began(at time: Timestamp, isAcknowledged: Bool, pid: Int32? = nil) {
        state.withLock { ($0.began, $0.isAcknowledged, $0.pid) = (time, isAcknowledged, pid) }
    }

    /// Tells the job to stop; false when it was told before, or is ending already: then it can only be abandoned.
    func stop(_ reason: RunningJobs.StopReason) -> Bool {
        let lane = state.withLock { state -> JobLane?? in
            if case .abandoned = reason { state.isAbandoned = true }
            guard state.reason == nil, !state.isEnding else { return nil }
            state.reason = reason
            return .some(state.lane)
        }
        guard let lane else { return false }
        limits.raise(reason.signal)
        lane?.cancel()
        return true
    }

    /// Tells the job that its soft limit has passed: its task is cancelled, and it may still end well.
    func softLimit() {
        let (isMeant, lane) = state.withLock { state in
            let isMeant = state.reason == nil && !state.isEnding && state.lane != nil
            if isMeant { state.hasPassedSoftLimit = true }
            return (isMeant, state.lane)
        }
        guard isMeant else { return }
        limits.raise(.soft)
        lane?.cancel()
    }

    /// The job was given up, and its slot with it.
    /// - Returns: False when the job has come back meanwhile: then nothing is lost.
    func losesSlot() -> Bool {
        state.withLock { state in
            guard state.slot == .held else { return false }
            state.slot = .lost
            return true
        }
    }

    /// The job has come back, and its delivery was ended without it.
    /// - Returns: Whether its slot was counted as lost.
    func returnsSlot() -> Bool {
        state.withLock { state in
            defer { state.slot = .returned }
            return state.slot == .lost
        }
    }

    /// Takes the right to end the delivery: true for the first caller, the job's own return or the one that gave it up.
    func beginEnding() -> Bool {
        state.withLock { state in
            defer { state.isEnding = true }
            return !state.isEnding
        }
    }
}

/// A job under way as inspection shows it.
struct RunningJob: Sendable {
    /// What was claimed.
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
