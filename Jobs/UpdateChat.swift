import ApiumCore
import PriceWatchModel

/// Stores what a chat has said about itself: its language, or that it cannot be written to.
public struct UpdateChat: DependentJob {
    public static let name = "pricewatch.update_chat"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 5))

    /// Telegram's chat id.
    public var chatID: Int64
    /// The user's name, for the admin.
    public var userName: String?
    /// The language to use from now on.
    public var language: Language?
    /// Whether the chat cannot be written to.
    public var isBlocked: Bool?

    /// Makes the job.
    public init(chatID: Int64, userName: String? = nil, language: Language? = nil, isBlocked: Bool? = nil) {
        self.chatID = chatID
        self.userName = userName
        self.language = language
        self.isBlocked = isBlocked
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> NoOutput {
        if let language { try await services.store.setLanguage(chatID: chatID, userName: userName ?? "", language: language) }
        if let isBlocked { try await services.store.setBlocked(chatID: chatID, isBlocked) }
        return NoOutput()
    }

    enum CodingKeys: String, CodingKey {
        case chatID = "chat_id"
        case userName = "user_name"
        case language
        case isBlocked = "is_blocked"
    }
}
