import ApiumCore
import DynamicJSON
import Synchronization

/// What is true of a worker beyond one session: what remote control has changed, and what it has done so far.
final class WorkerStatus: Sendable {
    /// The worker's logical clock: moved by every control message, and carried by every event and reply.
    let clock = LamportClock()
    /// When the worker began.
    let began = ContinuousClock.now

    private struct State {
        var served: ServedQueues
        var concurrency: Int
        var totals: [String: Int] = [:]
        var processed = 0
        var timeLimits: [String: TaskTimeLimits] = [:]
        var rateLimits: [String: RateLimit] = [:]
        var stamps: [String: Set<JSONValue>] = [:]
        var buckets = RateBuckets()
        var session: WorkerSession?
        var operations = 0
        var isOnDuty = false
    }

    private let state: Mutex<State>
    /// Whether remote control has set rules for jobs; while it has not, no job waits for the lock to be told so.
    private let hasRules = Atomic(false)

    init(_ configuration: WorkerConfiguration, _ bindings: [QueueBinding]) {
        state = Mutex(State(served: ServedQueues(names: configuration.queues, bindings: bindings), concurrency: configuration.concurrency))
    }

    /// The queues that are served, in order.
    var queues: [String] { served.names }

    /// What is declared for them.
    var bindings: [QueueBinding] { served.bindings }

    /// Both, as they are at one moment.
    var served: ServedQueues { state.withLock(\.served) }

    /// How many jobs may run at once.
    var concurrency: Int { state.withLock(\.concurrency) }

    /// Whether this worker does the shared duties, as its last round of maintenance found.
    var isOnDuty: Bool {
        get { state.withLock(\.isOnDuty) }
        set { state.withLock { $0.isOnDuty = newValue } }
    }

    /// The session under way.
    var session: WorkerSession? { state.withLock(\.session) }

    /// A session is open. It was made with the slots and queues of a moment before; the slots it gets here.
    func opened(_ session: WorkerSession) {
        let slots = state.withLock { state in
            state.session = session
            return state.concurrency
        }
        session.resize(by: slots - session.slotsAtFirst)
    }

    func closed() { state.withLock { ($0.session, $0.isOnDuty) = (nil, false) } }

    // MARK: Counts

    /// A job began to run.
    func accepted(_ task: String) {
        state.withLock { state in
            state.totals[task, default: 0] += 1
            state.processed += 1
        }
    }

    /// How often each task has begun to run.
    var totals: [String: Int] { state.withLock(\.totals) }

    /// How many jobs have begun to run.
    var processed: Int { state.withLock(\.processed) }

    // MARK: Changes

    /// Changes the number of slots by this many; the session's gate follows.
    ///
    /// - Throws: ``JobFailure`` `ValueError` when fewer than one or more than 10,000 slots would be left.
    func resize(by slots: Int) throws {
        let session = try state.withLock { state in
            let (new, overflow) = state.concurrency.addingReportingOverflow(slots)
            guard !overflow, (1...10_000).contains(new) else {
                throw JobFailure(type: "ValueError", arguments: [.string("the pool has \(state.concurrency) slots; 1 to 10000 are possible")])
            }
            state.concurrency = new
            return state.session
        }
        session?.resize(by: slots)
    }

    /// Serves a queue from now on, if it is not served already.
    func add(_ binding: QueueBinding) {
        state.withLock { state in
            guard !state.served.names.contains(binding.queue) else { return }
            state.served.names.append(binding.queue)
            state.served.bindings.append(binding)
        }
    }

    /// Stops serving a queue.
    func remove(_ queue: String) {
        state.withLock { state in
            state.served.names.removeAll { $0 == queue }
            state.served.bindings.removeAll { $0.queue == queue }
        }
    }

    /// How many changes of the queues are asked for and not done.
    var pendingOperations: Int { state.withLock(\.operations) }

    func operationsChanged(by count: Int) { state.withLock { $0.operations += count } }

    // MARK: Revoked stamps

    /// Remote control has revoked by stamp: kept as long as the worker lives, as Celery's workers keep it.
    func revoke(stamps: [String: [JSONValue]]) {
        state.withLock { state in
            for (name, values) in stamps { state.stamps[name, default: []].formUnion(values) }
        }
        hasRules.store(true, ordering: .releasing)
    }

    /// Whether the job carries a stamp that remote control has revoked.
    func forbids(_ message: Message) -> Bool {
        hasRules.load(ordering: .acquiring) && state.withLock { !$0.stamps.isEmpty && ControlState.match(message.headers.stamps, $0.stamps) }
    }

    // MARK: Limits

    /// The limits that remote control has given a task; they count in place of the job's own.
    func timeLimits(of task: String) -> TaskTimeLimits? {
        hasRules.load(ordering: .acquiring) ? state.withLock { $0.timeLimits[task] } : nil
    }

    func setTimeLimits(_ limits: TaskTimeLimits, of task: String) {
        state.withLock { $0.timeLimits[task] = limits }
        hasRules.store(true, ordering: .releasing)
    }

    func rateLimit(of task: String) -> RateLimit? { state.withLock { $0.rateLimits[task] } }

    /// The texts of all rate limits, by task.
    var rateLimitTexts: [String: String] { state.withLock { $0.rateLimits.mapValues(\.text) } }

    func setRateLimit(_ limit: RateLimit?, of task: String) {
        state.withLock { state in
            state.rateLimits[task] = limit
            state.buckets.forget(task)
        }
        hasRules.store(true, ordering: .releasing)
    }

    /// The turn that the job has to wait for under its task's rate limit, and how long; `nil`: it may run.
    func turn(
        of message: Message, at now: @autoclosure () -> Timestamp, by clock: @autoclosure () -> ContinuousClock.Instant = .now
    ) -> (turn: RateTurn, wait: Duration)? {
        guard hasRules.load(ordering: .acquiring), let limit = rateLimit(of: message.task) else { return nil }
        let now = now()
        if message.rateTurn?.hasCome(under: limit, at: now) == true { return nil }
        guard let wait = state.withLock({ $0.buckets.wait(message.task, limit, at: clock()) }) else { return nil }
        return (RateTurn(limit: limit.text, begins: now + wait), wait)
    }
}

/// Limits that remote control has set for a task. `nil` is no limit.
struct TaskTimeLimits: Sendable, Hashable {
    var hard: Duration?
    var soft: Duration?
}
