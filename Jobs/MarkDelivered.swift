import ApiumCore
import PriceWatchModel

/// Notes in the outbox that a notification reached its chat; the bot enqueues it.
public struct MarkDelivered: DependentJob {
    public static let name = "pricewatch.mark_delivered"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 10))

    /// The outbox row.
    public var outboxID: Int64
    /// Telegram's message id; `nil` when its answer said only that it was sent.
    public var messageID: Int64?
    /// The run that sent it was not the first one: the user may have got it twice.
    public var redelivered: Bool

    /// Makes the job.
    public init(outboxID: Int64, messageID: Int64?, redelivered: Bool) {
        self.outboxID = outboxID
        self.messageID = messageID
        self.redelivered = redelivered
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> NoOutput {
        try await services.store.markDelivered(outboxID: outboxID, messageID: messageID, redelivered: redelivered)
        return NoOutput()
    }

    enum CodingKeys: String, CodingKey {
        case outboxID = "outbox_id"
        case messageID = "message_id"
        case redelivered
    }
}
