import ApiumCore
import DynamicJSON
import Logging
import Synchronization

/// The child processes of a worker: places runs and waits for their ends.
///
/// Lazy: no thread and no process before the first run. It outlives sessions; ``shutdown()`` ends all children.
final class ChildPool: Sendable {
    private struct Waiter {
        var placing: CheckedContinuation<Result<Int32, NoChild>, Never>?
        var ending: CheckedContinuation<ChildPoolState.RunEnd, Never>?
        var handlers: ChildRunHandlers?
        var job: String?
        /// The end that came before anybody waited for it.
        var end: ChildPoolState.RunEnd?
    }

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        var nextRun: UInt64 = 1
        var hasBegun = false
        var closing: [CheckedContinuation<Void, Never>] = []
        var isOver = false
    }

    /// Why a run got no child.
    struct NoChild: Error, CustomStringConvertible {
        /// Whether it was stopped while it waited.
        var isWithdrawn: Bool
        var description: String
    }

    private let state: Mutex<State>
    private let supervisor: Mutex<ChildSupervisor?>
    private let limits: Mutex<ChildPoolState.Limits>
    private let logger: Logger

    init(children: Int, options: IsolationOptions, logger: Logger) {
        limits = Mutex(ChildPoolState.Limits(children: children, options: options))
        self.logger = logger
        state = Mutex(State())
        supervisor = Mutex(nil)
    }

    /// The children that live now.
    var census: [ChildSnapshot] {
        let census = supervisor.withLock { $0 }?.census ?? []
        return state.withLock { state in census.map { ChildSnapshot(pid: $0.pid, run: $0.run, job: $0.run.flatMap { state.waiters[$0]?.job }) } }
    }

    /// The longest message that fits a frame.
    static let messageLimit = (FrameReader.limit - 4096) / 4 * 3

    /// Waits for a child that is free. The caller runs something in it, or releases it.
    ///
    /// - Throws: ``NoChild`` when none could be started, or the task is cancelled first.
    func place() async throws(NoChild) -> ChildPlace {
        let run = state.withLock { state in
            defer { state.nextRun += 1 }
            state.waiters[state.nextRun] = Waiter()
            return state.nextRun
        }
        let order = ChildSupervisor.StopOrder(killAfter: .zero)
        let answer: Result<Int32, NoChild> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiters[run]?.placing = continuation }
                submit(.want(run))
                // The handler may have come before the run was wanted.
                if Task.isCancelled { submit(.stop(run, order)) }
            }
        } onCancel: {
            submit(.stop(run, order))
        }
        return ChildPlace(run: run, pid: try answer.get(), pool: self)
    }

    /// The worker has so many slots from now on: as many children may take jobs.
    func resize(to count: Int) {
        limits.withLock { $0.children = count }
        // Before the first run there is nobody to tell: whoever begins takes the limits as they are then.
        _ = supervisor.withLock { $0 }?.submit(.resize(count))
    }

    /// Ends all children, and waits until they are gone.
    func shutdown() async {
        guard let supervisor = supervisor.withLock({ $0 }) else { return }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.closing.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume() } else if !supervisor.submit(.shut) { ended() }
        }
    }

    // MARK: For places

    fileprivate func begin(_ order: ChildRun, job: String, _ handlers: ChildRunHandlers) async -> ChildPoolState.RunEnd {
        await withCheckedContinuation { continuation in
            let end = state.withLock { state -> ChildPoolState.RunEnd? in
                guard let end = state.waiters[order.number]?.end else {
                    state.waiters[order.number, default: Waiter()].ending = continuation
                    state.waiters[order.number]?.handlers = handlers
                    state.waiters[order.number]?.job = job
                    return nil
                }
                state.waiters[order.number] = nil
                return end
            }
            if let end { continuation.resume(returning: end) } else { submit(.begin(order)) }
        }
    }

    fileprivate func stop(_ run: UInt64, _ order: ChildSupervisor.StopOrder) { submit(.stop(run, order)) }

    fileprivate func release(_ run: UInt64) {
        state.withLock { $0.waiters[run] = nil }
        submit(.release(run))
    }

    // MARK: The thread's side

    private func submit(_ command: ChildSupervisor.Command) {
        let supervisor = supervisor.withLock { supervisor -> ChildSupervisor? in
            if supervisor == nil { supervisor = makeSupervisor() }
            return supervisor
        }
        if supervisor?.submit(command) == true { return }
        switch command {
        case .want(let run): finished(run, .unstartable("the system gives no thread or no descriptor for child processes, or the worker has stopped"))
        case .begin(let order): finished(order.number, .withdrawn)
        case .resize, .release, .stop, .answer, .shut: break
        }
    }

    private func makeSupervisor() -> ChildSupervisor? {
        ChildSupervisor(
            limits: limits.withLock { $0 },
            listener: ChildSupervisor.Listener(
                placed: { [weak self] in self?.placed($0, $1) }, asked: { [weak self] in self?.asked($0, $1, $2) },
                finished: { [weak self] in self?.finished($0, $1) },
                note: { [weak self] in self?.log($0, $1) }, ended: { [weak self] in self?.ended() }))
    }

    private func placed(_ run: UInt64, _ pid: Int32) {
        let waiting = state.withLock { state in
            defer { state.waiters[run]?.placing = nil }
            return state.waiters[run]?.placing
        }
        waiting?.resume(returning: .success(pid))
    }

    private func asked(_ run: UInt64, _ question: UInt64, _ content: ChildQuestion) {
        let handlers = state.withLock { $0.waiters[run]?.handlers }
        handlers?.asked(content) { [weak self] in self?.submit(.answer(run, question: question, $0)) }
    }

    private func finished(_ run: UInt64, _ end: ChildPoolState.RunEnd) {
        let waiter = state.withLock { state -> Waiter? in
            guard let waiter = state.waiters[run] else { return nil }
            // One that is placed and has not begun learns it when it begins.
            let isAwaited = waiter.placing != nil || waiter.ending != nil
            if isAwaited { state.waiters[run] = nil } else { state.waiters[run]?.end = end }
            return waiter
        }
        waiter?.ending?.resume(returning: end)
        switch end {
        case .unstartable(let reason): waiter?.placing?.resume(returning: .failure(NoChild(isWithdrawn: false, description: reason)))
        default: waiter?.placing?.resume(returning: .failure(NoChild(isWithdrawn: true, description: "it was stopped while it waited for a child process")))
        }
    }

    private func ended() {
        let waiters = state.withLock { state in
            defer { state.closing = [] }
            state.isOver = true
            return state.closing
        }
        for waiter in waiters { waiter.resume() }
    }

    private func log(_ note: ChildPoolState.Note, _ pid: Int32?) {
        let process: Logger.Metadata = pid.map { ["child": "\($0)"] } ?? [:]
        switch note {
        case .failedToStart(let reason): logger.error("a child process could not be started", metadata: ["error": "\(reason)"])
        case .garbage(_, let complaint):
            logger.error("a child process sent what it may not send, and is killed", metadata: process.merging(["error": "\(complaint)"]) { $1 })
        case .recycled(_, let jobs, let resident):
            logger.info("a child process is recycled", metadata: process.merging(["jobs": "\(jobs)", "resident_kib": "\(resident)"]) { $1 })
        case .died(_, let end, _): logger.warning("a child process has ended", metadata: process.merging(["how": "\(end)"]) { $1 })
        }
    }
}

/// A child that is kept for one run.
struct ChildPlace: Sendable {
    /// The number of the run.
    let run: UInt64
    /// The child's process id; another's, should this one die before the run has begun.
    let pid: Int32
    fileprivate let pool: ChildPool

    /// Runs a job there and waits for its end. Cancelling the calling task does nothing: ``stop(_:)`` does.
    func run(_ message: Message, queue: String, fence: Int64, _ handlers: ChildRunHandlers) async -> ChildPoolState.RunEnd {
        await pool.begin(ChildRun(number: run, queue: queue, fence: fence, payload: message.encoded()), job: message.id, handlers)
    }

    /// Tells the job to stop.
    func stop(_ order: ChildSupervisor.StopOrder) { pool.stop(run, order) }

    /// Gives the child back unused.
    func release() { pool.release(run) }
}

/// What a run in a child may want while it is under way; called on the supervising thread, so it waits for nothing.
struct ChildRunHandlers: Sendable {
    /// The job asks something; the second argument takes the answer.
    var asked: @Sendable (ChildQuestion, _ answer: @escaping @Sendable (ChildAnswer) -> Void) -> Void
}
