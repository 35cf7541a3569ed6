import Logging

/// The job that the current task runs: for whatever a job calls that has no ``JobContext`` at hand.
public enum CurrentJob {
    /// Its message; `nil` outside of jobs.
    @TaskLocal public static var message: Message?
}

extension Logger.MetadataProvider {
    /// Puts id (`job`), name (`task`) and `attempt` on every line that is written while a job runs, whoever's logger it is: the same as
    /// ``JobContext/logger`` has.
    ///
    /// ```swift
    /// LoggingSystem.bootstrap({ label, provider in … }, metadataProvider: .currentJob)
    /// ```
    public static let currentJob = Logger.MetadataProvider {
        guard let message = CurrentJob.message else { return [:] }
        return ["job": "\(message.id)", "task": "\(message.task)", "attempt": "\(message.headers.retries + 1)"]
    }
}
