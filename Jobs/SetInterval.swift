import ApiumCore
import PriceWatchModel

/// Sets how often one product is checked for one of its followers.
public struct SetInterval: DependentJob {
    public static let name = "pricewatch.set_interval"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 3), timeLimit: .seconds(30))
    public static let parameters = ["chat_id", "watch_id", "seconds"]

    /// Telegram's chat id: a watch of another chat is not found.
    public var chatID: Int64
    /// The watch.
    public var watchID: Int64
    /// Seconds between two checks; `nil`: as for all that the user follows.
    public var seconds: Int?

    /// Makes the job.
    public init(chatID: Int64, watchID: Int64, seconds: Int?) {
        self.chatID = chatID
        self.watchID = watchID
        self.seconds = seconds
    }

    /// What became of it.
    public struct Outcome: Sendable, Hashable, Codable {
        /// The watch after the change; `nil`: it was refused.
        public var watch: Watch?
        /// Why it was refused.
        public var refusal: SettingsRefusal?

        /// Makes an outcome.
        public init(watch: Watch? = nil, refusal: SettingsRefusal? = nil) {
            self.watch = watch
            self.refusal = refusal
        }
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Outcome {
        if let seconds, let refusal = services.rules.intervals.refusal(of: seconds) { return Outcome(refusal: refusal) }
        guard let watch = try await services.store.setInterval(chatID: chatID, watchID: watchID, seconds: seconds) else {
            return Outcome(refusal: SettingsRefusal(.notFound))
        }
        return Outcome(watch: watch)
    }

    enum CodingKeys: String, CodingKey {
        case seconds
        case chatID = "chat_id"
        case watchID = "watch_id"
    }
}
