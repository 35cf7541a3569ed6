import ApiumCore
import PriceWatchModel

/// Gives what a group follows to the supergroup that it became, whose chat has a new id.
public struct MoveChat: DependentJob {
    public static let name = "pricewatch.move_chat"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 5))
    public static let parameters = ["chat_id", "new_chat_id"]

    /// The group's chat id, which is no chat's any more.
    public var chatID: Int64
    /// The supergroup's.
    public var newChatID: Int64

    /// Makes the job.
    public init(chatID: Int64, newChatID: Int64) {
        self.chatID = chatID
        self.newChatID = newChatID
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> NoOutput {
        try await services.store.moveChat(from: chatID, to: newChatID)
        return NoOutput()
    }

    enum CodingKeys: String, CodingKey {
        case chatID = "chat_id"
        case newChatID = "new_chat_id"
    }
}
