import ApiumCore

extension WorkerEnvironment {
    /// Where a job runs: in this process, or in a child that is kept for it. Waits until a child is free; there are as many as slots.
    ///
    /// - Throws: ``ChildPool/NoChild`` when none can be had.
    func runner(for job: Assignment) async throws -> any JobRunner {
        guard let children, wantsChild(job) else { return InProcessRunner() }
        guard job.delivery.payload.count <= ChildPool.messageLimit else {
            throw JobFailure(
                ApiumError(.refusedContent, "the message has \(job.delivery.payload.count) bytes; a child process takes \(ChildPool.messageLimit)"))
        }
        return IsolatedRunner(
            place: try await children.place(), options: configuration.isolation, abandonment: configuration.cancellationPeriod * 0.6)
    }

    /// A suspect runs alone, so that it takes nobody down with it (invariant 4).
    private func wantsChild(_ job: Assignment) -> Bool {
        let options = configuration.isolation
        return job.options.isolated || options.pool == .processes || (options.isolatesSuspects && job.message.crashes > 0)
    }
}
