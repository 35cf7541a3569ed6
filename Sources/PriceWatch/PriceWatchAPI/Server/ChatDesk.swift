import ApiumCore
import DynamicJSON
import PriceWatchJobs
import PriceWatchModel

/// Answers the bot's questions: reads come from the database, changes are jobs whose result is waited for.
struct ChatDesk: Sendable {
    var reader: any PriceReader
    var desk: JobDesk
    /// How long a job may take.
    var deadline: Duration

    /// The most that a frame of 64 KiB has room for.
    static let historyLimit = 200
    static let watchesLimit = 100

    /// The result of one request.
    func answer(_ request: ChatRequest) async throws -> JSONValue {
        switch request.action {
        case .addProduct(let link):
            let job = AddProduct(chatID: request.chatID, link: link, userName: request.userName ?? "", language: request.language)
            return try encode(try await run(job))
        case .listWatches:
            return try encode(ChatResult.Watches(watches: try await reader.watches(ofChat: request.chatID, after: nil, limit: Self.watchesLimit)))
        case .removeWatch(let id):
            return try encode(ChatResult.Removed(removed: try await run(RemoveWatch(chatID: request.chatID, watchID: id))))
        case .history(let id, let limit):
            return try encode(try await history(id, request.chatID, limit: limit))
        case .setLanguage(let language):
            _ = try await run(UpdateChat(chatID: request.chatID, userName: request.userName, language: language))
            return try encode(ChatResult.Nothing())
        case .getUser:
            return try encode(ChatResult.Person(language: try await reader.user(ofChat: request.chatID)?.language))
        case .chatBlocked(let isBlocked):
            _ = try await run(UpdateChat(chatID: request.chatID, isBlocked: isBlocked))
            return try encode(ChatResult.Nothing())
        }
    }

    private func history(_ id: Int64, _ chat: Int64, limit: Int) async throws -> ChatResult.History {
        let limit = min(max(limit, 1), Self.historyLimit)
        guard let watch = try await reader.watch(id, ofChat: chat),
            let points = try await reader.history(ofProduct: watch.product.id, followedBy: chat, limit: limit)
        else { throw ChatFault(.notFound, "the chat has no such watch") }
        return ChatResult.History(product: watch.product, points: points)
    }

    private func run<Definition: JobDefinition>(_ job: Definition) async throws -> Definition.Output {
        let handle = try await desk.enqueue(job, for: .service)
        guard let value = try await desk.value(of: handle, within: deadline) else {
            throw ChatFault(.timedOut, "the job \(handle.id) has not ended in time; it may still end")
        }
        return value
    }

    private func encode(_ value: some Encodable) throws -> JSONValue { try JSONValueEncoder().encode(value) }
}
