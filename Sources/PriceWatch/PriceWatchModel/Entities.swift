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
    /// Seconds between two checks: the shortest that a follower wants.
    public var checkInterval: Int
    /// When it is checked next, in microseconds since 1970-01-01T00:00:00Z; `nil` while it is paused.
    public var nextCheckAt: Int64?
    /// Whether it is not checked any more because its link does not work.
    public var isPaused: Bool

    public init(
        id: Int64, canonicalURL: String, name: String, price: Money, availability: Availability, imageURL: String?, failures: Int = 0,
        lastFailure: ParseFailure? = nil, checkInterval: Int = 3_600, nextCheckAt: Int64? = nil, isPaused: Bool = false
    ) {
        self.id = id
        self.canonicalURL = canonicalURL
        self.name = name
        self.price = price
        self.availability = availability
        self.imageURL = imageURL
        self.failures = failures
        self.lastFailure = lastFailure
        self.checkInterval = checkInterval
        self.nextCheckAt = nextCheckAt
        self.isPaused = isPaused
    }

    enum CodingKeys: String, CodingKey {
        case id, name, price, availability, failures
        case canonicalURL = "canonical_url"
        case imageURL = "image_url"
        case lastFailure = "last_failure"
        case checkInterval = "check_interval"
        case nextCheckAt = "next_check_at"
        case isPaused = "is_paused"
    }
}

/// One user following one product.
public struct Watch: Sendable, Hashable, Codable {
    public var id: Int64
    public var userID: Int64
    public var product: Product
    /// Seconds between two checks that the user wants for this product; `nil`: as for all of theirs.
    public var checkInterval: Int?

    public init(id: Int64, userID: Int64, product: Product, checkInterval: Int? = nil) {
        self.id = id
        self.userID = userID
        self.product = product
        self.checkInterval = checkInterval
    }

    enum CodingKeys: String, CodingKey {
        case id, product
        case userID = "user_id"
        case checkInterval = "check_interval"
    }
}

/// One price in a product's history; appended only when the price differs from the one before. What is older than the days that a
/// deployment keeps is one point per day and currency: the day's last price, with the lowest and the highest.
public struct PricePoint: Sendable, Hashable, Codable {
    public var price: Money
    public var availability: Availability
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var seenAt: Int64
    /// The lowest and the highest price of the day, if this point stands for a whole day.
    public var range: Range?

    public init(price: Money, availability: Availability, seenAt: Int64, range: Range? = nil) {
        self.price = price
        self.availability = availability
        self.seenAt = seenAt
        self.range = range
    }

    /// The lowest and the highest price of a day, in minor units of the point's currency.
    public struct Range: Sendable, Hashable, Codable {
        public var low: Int64
        public var high: Int64

        public init(low: Int64, high: Int64) {
            self.low = low
            self.high = high
        }
    }

    enum CodingKeys: String, CodingKey {
        case price, availability, range
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
