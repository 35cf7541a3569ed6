import NIOCore

/// Runs Swift tasks on an event loop, so that a loop that talks to Redis pays no thread hop per reply:
///
///     await withTaskExecutorPreference(EventLoopTaskExecutor(connection.eventLoop)) { … }
///
/// For the engine's own short steps only: a user's job on it would stop the event loop, and the lease with it.
public final class EventLoopTaskExecutor: TaskExecutor {
    /// The event loop on which the tasks run.
    public let eventLoop: any EventLoop

    /// An executor for tasks on `eventLoop`.
    public init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Runs a job in a later turn of the event loop.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
