import ApiumCore
import PriceWatchModel

/// Rolls up old prices and drops what nobody needs any more, and time zones that the database does not know; the schedule enqueues it each night.
/// Answers how many rows it took.
///
/// Each batch is a transaction of its own: a run that is killed has done what it had done, and the next one goes on there.
public struct TidyUp: DependentJob {
    public static let name = "pricewatch.tidy_up"
    public static let options = JobOptions(queue: Queues.checks, timeLimit: .seconds(600))

    /// Makes the job.
    public init() {}

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Int {
        let (store, rules) = (services.store, services.rules)
        let users = try await store.forgetUnknownZones()
        if users > 0 {
            context.logger.warning("the database does not know the time zones of some users; they have UTC now", metadata: ["users": "\(users)"])
        }
        let (rolledUp, isRolledUp) = try await batches(rules) { try await store.rollUpHistory(keepingDays: rules.historyDays, limit: $0) }
        let (pruned, isPruned) = try await batches(rules) { try await store.prune(keepingDays: rules.sentDays, limit: $0) }
        // More than one run may take: another one goes on, after what else waits in the queue.
        if !isRolledUp || !isPruned { try await context.enqueue(Self(), asChild: false) }
        return rolledUp + pruned
    }

    private func batches(_ rules: PriceWatchServices.Rules, _ step: (Int) async throws -> Int) async throws -> (count: Int, isDone: Bool) {
        var count = 0
        for _ in 0..<rules.upkeepBatches {
            try Task.checkCancellation()
            let taken = try await step(rules.upkeepBatch)
            count += taken
            if taken < rules.upkeepBatch { return (count, true) }
        }
        return (count, false)
    }
}
