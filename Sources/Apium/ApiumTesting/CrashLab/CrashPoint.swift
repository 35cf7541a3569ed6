import ApiumCore

/// Something a run does that others see: between any two of these a worker may die.
public enum JobEffect: Sendable, Hashable, CustomStringConvertible {
    /// A worker claimed a job.
    case began(task: String)
    /// The job sent others.
    case sent(tasks: [String])
    /// The job stored a state on the way, such as progress.
    case stored(JobState)
    /// The job said so, by ``JobContext/effect(_:)``.
    case declared(String)
    /// Something else was asked of broker or results, such as the opening of a chord.
    case other(String)
    /// The end of a delivery: result, follow-ups and acknowledgement in one step.
    case ended(task: String)

    public var description: String {
        switch self {
        case .began(let task): "the claim of \(task)"
        case .sent(let tasks): "the sending of \(tasks.joined(separator: ", "))"
        case .stored(let state): "the storing of \(state.rawValue)"
        case .declared(let name): "'\(name)'"
        case .other(let name): name
        case .ended(let task): "the end of \(task)"
        }
    }
}

/// A place in a run.
public struct CrashPoint: Sendable, Hashable, CustomStringConvertible {
    /// On which side of the effect.
    public enum Side: String, Sendable, Hashable {
        /// It has not happened.
        case before
        /// It has happened, and the worker has not heard of it.
        case after
    }

    /// The side.
    public var side: Side
    /// Which effect of the first worker, counted from 0.
    public var index: Int
    /// The effect.
    public var effect: JobEffect

    public var description: String { "\(side.rawValue) \(effect) (effect \(index))" }
}

/// What became of a job whose worker died, after another worker had done what was left.
public struct CrashOutcome: Sendable {
    /// Where the worker died; `nil`: it did not.
    public var point: CrashPoint?
    /// The job's id.
    public var id: String
    /// What is stored as its result.
    public var result: ResultDocument?
    /// How often the job was begun.
    public var runs: Int
    /// What happened, of both workers, in order.
    public var effects: [JobEffect]
    /// The broker, to look at what is on its shelves and in its queues.
    public var broker: InMemoryBroker
}
