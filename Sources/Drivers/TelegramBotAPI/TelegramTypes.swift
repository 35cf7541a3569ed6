/// A person or a bot.
public struct TelegramUser: Sendable, Hashable, Codable {
    /// The id; 64 bits.
    public var id: Int64
    /// Whether it is a bot.
    public var isBot: Bool
    /// The first name, as the user wrote it.
    public var firstName: String
    /// The name after @.
    public var username: String?
    /// The language of the user's app (IETF tag).
    public var languageCode: String?

    /// Makes a user.
    public init(id: Int64, isBot: Bool = false, firstName: String, username: String? = nil, languageCode: String? = nil) {
        self.id = id
        self.isBot = isBot
        self.firstName = firstName
        self.username = username
        self.languageCode = languageCode
    }

    enum CodingKeys: String, CodingKey {
        case id, username
        case isBot = "is_bot"
        case firstName = "first_name"
        case languageCode = "language_code"
    }
}

/// A conversation.
public struct TelegramChat: Sendable, Hashable, Codable {
    /// The id: a private chat's is its user's, groups have negative ones.
    public var id: Int64
    /// `private`, `group`, `supergroup` or `channel`.
    public var type: String
    /// A group's title.
    public var title: String?

    /// Makes a chat.
    public init(id: Int64, type: String = "private", title: String? = nil) {
        self.id = id
        self.type = type
        self.title = title
    }

    /// Whether the chat is with one person.
    public var isPrivate: Bool { type == "private" }
}

/// A part of a text that means something: a link, a command. Offsets are in UTF-16 units.
public struct TelegramEntity: Sendable, Hashable, Codable {
    /// `url`, `text_link`, `bot_command` and others.
    public var type: String
    /// Where it begins, in UTF-16 units.
    public var offset: Int
    /// How long it is, in UTF-16 units.
    public var length: Int
    /// Where a `text_link` leads.
    public var url: String?

    /// Makes an entity.
    public init(type: String, offset: Int, length: Int, url: String? = nil) {
        self.type = type
        self.offset = offset
        self.length = length
        self.url = url
    }

    /// The part of the text it means; `nil` when it lies outside the text or splits a character.
    public func part(of text: String) -> String? {
        let units = text.utf16
        guard offset >= 0, length > 0, offset <= units.count, length <= units.count - offset else { return nil }
        let start = units.index(units.startIndex, offsetBy: offset)
        return String(units[start..<units.index(start, offsetBy: length)])
    }
}

/// A file kept by Telegram, in one of its sizes.
public struct TelegramFileReference: Sendable, Hashable, Codable {
    /// The id by which it can be sent again.
    public var fileID: String

    /// Makes a reference.
    public init(fileID: String) { self.fileID = fileID }

    enum CodingKeys: String, CodingKey {
        case fileID = "file_id"
    }
}

/// A message.
public struct TelegramMessage: Sendable, Hashable, Codable {
    /// Unique in its chat.
    public var messageID: Int64
    /// Who wrote it; absent in channels.
    public var from: TelegramUser?
    /// Where.
    public var chat: TelegramChat
    /// Seconds since 1970; 0 for a message that is no longer accessible.
    public var date: Int64
    /// The text.
    public var text: String?
    /// What in the text means something.
    public var entities: [TelegramEntity]?
    /// The text under a picture.
    public var caption: String?
    /// What in the caption means something.
    public var captionEntities: [TelegramEntity]?
    /// The picture in its sizes, the largest last.
    public var photo: [TelegramFileReference]?
    /// The group has become a supergroup with this id: the last message of the old chat.
    public var migrateToChatID: Int64?
    /// The supergroup was a group with this id: the first message of the new chat.
    public var migrateFromChatID: Int64?

    /// Makes a message.
    public init(messageID: Int64, from: TelegramUser? = nil, chat: TelegramChat, date: Int64 = 0, text: String? = nil, entities: [TelegramEntity]? = nil) {
        self.messageID = messageID
        self.from = from
        self.chat = chat
        self.date = date
        self.text = text
        self.entities = entities
    }

    enum CodingKeys: String, CodingKey {
        case from, chat, date, text, entities, caption, photo
        case messageID = "message_id"
        case captionEntities = "caption_entities"
        case migrateToChatID = "migrate_to_chat_id"
        case migrateFromChatID = "migrate_from_chat_id"
    }
}

/// A pressed button.
public struct TelegramCallbackQuery: Sendable, Hashable, Codable {
    /// By which it is answered.
    public var id: String
    /// Who pressed.
    public var from: TelegramUser
    /// The message with the button; absent when it is too old.
    public var message: TelegramMessage?
    /// What the button carries. It comes from a client: anything may stand here.
    public var data: String?

    /// Makes a query.
    public init(id: String, from: TelegramUser, message: TelegramMessage? = nil, data: String? = nil) {
        self.id = id
        self.from = from
        self.message = message
        self.data = data
    }
}

/// The bot's membership in a chat changed.
public struct TelegramMembershipChange: Sendable, Hashable, Codable {
    /// A membership.
    public struct Member: Sendable, Hashable, Codable {
        /// `creator`, `administrator`, `member`, `restricted`, `left` or `kicked`.
        public var status: String

        /// Makes a membership.
        public init(status: String) { self.status = status }
    }

    /// Where.
    public var chat: TelegramChat
    /// Who changed it.
    public var from: TelegramUser
    /// What the bot is now.
    public var newChatMember: Member

    /// Makes a change.
    public init(chat: TelegramChat, from: TelegramUser, newChatMember: Member) {
        self.chat = chat
        self.from = from
        self.newChatMember = newChatMember
    }

    /// The bot was blocked, or thrown out.
    public var isGone: Bool { ["left", "kicked"].contains(newChatMember.status) }

    enum CodingKeys: String, CodingKey {
        case chat, from
        case newChatMember = "new_chat_member"
    }
}

/// One thing that happened.
public struct TelegramUpdate: Sendable, Hashable, Decodable {
    /// What happened.
    public enum Content: Sendable, Hashable {
        /// Somebody wrote.
        case message(TelegramMessage)
        /// Somebody pressed a button.
        case callbackQuery(TelegramCallbackQuery)
        /// The bot was blocked, added, thrown out.
        case membership(TelegramMembershipChange)
        /// Something this type does not know, or that is not in the form it knows: skipped rather than met again for ever.
        case other
    }

    /// Grows from update to update.
    public var id: Int64
    /// What happened.
    public var content: Content

    /// Makes an update.
    public init(id: Int64, content: Content) {
        self.id = id
        self.content = content
    }

    enum CodingKeys: String, CodingKey {
        case id = "update_id"
        case message
        case callbackQuery = "callback_query"
        case membership = "my_chat_member"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Int64.self, forKey: .id)
        if let message = try? container.decode(TelegramMessage.self, forKey: .message) {
            content = .message(message)
        } else if let query = try? container.decode(TelegramCallbackQuery.self, forKey: .callbackQuery) {
            content = .callbackQuery(query)
        } else if let change = try? container.decode(TelegramMembershipChange.self, forKey: .membership) {
            content = .membership(change)
        } else {
            content = .other
        }
    }
}

/// The webhook as Telegram sees it.
public struct TelegramWebhookInfo: Sendable, Hashable, Codable {
    /// Empty: none is set.
    public var url: String
    /// Updates that wait.
    public var pendingUpdateCount: Int
    /// Why the last delivery failed.
    public var lastErrorMessage: String?

    enum CodingKeys: String, CodingKey {
        case url
        case pendingUpdateCount = "pending_update_count"
        case lastErrorMessage = "last_error_message"
    }
}

/// Somebody's place in a chat.
public struct TelegramChatMember: Sendable, Hashable, Codable {
    /// Who.
    public var user: TelegramUser
    /// `creator`, `administrator`, `member`, `restricted`, `left` or `kicked`.
    public var status: String
}
