import ApiumCore
import PriceWatchModel

/// Has a notification rest that the bot came to in its user's quiet hours; the bot enqueues it. ``RelayOutbox`` takes it up when they end.
public struct RestNotification: DependentJob {
    public static let name = "pricewatch.rest_notification"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 10))

    /// The outbox row.
    public var outboxID: Int64
    /// The id of the job that came too late: once the row has another one, this changes nothing.
    public var job: String

    /// Makes the job.
    public init(outboxID: Int64, job: String) {
        self.outboxID = outboxID
        self.job = job
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> NoOutput {
        try await services.store.restNotification(outboxID: outboxID, job: job)
        return NoOutput()
    }

    enum CodingKeys: String, CodingKey {
        case outboxID = "outbox_id"
        case job
    }
}
