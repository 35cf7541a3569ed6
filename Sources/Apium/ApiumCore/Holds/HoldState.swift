/// Which jobs have to ask before they run: what operators have limited and paused.
public struct HoldState: Sendable, Hashable {
    /// The limits in force.
    public let limits: [HoldTarget: Limit]
    /// What is paused.
    public let paused: Set<HoldTarget>
    /// What was limited or paused, and has jobs that still wait: they go first.
    public let draining: Set<HoldTarget>
    /// The names of keys that matter, so that other jobs' keys are not worked out.
    private var keyNames: Set<String> = []

    /// Makes a state.
    public init(limits: [HoldTarget: Limit] = [:], paused: Set<HoldTarget> = [], draining: Set<HoldTarget> = []) {
        self.limits = limits
        self.paused = paused
        self.draining = draining
        for target in Set(limits.keys).union(paused).union(draining) {
            switch target {
            case .key(let key): keyNames.insert(key.name)
            case .eachKey(let name): keyNames.insert(name)
            default: break
            }
        }
    }

    /// Whether no job has to ask.
    public var isEmpty: Bool { limits.isEmpty && paused.isEmpty && draining.isEmpty }

    /// The queues that are not to be claimed from.
    public var pausedQueues: Set<String> {
        Set(paused.compactMap { if case .queue(let name) = $0 { name } else { nil } })
    }

    /// What a job has to ask, in the order in which it is asked.
    ///
    /// - Parameter key: works out the job's key; called only where the keys of some name are limited.
    public func targets(queue: String, task: String, key: () -> LimitKey?) -> [HoldTarget] {
        guard !isEmpty else { return [] }
        var targets = [HoldTarget.queue(queue), .job(task)].filter(isHeld)
        if !keyNames.isEmpty, let key = key(), key.isValid, keyNames.contains(key.name) {
            if isHeld(.key(key)) || limits[.eachKey(key.name)] != nil { targets.append(.key(key)) }
        }
        return targets
    }

    private func isHeld(_ target: HoldTarget) -> Bool { limits[target] != nil || paused.contains(target) || draining.contains(target) }
}

/// A limit or a pause as it is now.
public struct HoldRow: Sendable, Hashable {
    /// What it is about.
    public var target: HoldTarget
    /// Its limit; `nil`: none.
    public var limit: Limit?
    /// Since when it is paused, on the broker's clock; `nil`: it is not.
    public var pausedSince: Timestamp?
    /// How many jobs wait for it. Of ``HoldTarget/eachKey(_:)`` the sum over its keys.
    public var waiting: Int
    /// How many jobs run under its concurrency limit, and how many are on their way to a worker.
    public var running: Int
    /// When its rate lets the next job begin; `nil`: at once, or it has no rate.
    public var opensAt: Timestamp?

    /// Makes a row.
    public init(
        target: HoldTarget, limit: Limit? = nil, pausedSince: Timestamp? = nil, waiting: Int = 0, running: Int = 0, opensAt: Timestamp? = nil
    ) {
        self.target = target
        self.limit = limit
        self.pausedSince = pausedSince
        self.waiting = waiting
        self.running = running
        self.opensAt = opensAt
    }
}

/// A job that waits because of a limit or a pause.
public struct WaitingJob: Sendable, Hashable {
    /// The queue it goes back to.
    public var queue: String
    /// The message as it will stand there.
    public var payload: [UInt8]
    /// By what the broker finds it again.
    public var key: [UInt8]

    /// Makes the value.
    public init(queue: String, payload: [UInt8], key: [UInt8] = []) {
        self.queue = queue
        self.payload = payload
        self.key = key
    }
}
