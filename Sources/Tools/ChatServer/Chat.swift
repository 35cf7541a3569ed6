/// One conversation.
struct Chat: Sendable, Codable {
    enum BotStatus: String, Sendable, Codable { case member, administrator, kicked, left }

    var id: Int64
    var title: String?
    var members: [ChatUser] = []
    var messages: [ChatMessage] = []
    var nextMessageID: Int64 = 1
    var botStatus = BotStatus.member
    /// What the bot told people who pressed its buttons, newest last.
    var answers: [JSONValue] = []

    static let maximumMessages = 500
    static let maximumAnswers = 50

    var isPrivate: Bool { id > 0 }

    init(id: Int64, title: String? = nil) {
        self.id = id
        self.title = title
    }

    var json: JSONValue {
        guard isPrivate else {
            return .members(["id": .int(id), "type": id <= -1_000_000_000_000 ? "supergroup" : "group", "title": .string(title ?? "Group \(id)")])
        }
        let user = members.first
        return .members([
            "id": .int(id), "type": "private", "first_name": .string(user?.firstName ?? "User \(id)"), "last_name": user?.lastName.map { .string($0) },
            "username": user?.username.map { .string($0) },
        ])
    }

    mutating func append(_ message: ChatMessage) {
        messages.append(message)
        nextMessageID = max(nextMessageID, message.id + 1)
        if messages.count > Self.maximumMessages { messages.removeFirst() }
    }

    func index(of messageID: Int64) -> Int? { messages.lastIndex { $0.id == messageID } }

    mutating func join(_ user: ChatUser) {
        if let known = members.firstIndex(where: { $0.id == user.id }) { members[known] = user } else { members.append(user) }
    }

    /// The newest message that has a button with this text or callback data.
    func newest(button name: String) -> (message: ChatMessage, button: JSONValue)? {
        for message in messages.reversed() {
            if let button = message.keyboard?.buttons.first(where: { $0["text"]?.string == name || $0["callback_data"]?.string == name }) {
                return (message, button)
            }
        }
        return nil
    }
}
