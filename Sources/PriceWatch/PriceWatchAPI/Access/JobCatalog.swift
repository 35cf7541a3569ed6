import ApiumCore
import PriceWatchJobs

/// The jobs that may be enqueued by name, with their options.
public struct JobCatalog: Sendable {
    private var options: [String: JobOptions]
    /// The names of those that are about one chat, which their argument `chat_id` names, and touch nothing of another's.
    let chatJobs: Set<String>

    /// Makes a catalogue of job types.
    public init(_ jobs: [any JobDefinition.Type], ofChats chatJobs: [any JobDefinition.Type] = []) {
        options = Dictionary((jobs + chatJobs).map { ($0.name, $0.options) }) { first, _ in first }
        self.chatJobs = Set(chatJobs.map { $0.name })
    }

    /// All jobs of the worker.
    public static let priceWatch = JobCatalog(
        [CheckDue.self, CheckPrice.self, RelayOutbox.self, MarkDelivered.self, RestNotification.self, MoveChat.self, SendDigests.self, TidyUp.self],
        ofChats: [AddProduct.self, RemoveWatch.self, UpdateChat.self, ChangeSettings.self, SetInterval.self, RetryWatch.self])

    /// Their names, sorted.
    var names: [String] { options.keys.sorted() }

    subscript(name: String) -> JobOptions? { options[name] }
}
