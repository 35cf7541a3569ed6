import ApiumCore

/// How a worker uses child processes.
///
/// A child is the same executable, started by `posix_spawn` with the same arguments, that runs one job at a time and can be killed
/// without touching another job. See docs/isolation.md.
public struct IsolationOptions: Sendable {
    /// Which jobs run in child processes.
    public enum Pool: String, Sendable, Hashable, CaseIterable {
        /// Those declared ``ApiumCore/JobOptions/isolated``, and suspects. The default.
        case tasks
        /// All of them.
        case processes
    }

    /// Whether the executable answers to ``ChildMode``: without it nothing can be isolated. `WorkerCommand` sets it. Default: `false`.
    public var isSupported: Bool
    /// Which jobs run in child processes. Default: ``Pool/tasks``.
    public var pool: Pool
    /// Whether a job whose worker has died before runs alone in a child, isolated or not. Default: `true`.
    public var isolatesSuspects: Bool
    /// A child ends after so many jobs, Celery's `worker_max_tasks_per_child`; 0: never. Default: 0.
    public var maxJobsPerChild: Int
    /// A child that holds more resident memory than this after a job ends, in KiB, Celery's `worker_max_memory_per_child`; 0: no bound. Default: 0.
    public var maxMemoryPerChild: Int
    /// How often a job may take its child process down before it is quarantined; the broker's own limit for workers has the same default. Default: 3.
    public var crashLimit: Int
    /// How long a child may take until it is ready; then it is killed. Default: 60 seconds.
    public var startLimit: Duration
    /// How long a child that was asked to end by a signal may take; then it is killed. Default: 500 milliseconds.
    public var terminationGrace: Duration
    /// A child that has had nothing to do for so long ends. Default: 5 minutes.
    public var idleLimit: Duration

    /// Makes options; the defaults are given at the properties.
    public init(
        isSupported: Bool = false, pool: Pool = .tasks, isolatesSuspects: Bool = true, maxJobsPerChild: Int = 0, maxMemoryPerChild: Int = 0,
        crashLimit: Int = 3,
        startLimit: Duration = .seconds(60), terminationGrace: Duration = .milliseconds(500), idleLimit: Duration = .seconds(300)
    ) {
        self.isSupported = isSupported
        self.pool = pool
        self.isolatesSuspects = isolatesSuspects
        self.maxJobsPerChild = maxJobsPerChild
        self.maxMemoryPerChild = maxMemoryPerChild
        self.crashLimit = crashLimit
        self.startLimit = startLimit
        self.terminationGrace = terminationGrace
        self.idleLimit = idleLimit
    }

    /// What is wrong with these options, in words.
    var faults: [String] {
        var faults: [String] = []
        if pool == .processes, !isSupported { faults.append("the pool is processes, but this executable does not serve as a child process (ChildMode)") }
        if maxJobsPerChild < 0 { faults.append("maxJobsPerChild is \(maxJobsPerChild); it is 0 (never) or a number of jobs") }
        if maxMemoryPerChild < 0 { faults.append("maxMemoryPerChild is \(maxMemoryPerChild); it is 0 (no bound) or a number of KiB") }
        if crashLimit < 1 { faults.append("crashLimit is \(crashLimit); a job is quarantined after one crash at the earliest") }
        if startLimit < .milliseconds(100) { faults.append("startLimit is \(startLimit); no child is ready in less than 100 milliseconds") }
        if terminationGrace < .zero { faults.append("terminationGrace is negative") }
        if idleLimit < .zero { faults.append("idleLimit is negative") }
        return faults
    }
}
