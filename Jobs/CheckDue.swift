import ApiumCore
import PriceWatchModel

/// Enqueues one check per product that is due; the schedule enqueues it. Answers how many.
public struct CheckDue: DependentJob {
    public static let name = "pricewatch.check_due"
    public static let options = JobOptions(queue: Queues.checks, timeLimit: .seconds(60))

    /// Makes the job.
    public init() {}

    /// A product is taken once per interval (``PriceStore/takeDueProducts(limit:)``). Should this run die between taking and
    /// enqueueing, the products it took are checked one interval later, and no price is lost.
    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Int {
        let products = try await services.store.takeDueProducts(limit: services.rules.dueBatch)
        for product in products {
            try await context.enqueue(CheckPrice(productID: product))
        }
        return products.count
    }
}
