import ApiumCore
import PriceWatchModel

/// Has a user stop following a product; answers whether there was such a watch of this chat.
public struct RemoveWatch: DependentJob {
    public static let name = "pricewatch.remove_watch"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 3))
    public static let parameters = ["chat_id", "watch_id"]

    /// Telegram's chat id: a watch of another chat is not found.
    public var chatID: Int64
    /// The watch.
    public var watchID: Int64

    /// Makes the job.
    public init(chatID: Int64, watchID: Int64) {
        self.chatID = chatID
        self.watchID = watchID
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Bool {
        try await services.store.removeWatch(chatID: chatID, watchID: watchID)
    }

    enum CodingKeys: String, CodingKey {
        case chatID = "chat_id"
        case watchID = "watch_id"
    }
}
