import ApiumCore
import PriceWatchModel

/// Reads the page behind a user's link and has the user follow it.
public struct AddProduct: DependentJob {
    public static let name = "pricewatch.add_product"
    public static let options = JobOptions(queue: Queues.interactive, timeLimit: .seconds(60))
    public static let parameters = ["chat_id", "link"]

    /// Telegram's chat id.
    public var chatID: Int64
    /// The link as the user sent it.
    public var link: String
    /// The user's name, for the admin.
    public var userName: String
    /// The language to begin with; an existing user keeps their own.
    public var language: Language?

    /// Makes the job.
    public init(chatID: Int64, link: String, userName: String = "", language: Language? = nil) {
        self.chatID = chatID
        self.link = link
        self.userName = userName
        self.language = language
    }

    /// What became of the link.
    public enum Outcome: Sendable, Hashable {
        /// The user follows it now, or did already (`isNew` false).
        case added(AddedWatch)
        /// The page gave no price.
        case unreadable(ParseFailure)
        /// The user follows as many products as allowed.
        case tooMany(limit: Int)
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Outcome {
        do {
            let page = try await services.read(link)
            let added = try await services.store.addWatch(
                chatID: chatID, userName: userName, language: language, page: page, limit: services.rules.watchesPerUser)
            return .added(added)
        } catch let trouble as PageTrouble {
            return .unreadable(trouble.failure)
        } catch StoreRefusal.tooManyWatches(let limit) {
            return .tooMany(limit: limit)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        chatID = try container.decode(Int64.self, forKey: .chatID)
        link = try container.decode(String.self, forKey: .link)
        userName = try container.decodeIfPresent(String.self, forKey: .userName) ?? ""
        language = try container.decodeIfPresent(Language.self, forKey: .language)
    }

    enum CodingKeys: String, CodingKey {
        case chatID = "chat_id"
        case link
        case userName = "user_name"
        case language
    }
}

extension AddProduct.Outcome: Codable {
    private enum CodingKeys: String, CodingKey {
        case outcome, watch, isNew = "is_new", failure, limit
    }

    private enum Kind: String, Codable {
        case added, unreadable, tooMany = "too_many"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .outcome) {
        case .added:
            self = .added(AddedWatch(watch: try container.decode(Watch.self, forKey: .watch), isNew: try container.decode(Bool.self, forKey: .isNew)))
        case .unreadable: self = .unreadable(try container.decode(ParseFailure.self, forKey: .failure))
        case .tooMany: self = .tooMany(limit: try container.decode(Int.self, forKey: .limit))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .added(let added):
            try container.encode(Kind.added, forKey: .outcome)
            try container.encode(added.watch, forKey: .watch)
            try container.encode(added.isNew, forKey: .isNew)
        case .unreadable(let failure):
            try container.encode(Kind.unreadable, forKey: .outcome)
            try container.encode(failure, forKey: .failure)
        case .tooMany(let limit):
            try container.encode(Kind.tooMany, forKey: .outcome)
            try container.encode(limit, forKey: .limit)
        }
    }
}
