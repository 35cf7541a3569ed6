import ApiumCore
import PriceWatchModel

/// Has notifications enqueued that rested: those of a chat that was blocked and writes again, and those of users whose quiet hours have ended. A
/// change enqueues its own, in its transaction. Answers how many.
public struct RelayOutbox: DependentJob {
    public static let name = "pricewatch.relay_outbox"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 3), timeLimit: .seconds(60))

    /// Makes the job.
    public init() {}

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Int {
        var queued = 0
        for _ in 0..<services.rules.upkeepBatches {
            try Task.checkCancellation()
            let batch = try await services.store.queueNotifications(limit: services.rules.relayBatch)
            queued += batch
            if batch < services.rules.relayBatch { break }
        }
        return queued
    }
}
