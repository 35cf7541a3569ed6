import ApiumCore
import PriceWatchModel

/// Writes the digests that are due, each with its notification; the schedule enqueues it. Answers how many.
public struct SendDigests: DependentJob {
    public static let name = "pricewatch.send_digests"
    public static let options = JobOptions(queue: Queues.checks, timeLimit: .seconds(120))

    /// Makes the job.
    public init() {}

    /// That a digest of a day is written is noted with it in one transaction, so that any number of runs write it once.
    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Int {
        var written = 0
        for _ in 0..<services.rules.upkeepBatches {
            let batch = try await services.store.writeDigests(limit: services.rules.digestBatch)
            written += batch
            if batch < services.rules.digestBatch { break }
        }
        return written
    }
}
