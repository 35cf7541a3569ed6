/// What counts for jobs whose own options don't say it: Celery's settings for all tasks. What is `nil` stays as ``JobOptions`` has it.
public struct JobDefaults: Sendable, Hashable {
    /// Celery's `task_acks_late`. Default: `nil`, which is `true`.
    public var acksLate: Bool?
    /// Celery's `task_ignore_result`. Default: `nil`, which is `false`.
    public var ignoreResult: Bool?
    /// Celery's `task_store_errors_even_if_ignored`. Default: `nil`, which is `false`.
    public var storeErrorsEvenIfIgnored: Bool?
    /// Celery's `task_track_started`. Default: `nil`, which is `false`.
    public var trackStarted: Bool?
    /// Celery's `task_reject_on_worker_lost`. Default: `nil`, which is `true`.
    public var rejectOnWorkerLost: Bool?
    /// Celery's `worker_deduplicate_successful_tasks`. Default: `nil`, which is `false`.
    public var deduplicatesSuccessful: Bool?
    /// Celery's `task_time_limit`. Default: `nil`, none.
    public var timeLimit: Duration?
    /// Celery's `task_soft_time_limit`. Default: `nil`, none.
    public var softTimeLimit: Duration?

    /// The defaults, each given at its property.
    public init() {}
}

extension JobOptions {
    /// These options, with what the job does not say itself filled in.
    public func completed(by defaults: JobDefaults) -> JobOptions {
        var options = self
        func fill<Value>(_ path: WritableKeyPath<JobOptions, Value>, _ given: Given, _ value: Value?) {
            if let value, !self.given.contains(given) { options[keyPath: path] = value }
        }
        fill(\.acksLate, .acksLate, defaults.acksLate)
        fill(\.ignoreResult, .ignoreResult, defaults.ignoreResult)
        fill(\.storeErrorsEvenIfIgnored, .storeErrorsEvenIfIgnored, defaults.storeErrorsEvenIfIgnored)
        fill(\.trackStarted, .trackStarted, defaults.trackStarted)
        fill(\.rejectOnWorkerLost, .rejectOnWorkerLost, defaults.rejectOnWorkerLost)
        fill(\.deduplicatesSuccessful, .deduplicatesSuccessful, defaults.deduplicatesSuccessful)
        options.timeLimit = timeLimit ?? defaults.timeLimit
        options.softTimeLimit = softTimeLimit ?? defaults.softTimeLimit
        return options
    }

    /// Which options a job has said itself, even if it said what is the default.
    struct Given: OptionSet, Sendable, Hashable {
        let rawValue: Int
        static let acksLate = Given(rawValue: 1)
        static let ignoreResult = Given(rawValue: 2)
        static let storeErrorsEvenIfIgnored = Given(rawValue: 4)
        static let trackStarted = Given(rawValue: 8)
        static let rejectOnWorkerLost = Given(rawValue: 16)
        static let deduplicatesSuccessful = Given(rawValue: 32)
    }
}

extension JobRegistry {
    /// The same jobs, with what their options don't say filled in; so it is with those that every worker adds, Celery's builtin ones.
    public func completed(by defaults: JobDefaults) -> JobRegistry {
        var registry = self
        registry.defaults = defaults
        for name in names {
            guard var entry = self[name] else { continue }
            entry.options = entry.options.completed(by: defaults)
            registry.register(entry)
        }
        return registry
    }
}
