extension JobContext {
    /// Throws when this run should end: ``SoftTimeLimitExceeded`` once after the soft limit has passed, `CancellationError` when
    /// the job must stop. Call it in loops that wait for nothing.
    public func checkLimits() throws {
        if limits.mustStop { throw CancellationError() }
        if limits.takeSoftLimit() { throw SoftTimeLimitExceeded() }
        // A soft limit cancels the task, too; once it has been told, the job goes on.
        if !limits.softLimitHasPassed { try Task.checkCancellation() }
    }

    /// Waits; see ``checkLimits()`` for what ends the wait early. After a soft limit was caught it waits again.
    public func sleep(for duration: Duration) async throws {
        let end = ContinuousClock.now + duration
        try checkLimits()
        while !limits.softLimitHasPassed {
            do {
                return try await Task.sleep(until: end)
            } catch {
                try checkLimits()
            }
        }
        // The task stays cancelled after a soft limit, so the rest is waited for in steps by another.
        while ContinuousClock.now < end {
            let step = min(end, ContinuousClock.now + .milliseconds(100))
            await Task { try? await Task.sleep(until: step) }.value
            try checkLimits()
        }
    }

    /// Asks the worker or the client for something. After a soft limit the job's task stays cancelled, and connections answer no cancelled task:
    /// a job that goes on then asks by another one, until it must stop.
    func asking<Answer: Sendable>(_ question: @escaping @Sendable () async throws -> Answer) async throws -> Answer {
        guard limits.softLimitHasPassed, !limits.mustStop else { return try await question() }
        return try await Task { try await question() }.value
    }
}
