import ApiumCore
import PriceWatchModel

/// Enqueues one check per product that is due; the schedule enqueues it. Answers how many.
public struct CheckDue: DependentJob {
    public static let name = "pricewatch.check_due"
    public static let options = JobOptions(queue: Queues.checks, timeLimit: .seconds(60))

    /// Makes the job.
    public init() {}

    /// Each batch is claimed before it is enqueued (``PriceStore/takeDueChecks(limit:)``), so that two runs at once never enqueue the
    /// same check. Should this run die between the two, the claims run out and the products are due again. A run takes a bounded number
    /// of batches: what is left is the next slot's.
    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Int {
        var enqueued = 0
        for _ in 0..<services.rules.dueBatches {
            let due = try await services.store.takeDueChecks(limit: services.rules.dueBatch)
            for check in due.checks {
                // Where a shop's limit is slower than its products, claims run out while checks still wait: of one product one waits.
                let once = EnqueueOptions.unique(.whileQueued.by("\(check.productID)").lasting(atMost: .hours(2)))
                let options = check.host.map { once.limited(by: LimitKey(CheckPrice.limitName, $0.name)) } ?? once
                try await context.enqueue(CheckPrice(productID: check.productID, claim: check.claim), options, asChild: false)
            }
            enqueued += due.checks.count
            if due.taken < services.rules.dueBatch { break }
        }
        return enqueued
    }
}
