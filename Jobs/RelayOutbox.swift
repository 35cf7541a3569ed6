import ApiumCore
import PriceWatchModel

/// Turns unsent outbox rows into jobs for the bot. Each change enqueues it at once, and the schedule enqueues it again,
/// so that a row whose relay died is not forgotten. Answers how many were published.
public struct RelayOutbox: DependentJob {
    public static let name = "pricewatch.relay_outbox"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 3), timeLimit: .seconds(60))

    /// Makes the job.
    public init() {}

    /// A row's job always has the same id, so that publishing it twice (a crash between publishing and the commit) is seen by ``Notify``.
    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Int {
        try await services.store.publishOutbox(limit: 500) { notifications in
            for notification in notifications {
                try await context.enqueue(Notify(notification), .id(Notify.id(outbox: notification.outboxID)))
            }
        }
    }
}
