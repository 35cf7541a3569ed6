/// One question of the bot to the API over `/ws`: a text frame of JSON, answered by exactly one ``ChatReply`` with the same id.
///
/// ```json
/// {"id":"r1","action":"add_product","chat_id":77,"user_name":"Ann","language":"ru","link":"https://shop.example/p/1"}
/// ```
public struct ChatRequest: Sendable, Hashable {
    /// Chosen by the asker, unique among the requests it has outstanding on this connection; 1 to 64 bytes.
    public var id: String
    /// The chat that asks: only its data is answered.
    public var chatID: Int64
    /// The user's name as the chat shows it, for the admin.
    public var userName: String?
    /// The user's language as Telegram tells it; it is the language of a new user, and changes nothing for others.
    /// In ``ChatAction/setLanguage(_:)`` the same field carries the language to set.
    public var language: Language?
    /// What the question comes from, such as an update of Telegram's with its part: a change that is asked for again under the same key, within an
    /// hour, is made once, and answered as the first time. 1 to 64 bytes; `nil`: asked for anew each time.
    public var key: String?
    /// What is asked for.
    public var action: ChatAction

    /// Makes a request.
    public init(id: String, chatID: Int64, userName: String? = nil, language: Language? = nil, key: String? = nil, action: ChatAction) {
        self.id = id
        self.key = key
        self.chatID = chatID
        self.userName = userName
        self.language = language
        self.action = action
    }
}

/// What the bot may ask for, with its fields.
public enum ChatAction: Sendable, Hashable {
    /// Follow the product behind a link; answers the outcome of the job `pricewatch.add_product`.
    case addProduct(link: String)
    /// All that the chat follows; answers ``ChatResult/Watches``.
    case listWatches
    /// Stop following; answers ``ChatResult/Removed``.
    case removeWatch(watchID: Int64)
    /// The newest prices of a followed product; answers ``ChatResult/History``.
    case history(watchID: Int64, limit: Int)
    /// Set the chat's language; answers ``ChatResult/Nothing``.
    case setLanguage(Language)
    /// What is known of the chat's user; answers ``ChatResult/Person``.
    case getUser
    /// The chat cannot be written to (or can be again); answers ``ChatResult/Nothing``.
    case chatBlocked(Bool)
    /// The group has become a supergroup, whose chat has this id; answers ``ChatResult/Nothing``.
    case chatMoved(to: Int64)
    /// The user's settings; answers ``ChatResult/Settings``.
    case getSettings
    /// Change the user's settings; answers the outcome of the job `pricewatch.change_settings`.
    case changeSettings(PreferencesChange)
    /// Set how often one product is checked for this user, in seconds; `nil`: as all of theirs. Answers the outcome of the job
    /// `pricewatch.set_interval`.
    case setInterval(watchID: Int64, seconds: Int?)
    /// Read a product's page now, also when it is paused; answers the outcome of the job `pricewatch.retry_watch`.
    case retryWatch(watchID: Int64)

    /// The action's name on the wire.
    public var name: ChatActionName {
        switch self {
        case .addProduct: .addProduct
        case .listWatches: .listWatches
        case .removeWatch: .removeWatch
        case .history: .history
        case .setLanguage: .setLanguage
        case .getUser: .getUser
        case .chatBlocked: .chatBlocked
        case .chatMoved: .chatMoved
        case .getSettings: .getSettings
        case .changeSettings: .changeSettings
        case .setInterval: .setInterval
        case .retryWatch: .retryWatch
        }
    }
}

/// The actions' names on the wire.
public enum ChatActionName: String, Sendable, Hashable, Codable, CaseIterable {
    case addProduct = "add_product"
    case listWatches = "list_watches"
    case removeWatch = "remove_watch"
    case history
    case setLanguage = "set_language"
    case getUser = "get_user"
    case chatBlocked = "chat_blocked"
    case chatMoved = "chat_moved"
    case getSettings = "get_settings"
    case changeSettings = "change_settings"
    case setInterval = "set_interval"
    case retryWatch = "retry_watch"
}

/// The results of the actions that answer no job's output.
public enum ChatResult {
    /// What a chat follows.
    public struct Watches: Sendable, Hashable, Codable {
        /// In the order in which they were added.
        public var watches: [Watch]
        /// Makes the result.
        public init(watches: [Watch]) { self.watches = watches }
    }

    /// Whether there was such a watch of this chat.
    public struct Removed: Sendable, Hashable, Codable {
        /// False: no such watch of this chat.
        public var removed: Bool
        /// Makes the result.
        public init(removed: Bool) { self.removed = removed }
    }

    /// A product and its prices.
    public struct History: Sendable, Hashable, Codable {
        /// The product.
        public var product: Product
        /// Newest first.
        public var points: [PricePoint]
        /// Makes the result.
        public init(product: Product, points: [PricePoint]) {
            self.product = product
            self.points = points
        }
    }

    /// What is known of a chat's user.
    public struct Person: Sendable, Hashable, Codable {
        /// The language the user chose or began with; `nil` for a chat that is not known yet.
        public var language: Language?
        /// Makes the result.
        public init(language: Language?) { self.language = language }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(language, forKey: .language)
        }
    }

    /// What a user has chosen, and between what they may choose.
    public struct Settings: Sendable, Hashable, Codable {
        /// What the user has chosen.
        public var preferences: UserPreferences
        /// The intervals that are allowed.
        public var intervals: CheckIntervals
        /// Makes the result.
        public init(preferences: UserPreferences, intervals: CheckIntervals) {
            self.preferences = preferences
            self.intervals = intervals
        }
    }

    /// An empty object.
    public struct Nothing: Sendable, Hashable, Codable {
        /// Makes the result.
        public init() {}
    }
}

/// The answer to one ``ChatRequest``: its result, or why there is none.
public struct ChatReply<Value: Sendable>: Sendable {
    /// The request's id; empty when the request was too damaged to have one.
    public var id: String
    /// The result, or the fault.
    public var result: Result<Value, ChatFault>

    /// Makes a reply.
    public init(id: String, result: Result<Value, ChatFault>) {
        self.id = id
        self.result = result
    }
}

/// Only the id of a reply: enough to find who waits for it, before its result's type is known.
public struct ChatReplyID: Sendable, Hashable, Codable {
    /// The request's id.
    public var id: String
}

/// Why a request got no result.
public struct ChatFault: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    /// What kind of fault it is.
    public var code: Code
    /// In English, for logs; the bot has its own words for users.
    public var message: String

    /// Makes a fault.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }

    /// The kinds of fault. New ones may come: a reader treats an unknown one as ``unavailable``.
    public struct Code: RawRepresentable, Sendable, Hashable, Codable {
        /// The code on the wire.
        public var rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The frame is no request, or a field is missing or out of bounds.
        public static let badRequest = Code(rawValue: "bad_request")
        /// There is no such action.
        public static let unknownAction = Code(rawValue: "unknown_action")
        /// There is no such thing, or it is another chat's.
        public static let notFound = Code(rawValue: "not_found")
        /// The job has not ended in time; it may still end.
        public static let timedOut = Code(rawValue: "timed_out")
        /// Too many requests are outstanding on this connection.
        public static let busy = Code(rawValue: "busy")
        /// A part behind the API cannot be reached, or a job failed.
        public static let unavailable = Code(rawValue: "unavailable")
    }
}
