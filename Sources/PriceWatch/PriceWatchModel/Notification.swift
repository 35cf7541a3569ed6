/// One message that one user is to get: a row of the outbox, written in the transaction that saw what it tells.
public struct Notification: Sendable, Hashable {
    /// The outbox row; the job that sends it has an id of the row's number and its random key.
    public var outboxID: Int64
    public var chatID: Int64
    public var language: Language
    /// What it tells.
    public var content: Content
    /// When the user's next quiet hours begin, in seconds since 1970: from then on it is not sent but rests. `nil`: there are none.
    public var notAfter: Int64?

    /// Makes a notification.
    public init(outboxID: Int64, chatID: Int64, language: Language, content: Content) {
        self.outboxID = outboxID
        self.chatID = chatID
        self.language = language
        self.content = content
    }

    /// Makes the notification of a changed price.
    public init(outboxID: Int64, chatID: Int64, language: Language, watchID: Int64, change: PriceChange) {
        self.init(outboxID: outboxID, chatID: chatID, language: language, content: .priceChange(watchID: watchID, change))
    }

    /// What a notification may tell.
    public enum Content: Sendable, Hashable {
        /// A price changed.
        case priceChange(watchID: Int64, PriceChange)
        /// A link has stopped working; told once, and checked further.
        case linkFailed(LinkState, ParseFailure)
        /// A link does not work and is not checked any more, until somebody asks for it.
        case linkPaused(LinkState, ParseFailure)
        /// A link that was told of works again.
        case linkRecovered(LinkState)
        /// What became of all that the user follows.
        case digest(Digest)

        /// The name of the case, in the database and on the wire.
        public var kind: NotificationKind {
            switch self {
            case .priceChange: .priceChange
            case .linkFailed: .linkFailed
            case .linkPaused: .linkPaused
            case .linkRecovered: .linkRecovered
            case .digest: .digest
            }
        }
    }
}

/// The kinds of notification.
public enum NotificationKind: String, Sendable, Hashable, Codable, CaseIterable {
    case priceChange = "price_change"
    case linkFailed = "link_failed"
    case linkPaused = "link_paused"
    case linkRecovered = "link_recovered"
    case digest
}

/// A followed link as a notification names it.
public struct LinkState: Sendable, Hashable, Codable {
    public var watchID: Int64
    public var productID: Int64
    public var name: String
    public var link: String
    /// The last known price.
    public var price: Money

    public init(watchID: Int64, productID: Int64, name: String, link: String, price: Money) {
        self.watchID = watchID
        self.productID = productID
        self.name = name
        self.link = link
        self.price = price
    }

    enum CodingKeys: String, CodingKey {
        case name, link, price
        case watchID = "watch_id"
        case productID = "product_id"
    }
}

/// What became of all that a user follows since the digest before.
public struct Digest: Sendable, Hashable, Codable {
    /// How many products the user follows.
    public var following: Int
    /// How many prices are others than before.
    public var changed: Int
    /// How many links do not work.
    public var failing: Int
    /// The products worth a line: changed ones first, then those that do not work; at most ``longest``.
    public var lines: [Line]

    /// The most lines of a digest.
    public static let longest = 20

    public init(following: Int, changed: Int, failing: Int, lines: [Line]) {
        self.following = following
        self.changed = changed
        self.failing = failing
        self.lines = lines
    }

    /// One product.
    public struct Line: Sendable, Hashable, Codable {
        public var name: String
        public var link: String
        /// The price at the digest before.
        public var old: Money
        /// The price now.
        public var new: Money
        /// Why the link does not work, if it does not.
        public var failure: ParseFailure?

        public init(name: String, link: String, old: Money, new: Money, failure: ParseFailure? = nil) {
            self.name = name
            self.link = link
            self.old = old
            self.new = new
            self.failure = failure
        }
    }
}

extension Notification: Codable {
    private enum CodingKeys: String, CodingKey {
        case language, kind, change, state, failure, digest
        case outboxID = "outbox_id"
        case chatID = "chat_id"
        case watchID = "watch_id"
        case notAfter = "not_after"
    }

    /// A message without a kind is of a program that knew only changes of prices.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        outboxID = try container.decode(Int64.self, forKey: .outboxID)
        chatID = try container.decode(Int64.self, forKey: .chatID)
        language = try container.decode(Language.self, forKey: .language)
        notAfter = try container.decodeIfPresent(Int64.self, forKey: .notAfter)
        switch try container.decodeIfPresent(NotificationKind.self, forKey: .kind) ?? .priceChange {
        case .priceChange:
            content = .priceChange(
                watchID: try container.decode(Int64.self, forKey: .watchID), try container.decode(PriceChange.self, forKey: .change))
        case .linkFailed:
            content = .linkFailed(
                try container.decode(LinkState.self, forKey: .state), try container.decode(ParseFailure.self, forKey: .failure))
        case .linkPaused:
            content = .linkPaused(
                try container.decode(LinkState.self, forKey: .state), try container.decode(ParseFailure.self, forKey: .failure))
        case .linkRecovered: content = .linkRecovered(try container.decode(LinkState.self, forKey: .state))
        case .digest: content = .digest(try container.decode(Digest.self, forKey: .digest))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(outboxID, forKey: .outboxID)
        try container.encode(chatID, forKey: .chatID)
        try container.encode(language, forKey: .language)
        try container.encode(content.kind, forKey: .kind)
        try container.encodeIfPresent(notAfter, forKey: .notAfter)
        switch content {
        case .priceChange(let watchID, let change):
            try container.encode(watchID, forKey: .watchID)
            try container.encode(change, forKey: .change)
        case .linkFailed(let state, let failure), .linkPaused(let state, let failure):
            try container.encode(state, forKey: .state)
            try container.encode(failure, forKey: .failure)
        case .linkRecovered(let state): try container.encode(state, forKey: .state)
        case .digest(let digest): try container.encode(digest, forKey: .digest)
        }
    }
}
