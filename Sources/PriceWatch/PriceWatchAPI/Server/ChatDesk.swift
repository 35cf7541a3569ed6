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
    /// How often products may be checked.
    var intervals = CheckIntervals()

    /// How many prices a reply holds at most.
    static let historyLimit = 200
    /// How many watches a reply holds at most.
    static let watchesLimit = 1000
    /// How large a reply may be, in bytes: below what a WebSocket of ours takes.
    var replyLimit = 900 * 1024

    /// The result of one request.
    ///
    /// A chat that asks can be written to, whatever was heard of it before.
    func answer(_ request: ChatRequest) async throws -> JSONValue {
        switch request.action {
        case .chatBlocked, .chatMoved: break
        default:
            if try await reader.user(ofChat: request.chatID)?.isBlocked == true {
                _ = try await desk.enqueue(UpdateChat(chatID: request.chatID, isBlocked: false), for: .service)
            }
        }
        switch request.action {
        case .addProduct(let link):
            let job = AddProduct(chatID: request.chatID, link: link, userName: request.userName ?? "", language: request.language)
            return try encode(try await run(job, request))
        case .listWatches:
            return try fit(try await reader.watches(ofChat: request.chatID, after: nil, limit: Self.watchesLimit))
        case .removeWatch(let id):
            return try encode(ChatResult.Removed(removed: try await run(RemoveWatch(chatID: request.chatID, watchID: id), request)))
        case .history(let id, let limit):
            return try encode(try await history(id, request.chatID, limit: limit))
        case .setLanguage(let language):
            _ = try await run(UpdateChat(chatID: request.chatID, userName: request.userName, language: language), request)
            return try encode(ChatResult.Nothing())
        case .getUser:
            return try encode(ChatResult.Person(language: try await reader.user(ofChat: request.chatID)?.language))
        case .chatBlocked(let isBlocked):
            _ = try await run(UpdateChat(chatID: request.chatID, isBlocked: isBlocked), request)
            return try encode(ChatResult.Nothing())
        case .chatMoved(let new):
            _ = try await run(MoveChat(chatID: request.chatID, newChatID: new), request)
            return try encode(ChatResult.Nothing())
        case .getSettings:
            return try encode(ChatResult.Settings(preferences: try await reader.preferences(ofChat: request.chatID), intervals: intervals))
        case .changeSettings(let change):
            let job = ChangeSettings(chatID: request.chatID, change: change, userName: request.userName, language: request.language)
            return try encode(try await run(job, request))
        case .setInterval(let id, let seconds):
            return try encode(try await run(SetInterval(chatID: request.chatID, watchID: id, seconds: seconds), request))
        case .retryWatch(let id):
            return try encode(try await run(RetryWatch(chatID: request.chatID, watchID: id), request))
        }
    }

    /// As many of the watches as a reply has room for, the first ones first.
    private func fit(_ watches: [Watch]) throws -> JSONValue {
        var watches = watches
        while true {
            let result = try encode(ChatResult.Watches(watches: watches))
            if watches.count < 2 || result.encoded().count <= replyLimit { return result }
            watches = Array(watches.prefix(watches.count / 2))
        }
    }

    private func history(_ id: Int64, _ chat: Int64, limit: Int) async throws -> ChatResult.History {
        let limit = min(max(limit, 1), Self.historyLimit)
        guard let watch = try await reader.watch(id, ofChat: chat),
            let points = try await reader.history(ofProduct: watch.product.id, followedBy: chat, limit: limit)
        else { throw ChatFault(.notFound, "the chat has no such watch") }
        return ChatResult.History(product: watch.product, points: points)
    }

    private func run<Definition: JobDefinition>(_ job: Definition, _ request: ChatRequest) async throws -> Definition.Output {
        let handle =
            if let key = request.key {
                try await desk.enqueue(job, key: "\(request.chatID):\(request.action.name.rawValue):\(key)")
            } else {
                try await desk.enqueue(job, for: .service)
            }
        guard let value = try await desk.value(of: handle, within: deadline) else {
            throw ChatFault(.timedOut, "the job \(handle.id) has not ended in time; it may still end")
        }
        return value
    }

    private func encode(_ value: some Encodable) throws -> JSONValue { try JSONValueEncoder().encode(value) }
}
