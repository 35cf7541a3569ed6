/// A person in a chat. `chatID` is Telegram's chat id.
public struct User: Sendable, Hashable, Codable {
    public var id: Int64
    public var chatID: Int64
    public var name: String
    public var language: Language
    /// The chat cannot be written to (the bot was blocked); its watches rest.
    public var isBlocked: Bool

    public init(id: Int64, chatID: Int64, name: String, language: Language, isBlocked: Bool = false) {
        self.id = id
        self.chatID = chatID
        self.name = name
        self.language = language
        self.isBlocked = isBlocked
    }

    enum CodingKeys: String, CodingKey {
        case id, name, language
        case chatID = "chat_id"
        case isBlocked = "is_blocked"
    }
}

/// The languages users read.
public enum Language: String, Sendable, Hashable, Codable, CaseIterable {
    case english = "en"
    case russian = "ru"

    /// The language of a Telegram `language_code` such as `ru` or `en-US`; English for anything else.
    public init(telegramCode: String?) {
        self = (telegramCode ?? "").lowercased().hasPrefix("ru") ? .russian : .english
    }
}

/// A product that somebody follows; one row per canonical link, however many users follow it.
public struct Product: Sendable, Hashable, Codable {
    public var id: Int64
    public var canonicalURL: String
    public var name: String
    /// The last known price: a failed check never changes it.
    public var price: Money
    public var availability: Availability
    public var imageURL: String?
    /// How many checks in a row have failed.
    public var failures: Int
    /// Why the last check failed, if it did.
    public var lastFailure: ParseFailure?

    public init(
        id: Int64, canonicalURL: String, name: String, price: Money, availability: Availability, imageURL: String?, failures: Int = 0,
        lastFailure: ParseFailure? = nil
    ) {
        self.id = id
        self.canonicalURL = canonicalURL
        self.name = name
        self.price = price
        self.availability = availability
        self.imageURL = imageURL
        self.failures = failures
        self.lastFailure = lastFailure
    }

    enum CodingKeys: String, CodingKey {
        case id, name, price, availability, failures
        case canonicalURL = "canonical_url"
        case imageURL = "image_url"
        case lastFailure = "last_failure"
    }
}

/// One user following one product.
public struct Watch: Sendable, Hashable, Codable {
    public var id: Int64
    public var userID: Int64
    public var product: Product

    public init(id: Int64, userID: Int64, product: Product) {
        self.id = id
        self.userID = userID
        self.product = product
    }

    enum CodingKeys: String, CodingKey {
        case id, product
        case userID = "user_id"
    }
}

/// One price in a product's history; appended only when the price differs from the one before.
public struct PricePoint: Sendable, Hashable, Codable {
    public var price: Money
    public var availability: Availability
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var seenAt: Int64

    public init(price: Money, availability: Availability, seenAt: Int64) {
        self.price = price
        self.availability = availability
        self.seenAt = seenAt
    }

    enum CodingKeys: String, CodingKey {
        case price, availability
        case seenAt = "seen_at"
    }
}

/// A price that changed between two checks.
public struct PriceChange: Sendable, Hashable, Codable {
    public var productID: Int64
    public var name: String
    public var link: String
    public var old: Money
    public var new: Money

    public init(productID: Int64, name: String, link: String, old: Money, new: Money) {
        self.productID = productID
        self.name = name
        self.link = link
        self.old = old
        self.new = new
    }

    enum CodingKeys: String, CodingKey {
        case name, link, old, new
        case productID = "product_id"
    }
}

/// One message that one user is to get: a row of the outbox, written in the transaction that saw the change.
public struct Notification: Sendable, Hashable, Codable {
    /// The outbox row; the job that sends it has the id `notify-<outboxID>`.
    public var outboxID: Int64
    public var chatID: Int64
    public var language: Language
    public var watchID: Int64
    public var change: PriceChange

    public init(outboxID: Int64, chatID: Int64, language: Language, watchID: Int64, change: PriceChange) {
        self.outboxID = outboxID
        self.chatID = chatID
        self.language = language
        self.watchID = watchID
        self.change = change
    }

    enum CodingKeys: String, CodingKey {
        case language, change
        case outboxID = "outbox_id"
        case chatID = "chat_id"
        case watchID = "watch_id"
    }
}
