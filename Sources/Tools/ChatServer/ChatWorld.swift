import Foundation

/// All that the server knows: chats, the bot's updates, its commands and webhook. A value: a call changes it and leaves what has to be told in
/// ``events``; time comes in with each call.
struct ChatWorld: Sendable {
    /// A pressed button that waits for `answerCallbackQuery`.
    struct Query: Sendable {
        var id: String
        var chat: Int64
        var user: Int64
        var date: Int64
    }

    struct Webhook: Sendable {
        var url: String
        var secret: String?
        var maxConnections: Int64
        var lastErrorDate: Int64?
        var lastErrorMessage: String?
    }

    let bot: ChatUser
    var chats: [Int64: Chat] = [:]
    /// Chat ids, the one used last at the end; the one used least goes when there are too many.
    var order: [Int64] = []
    var updates: UpdateQueue
    var queries: [Query] = []
    var commands: [String: JSONValue] = [:]
    var webhook: Webhook?
    var files = FileShelf()
    /// What happened since the last drain, for the pages that look on.
    private(set) var events: [JSONValue] = []
    var nextQueryID: Int64

    static let maximumChats = 1_000
    static let maximumQueries = 1_000
    /// Seconds in which a pressed button may be answered.
    static let queryLifetime: Int64 = 15 * 60

    /// - Parameter seed: where update and query ids start; Telegram's are large and unlike from run to run.
    init(bot: ChatUser, seed: Int64) {
        self.bot = bot
        updates = UpdateQueue(firstID: seed)
        nextQueryID = seed * 1_000
    }

    mutating func drainEvents() -> [JSONValue] {
        defer { events = [] }
        return events
    }

    mutating func announce(_ kind: String, chat: Int64, _ members: KeyValuePairs<String, JSONValue?> = [:]) {
        guard case .object(var event) = JSONValue.members(members) else { return }
        event["type"] = .string(kind)
        event["chat_id"] = .int(chat)
        events.append(.object(event))
    }

    /// The chat, made when it is new, and marked as used.
    mutating func open(_ id: Int64, title: String? = nil) {
        order.removeAll { $0 == id }
        order.append(id)
        if chats[id] == nil {
            chats[id] = Chat(id: id, title: title)
            announce("chat", chat: id)
        }
        if order.count > Self.maximumChats { chats[order.removeFirst()] = nil }
    }

    // MARK: What people do

    /// Somebody writes to the bot.
    mutating func receive(_ text: String, from user: ChatUser, in chatID: Int64, now: Int64) -> (messageID: Int64, updateID: Int64?) {
        open(chatID)
        join(user, chatID)
        if chats[chatID]?.botStatus == .kicked { setMembership(.member, in: chatID, by: user, now: now) }
        let message = ChatMessage(id: chats[chatID]?.nextMessageID ?? 1, date: now, from: user, text: FormattedText(plain: text))
        chats[chatID]?.append(message)
        announce("message", chat: chatID, ["message": message.view])
        return (message.id, updates.add("message", message.json(in: chats[chatID]?.json ?? .null)))
    }

    /// Somebody presses a button of a message.
    mutating func press(_ data: String, on message: ChatMessage, by user: ChatUser, in chatID: Int64, now: Int64) -> (queryID: String, updateID: Int64?) {
        nextQueryID += 1
        let id = String(nextQueryID)
        queries.append(Query(id: id, chat: chatID, user: user.id, date: now))
        if queries.count > Self.maximumQueries { queries.removeFirst() }
        let update = updates.add(
            "callback_query",
            [
                "id": .string(id), "from": user.json, "chat_instance": .string(String(chatID.magnitude, radix: 36)),
                "message": message.json(in: chats[chatID]?.json ?? .null), "data": .string(data),
            ])
        return (id, update)
    }

    /// Somebody blocks the bot, throws it out, or takes it back.
    mutating func setMembership(_ status: Chat.BotStatus, in chatID: Int64, by user: ChatUser, now: Int64) {
        open(chatID)
        join(user, chatID)
        let old = chats[chatID]?.botStatus ?? .member
        chats[chatID]?.botStatus = status
        _ = updates.add(
            "my_chat_member",
            [
                "chat": chats[chatID]?.json ?? .null, "from": user.json, "date": .int(now),
                "old_chat_member": ["user": bot.json, "status": .string(old.rawValue)],
                "new_chat_member": ["user": bot.json, "status": .string(status.rawValue)],
            ])
        announce("membership", chat: chatID, ["status": .string(status.rawValue)])
    }

    mutating func join(_ user: ChatUser, _ chatID: Int64) {
        open(chatID)
        if chats[chatID]?.members.contains(user) == true { return }
        chats[chatID]?.join(user)
        announce("user", chat: chatID, ["user": user.json])
    }

    /// Whoever acts in a chat: the named one, or who was there already, or somebody new.
    func actor(_ value: JSONValue?, in chatID: Int64) -> ChatUser {
        let members = chats[chatID]?.members ?? []
        if let name = value?.string, let known = members.first(where: { $0.firstName == name || $0.username == name }) { return known }
        let id = chatID > 0 ? chatID : Self.identifier(of: value, among: members)
        if let value, var user = ChatUser(value, id: id) {
            if value["language_code"] == nil, let known = members.first(where: { $0.id == user.id }) { user.languageCode = known.languageCode }
            return user
        }
        return members.first ?? ChatUser(id: id, firstName: "User \(id)", languageCode: "en")
    }

    /// In a group a person has an id of their own, the same for the same name.
    private static func identifier(of value: JSONValue?, among members: [ChatUser]) -> Int64 {
        if let id = value?["id"]?.integer { return id }
        let name = value?.string ?? value?["first_name"]?.string ?? "User"
        return 1_000_000 + name.utf8.reduce(Int64(0)) { ($0 * 31 + Int64($1)) % 1_000_000_007 }
    }

    // MARK: What the pages and tests see

    func view(of chatID: Int64) -> JSONValue? {
        guard let chat = chats[chatID] else { return nil }
        return [
            "chat_id": .int(chatID), "chat": chat.json, "users": .array(chat.members.map(\.json)), "bot_status": .string(chat.botStatus.rawValue),
            "messages": .array(chat.messages.map(\.view)), "answers": .array(chat.answers),
        ]
    }

    func overview() -> JSONValue {
        let newestFirst = order.reversed().compactMap { chats[$0] }
        return [
            "bot": bot.json,
            "commands": .object(commands),
            "chats": .array(
                newestFirst.map { chat in
                    [
                        "chat_id": .int(chat.id), "chat": chat.json, "users": .array(chat.members.map(\.json)), "bot_status": .string(chat.botStatus.rawValue),
                        "last": chat.messages.last?.view ?? .null,
                    ]
                }),
        ]
    }
}
