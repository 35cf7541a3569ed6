import DynamicJSON

/// The children of a worker and the runs that want one: what happens next, as a value without processes or clocks.
///
/// Each event answers what is to be done, in order. The invariants:
/// - a child has one run at most, from its placing to its end;
/// - every run that was asked for is finished exactly once, unless it is released before it was begun;
/// - a child that was signalled, or that sent garbage, gets no other run.
struct ChildPoolState: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What bounds the pool.
    struct Limits: Sendable {
        /// Children that take jobs, at most; those that are ending do not count.
        var children: Int
        var options: IsolationOptions
    }

    /// How a run ended.
    enum RunEnd: Sendable, Hashable {
        /// The child's answer.
        case answered(JSONValue)
        /// Its child is gone.
        case lost(ChildEnd)
        /// No child could be had for it: it has not begun.
        case unstartable(String)
        /// It was stopped, or the pool shut, before it had begun.
        case withdrawn
    }

    /// What is to be done.
    enum Action: Sendable, Hashable {
        /// Start a process, and say ``started(_:)`` or ``ended(_:_:now:)``.
        case spawn(Int)
        case send(Int, ParentFrame)
        /// Send the signal to the child's process group.
        case signal(Int, Int32)
        /// The run has this child.
        case placed(run: UInt64, child: Int)
        case asked(run: UInt64, question: UInt64, ChildQuestion)
        case finished(run: UInt64, RunEnd)
        case note(Note)
    }

    /// What people should know.
    enum Note: Sendable, Hashable {
        case failedToStart(reason: String)
        case garbage(child: Int, String)
        case recycled(child: Int, jobs: Int, residentKiB: Int)
        case died(child: Int, ChildEnd, run: UInt64?)
    }

    private enum Phase: Hashable {
        case starting
        case idle
        /// It has a run, which may not have begun.
        case busy
        /// It is on its way out.
        case ending
    }

    private struct Child {
        var phase = Phase.starting
        var wasReady = false
        var run: UInt64?
        var hasBegun = false
        var jobs = 0
        var idleSince: Instant?
        /// When it is killed.
        var deadline: Instant?
        var complaint: String?
    }

    private struct Run {
        /// `nil`: placed for one who has not said yet what to run.
        var order: ChildRun?
        var child: Int?
        var isStopped = false
        /// How many children have died under it before it had begun.
        var displacements = 0
    }

    private var limits: Limits
    private var children: [Int: Child] = [:]
    private var runs: [UInt64: Run] = [:]
    private var waiting: [UInt64] = []
    private var nextChild = 1
    private var isShut = false

    init(limits: Limits) { self.limits = limits }

    /// How often a run may lose its child before it has begun.
    private static let displacementLimit = 3
    /// The time a child has to end by itself once it was asked to.
    private static let exitLimit = Duration.seconds(10)

    var isEmpty: Bool { children.isEmpty }

    /// Which run each child has.
    var occupancy: [Int: UInt64?] { children.mapValues(\.run) }

    /// When ``due(now:)`` is wanted.
    var nextDeadline: Instant? {
        let idle = children.values.compactMap { $0.phase == .idle ? $0.idleSince.map { $0 + limits.options.idleLimit } : nil }
        return (children.values.compactMap(\.deadline) + idle).min()
    }

    /// So many children may take jobs from now on. Those that are too many by now end when they have been idle for a while.
    mutating func resize(to count: Int, now: Instant) -> [Action] {
        limits.children = count
        return assign(now)
    }

    // MARK: Runs

    /// A run wants a child.
    mutating func want(_ run: UInt64, now: Instant) -> [Action] {
        guard !isShut else { return [.finished(run: run, .withdrawn)] }
        runs[run] = Run()
        waiting.append(run)
        return assign(now)
    }

    /// What a placed run consists of.
    mutating func begin(_ order: ChildRun, now: Instant) -> [Action] {
        guard let run = runs[order.number], run.order == nil else { return [.finished(run: order.number, .withdrawn)] }
        if run.isStopped || isShut {
            if let child = run.child { free(child, now) }
            return finish(order.number, .withdrawn) + assign(now)
        }
        runs[order.number]?.order = order
        if let child = run.child { return [.send(child, .run(order))] }
        // Its child died while it was got ready.
        waiting.insert(order.number, at: 0)
        return assign(now)
    }

    /// A placed run is not wanted any more.
    mutating func release(_ run: UInt64, now: Instant) -> [Action] {
        guard let entry = runs[run], entry.order == nil else { return [] }
        runs[run] = nil
        waiting.removeAll { $0 == run }
        if let child = entry.child { free(child, now) }
        return assign(now)
    }

    /// A run is to stop: by a frame, by a signal to its child, or by the child's end after a while.
    mutating func stop(_ run: UInt64, frame: CancelReason?, signal: Int32?, killAfter: Duration?, now: Instant) -> [Action] {
        guard let entry = runs[run] else { return [] }
        let isFinal = signal != nil || killAfter != nil
        if isFinal { runs[run]?.isStopped = true }
        guard let child = entry.child, entry.order != nil else {
            guard isFinal, waiting.contains(run) else { return [] }
            return finish(run, .withdrawn)
        }
        var actions: [Action] = []
        if let frame { actions.append(.send(child, .cancel(run, frame))) }
        if let signal {
            actions.append(.signal(child, signal))
            children[child]?.phase = .ending
        }
        if let killAfter { hasten(child, now + killAfter) }
        return actions
    }

    // MARK: Children

    /// The child says that it takes jobs.
    mutating func ready(_ child: Int, now: Instant) -> [Action] {
        guard children[child]?.wasReady == false else { return garbage(child, "it said twice that it is ready") }
        children[child]?.wasReady = true
        free(child, now)
        return assign(now)
    }

    /// The child says that it has taken up its run.
    mutating func begun(_ child: Int, _ run: UInt64) -> [Action] {
        guard let entry = children[child], entry.run == run, !entry.hasBegun, runs[run]?.order != nil else {
            return garbage(child, "it began a job that it was not given")
        }
        children[child]?.hasBegun = true
        return []
    }

    /// The child's run asks something.
    mutating func asked(_ child: Int, _ run: UInt64, question: UInt64, _ content: ChildQuestion) -> [Action] {
        guard let entry = children[child], entry.run == run, entry.hasBegun else { return garbage(child, "it asked for a job that it was not given") }
        return [.asked(run: run, question: question, content)]
    }

    /// The worker has an answer for a run, which may be over.
    func answer(_ run: UInt64, question: UInt64, _ answer: ChildAnswer) -> [Action] {
        guard let child = runs[run]?.child, children[child]?.hasBegun == true else { return [] }
        return [.send(child, .answer(run, question: question, answer))]
    }

    /// The child says how its run ended.
    mutating func answered(_ child: Int, _ run: UInt64, _ outcome: JSONValue, residentKiB: Int, now: Instant) -> [Action] {
        guard let entry = children[child], entry.run == run, entry.hasBegun else { return garbage(child, "it answered for a job that it was not given") }
        children[child]?.jobs += 1
        children[child]?.run = nil
        children[child]?.hasBegun = false
        runs[run] = nil
        var actions: [Action] = [.finished(run: run, .answered(outcome))]
        guard entry.phase == .busy else { return actions }
        let options = limits.options
        let isWorn = options.maxJobsPerChild > 0 && entry.jobs + 1 >= options.maxJobsPerChild
        let isFat = options.maxMemoryPerChild > 0 && residentKiB > options.maxMemoryPerChild
        if isWorn || isFat {
            actions += [.note(.recycled(child: child, jobs: entry.jobs + 1, residentKiB: residentKiB))] + dismiss(child, now)
        } else {
            free(child, now)
        }
        return actions + assign(now)
    }

    /// What came from the child is no frame, or not one that it may send now.
    mutating func garbage(_ child: Int, _ complaint: String) -> [Action] {
        guard let entry = children[child], entry.complaint == nil else { return [] }
        children[child]?.phase = .ending
        children[child]?.complaint = complaint
        return [.note(.garbage(child: child, complaint)), .signal(child, Self.kill)]
    }

    /// The child has closed its end: it is ending, or must.
    mutating func hungUp(_ child: Int, now: Instant) {
        guard let entry = children[child] else { return }
        if !entry.wasReady { children[child]?.complaint = entry.complaint ?? "it closed its channel before it was ready" }
        children[child]?.phase = .ending
        hasten(child, now + .seconds(2))
    }

    /// The child's process has ended, or could not be started.
    mutating func ended(_ child: Int, _ end: ChildEnd, because reason: String? = nil, now: Instant) -> [Action] {
        guard let entry = children.removeValue(forKey: child) else { return [] }
        guard entry.wasReady else {
            return failedStart(reason ?? entry.complaint ?? "it ended before it was ready: \(end)") + assign(now)
        }
        var actions: [Action] = []
        if entry.run != nil || entry.phase != .ending { actions.append(.note(.died(child: child, end, run: entry.run))) }
        if let run = entry.run { actions += lose(run, hadBegun: entry.hasBegun, end) }
        return actions + assign(now)
    }

    private mutating func lose(_ run: UInt64, hadBegun: Bool, _ end: ChildEnd) -> [Action] {
        guard let entry = runs[run] else { return [] }
        if hadBegun || (entry.isStopped && entry.order != nil) { return finish(run, .lost(end)) }
        // It died before it had taken the job up: not the job's fault.
        runs[run]?.child = nil
        runs[run]?.displacements += 1
        if entry.displacements + 1 >= Self.displacementLimit, entry.order != nil {
            return finish(run, .unstartable("its child processes ended before they had begun, \(entry.displacements + 1) times in a row: \(end)"))
        }
        if entry.order != nil { waiting.insert(run, at: 0) }
        return []
    }

    /// A start that fails is the end of one waiting run, unless other children are on their way for all that wait.
    private mutating func failedStart(_ reason: String) -> [Action] {
        var actions: [Action] = [.note(.failedToStart(reason: reason))]
        let starting = children.values.filter { $0.phase == .starting }.count
        if waiting.count > starting, let first = waiting.first { actions += finish(first, .unstartable(reason)) }
        return actions
    }

    // MARK: Time and the end

    /// Deadlines have come.
    mutating func due(now: Instant) -> [Action] {
        var actions: [Action] = []
        for (child, entry) in children.sorted(by: { $0.key < $1.key }) {
            if let deadline = entry.deadline, deadline <= now {
                if !entry.wasReady { children[child]?.complaint = entry.complaint ?? "it was not ready within \(limits.options.startLimit)" }
                children[child]?.phase = .ending
                children[child]?.deadline = now + .seconds(1)
                actions.append(.signal(child, Self.kill))
            } else if entry.phase == .idle, let since = entry.idleSince, since + limits.options.idleLimit <= now {
                actions += dismiss(child, now)
            }
        }
        return actions
    }

    /// Nothing more is run: those who wait are withdrawn, idle children are asked to end, the others are killed.
    mutating func shut(now: Instant) -> [Action] {
        guard !isShut else { return [] }
        isShut = true
        var actions = waiting.flatMap { finish($0, .withdrawn) }
        for (child, entry) in children.sorted(by: { $0.key < $1.key }) {
            switch entry.phase {
            case .idle: actions += dismiss(child, now)
            case .starting, .busy:
                children[child]?.phase = .ending
                children[child]?.deadline = now + .seconds(1)
                actions.append(.signal(child, Self.kill))
            case .ending: break
            }
        }
        return actions
    }

    // MARK: Steps

    private static let kill: Int32 = 9

    /// Gives idle children to those who wait, and starts as many as are missing.
    private mutating func assign(_ now: Instant) -> [Action] {
        var actions: [Action] = []
        while let run = waiting.first, let child = warmest {
            waiting.removeFirst()
            children[child]?.phase = .busy
            children[child]?.run = run
            children[child]?.hasBegun = false
            runs[run]?.child = child
            if let order = runs[run]?.order {
                actions.append(.send(child, .run(order)))
            } else {
                actions.append(.placed(run: run, child: child))
            }
        }
        var starting = children.values.filter { $0.phase == .starting }.count
        var serving = children.values.filter { $0.phase != .ending }.count
        while !isShut, starting < waiting.count, serving < limits.children {
            children[nextChild] = Child(deadline: now + limits.options.startLimit)
            actions.append(.spawn(nextChild))
            nextChild += 1
            starting += 1
            serving += 1
        }
        return actions
    }

    /// The idle child that was used last, so that the others can go.
    private var warmest: Int? {
        children.filter { $0.value.phase == .idle }.max { ($0.value.idleSince ?? .now, $0.key) < ($1.value.idleSince ?? .now, $1.key) }?.key
    }

    private mutating func free(_ child: Int, _ now: Instant) {
        guard let phase = children[child]?.phase, phase != .ending else {
            children[child]?.run = nil
            return
        }
        children[child]?.phase = .idle
        children[child]?.run = nil
        children[child]?.hasBegun = false
        children[child]?.idleSince = now
        children[child]?.deadline = nil
    }

    private mutating func dismiss(_ child: Int, _ now: Instant) -> [Action] {
        children[child]?.phase = .ending
        children[child]?.deadline = now + Self.exitLimit
        return [.send(child, .stop)]
    }

    private mutating func finish(_ run: UInt64, _ end: RunEnd) -> [Action] {
        guard let entry = runs.removeValue(forKey: run) else { return [] }
        waiting.removeAll { $0 == run }
        if let child = entry.child, children[child]?.run == run { children[child]?.run = nil }
        return [.finished(run: run, end)]
    }

    private mutating func hasten(_ child: Int, _ deadline: Instant) {
        let old = children[child]?.deadline ?? deadline
        children[child]?.deadline = min(old, deadline)
    }
}
