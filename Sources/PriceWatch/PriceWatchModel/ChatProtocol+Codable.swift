extension ChatRequest: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, action, link, limit, language, blocked, change, seconds, key
        case newChatID = "new_chat_id"
        case chatID = "chat_id"
        case userName = "user_name"
        case watchID = "watch_id"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        chatID = try container.decode(Int64.self, forKey: .chatID)
        userName = try container.decodeIfPresent(String.self, forKey: .userName)
        language = try container.decodeIfPresent(Language.self, forKey: .language)
        key = try container.decodeIfPresent(String.self, forKey: .key)
        switch try container.decode(ChatActionName.self, forKey: .action) {
        case .addProduct: action = .addProduct(link: try container.decode(String.self, forKey: .link))
        case .listWatches: action = .listWatches
        case .removeWatch: action = .removeWatch(watchID: try container.decode(Int64.self, forKey: .watchID))
        case .history:
            action = .history(watchID: try container.decode(Int64.self, forKey: .watchID), limit: try container.decode(Int.self, forKey: .limit))
        case .setLanguage: action = .setLanguage(try container.decode(Language.self, forKey: .language))
        case .getUser: action = .getUser
        case .chatBlocked: action = .chatBlocked(try container.decode(Bool.self, forKey: .blocked))
        case .chatMoved: action = .chatMoved(to: try container.decode(Int64.self, forKey: .newChatID))
        case .getSettings: action = .getSettings
        case .changeSettings: action = .changeSettings(try container.decode(PreferencesChange.self, forKey: .change))
        case .setInterval:
            let watchID = try container.decode(Int64.self, forKey: .watchID)
            action = .setInterval(watchID: watchID, seconds: try container.decodeIfPresent(Int.self, forKey: .seconds))
        case .retryWatch: action = .retryWatch(watchID: try container.decode(Int64.self, forKey: .watchID))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(action.name, forKey: .action)
        try container.encode(chatID, forKey: .chatID)
        try container.encodeIfPresent(userName, forKey: .userName)
        try container.encodeIfPresent(language, forKey: .language)
        try container.encodeIfPresent(key, forKey: .key)
        switch action {
        case .addProduct(let link): try container.encode(link, forKey: .link)
        case .removeWatch(let watchID), .retryWatch(let watchID): try container.encode(watchID, forKey: .watchID)
        case .history(let watchID, let limit):
            try container.encode(watchID, forKey: .watchID)
            try container.encode(limit, forKey: .limit)
        case .setLanguage(let language): try container.encode(language, forKey: .language)
        case .chatBlocked(let isBlocked): try container.encode(isBlocked, forKey: .blocked)
        case .chatMoved(let new): try container.encode(new, forKey: .newChatID)
        case .changeSettings(let change): try container.encode(change, forKey: .change)
        case .setInterval(let watchID, let seconds):
            try container.encode(watchID, forKey: .watchID)
            try container.encodeIfPresent(seconds, forKey: .seconds)
        case .listWatches, .getUser, .getSettings: break
        }
    }
}

/// The keys of a reply; outside the generic type so that there is one.
private enum ReplyKeys: String, CodingKey {
    case id, ok, result, error
}

extension ChatReply: Encodable where Value: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ReplyKeys.self)
        try container.encode(id, forKey: .id)
        switch result {
        case .success(let value):
            try container.encode(true, forKey: .ok)
            try container.encode(value, forKey: .result)
        case .failure(let fault):
            try container.encode(false, forKey: .ok)
            try container.encode(fault, forKey: .error)
        }
    }
}

extension ChatReply: Decodable where Value: Decodable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: ReplyKeys.self)
        id = try container.decode(String.self, forKey: .id)
        if try container.decode(Bool.self, forKey: .ok) {
            result = .success(try container.decode(Value.self, forKey: .result))
        } else {
            result = .failure(try container.decode(ChatFault.self, forKey: .error))
        }
    }
}
