import ApiumCore
import PriceWatchModel

/// Reads the page of a product that a user follows, now, because they asked for it: also when it is paused. If the page can be
/// read, it is checked by the schedule again.
public struct RetryWatch: DependentJob {
    public static let name = "pricewatch.retry_watch"
    public static let options = JobOptions(queue: Queues.interactive, timeLimit: .seconds(60))
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

    /// What became of the link.
    public struct Outcome: Sendable, Hashable, Codable {
        /// The watch after the check; `nil`: the chat has no such watch.
        public var watch: Watch?
        /// Why there is still no price.
        public var failure: ParseFailure?

        /// Makes an outcome.
        public init(watch: Watch?, failure: ParseFailure? = nil) {
            self.watch = watch
            self.failure = failure
        }
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Outcome {
        guard let watch = try await services.store.watch(watchID, ofChat: chatID) else { return Outcome(watch: nil) }
        do {
            let page = try await services.read(watch.product.canonicalURL)
            _ = try await services.store.record(page, forProduct: watch.product.id, asker: chatID)
            return Outcome(watch: try await services.store.watch(watchID, ofChat: chatID))
        } catch let trouble as PageTrouble {
            return Outcome(watch: watch, failure: trouble.failure)
        }
    }

    enum CodingKeys: String, CodingKey {
        case chatID = "chat_id"
        case watchID = "watch_id"
    }
}
