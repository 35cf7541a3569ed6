import Synchronization

/// What a worker tells a running job: its soft limit has passed, or it must stop.
///
/// One value for one run, shared by the worker, which raises, and by whoever runs the job, who looks or listens.
public final class JobLimits: Sendable {
    /// What can be told.
    public enum Signal: Sendable, Hashable {
        /// The soft time limit has passed.
        case soft
        /// The job must stop: its hard limit has passed, it was revoked, or it is no longer this worker's.
        case stop
        /// The job must stop even if it does not listen: its hard limit has passed, or somebody terminates it. In this process it is
        /// no more than ``stop``; a child process gets this signal, and is killed soon after.
        case kill(signal: Int32)

        fileprivate var isStop: Bool { self != .soft }
    }

    private struct State {
        var raised: [Signal] = []
        var softWasThrown = false
        var observers: [@Sendable (Signal) -> Void] = []
    }

    private let state = Mutex(State())

    /// Makes a value of which nothing is raised.
    public init() {}

    /// Whether the soft limit has passed.
    public var softLimitHasPassed: Bool { state.withLock { $0.raised.contains(.soft) } }
    /// Whether the job must stop.
    public var mustStop: Bool { state.withLock { $0.raised.contains(where: \.isStop) } }

    /// Tells the job, and whoever observes; the second time nothing happens.
    public func raise(_ signal: Signal) {
        let observers = state.withLock { state -> [@Sendable (Signal) -> Void] in
            guard !state.raised.contains(signal) else { return [] }
            state.raised.append(signal)
            return state.observers
        }
        for observer in observers { observer(signal) }
    }

    /// Calls `observer` for what is raised from now on, and at once for what has been.
    public func observe(_ observer: @escaping @Sendable (Signal) -> Void) {
        let raised = state.withLock { state in
            state.observers.append(observer)
            return state.raised
        }
        for signal in raised { observer(signal) }
    }

    /// Lets go of all observers, when the run has ended.
    public func forgetObservers() { state.withLock { $0.observers = [] } }

    /// True once: for the first look after the soft limit has passed.
    func takeSoftLimit() -> Bool {
        state.withLock { state in
            guard state.raised.contains(.soft), !state.softWasThrown else { return false }
            state.softWasThrown = true
            return true
        }
    }
}
