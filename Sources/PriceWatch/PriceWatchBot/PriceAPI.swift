import PriceWatchJobs
import PriceWatchModel

/// Who asks: every request carries the chat, and the API answers with that chat's data alone.
public struct Asker: Sendable, Hashable {
    /// Telegram's chat id.
    public var chatID: Int64
    /// The name as the chat shows it.
    public var name: String
    /// The language of the user's app, for a user that is new.
    public var language: Language
    /// What the question comes from: a change is made once for one key. See ``ChatRequest/key``.
    public var key: String?

    /// Makes an asker.
    public init(chatID: Int64, name: String, language: Language, key: String? = nil) {
        self.chatID = chatID
        self.key = key
        self.name = name
        self.language = language
    }
}

/// All that the bot knows of products and prices: questions to the API. Throws ``ChatFault`` only, besides `CancellationError`.
public protocol PriceAPI: Sendable {
    /// Has the chat follow the product behind a link.
    func addProduct(_ asker: Asker, link: String) async throws -> AddProduct.Outcome
    /// What the chat follows, in the order of adding.
    func watches(_ asker: Asker) async throws -> [Watch]
    /// Stops following; false when the chat has no such watch.
    func removeWatch(_ asker: Asker, watchID: Int64) async throws -> Bool
    /// A followed product and its newest prices.
    func history(_ asker: Asker, watchID: Int64, limit: Int) async throws -> ChatResult.History
    /// Sets the chat's language.
    func setLanguage(_ asker: Asker, _ language: Language) async throws
    /// The language that the chat chose; `nil` when it is not known.
    func language(of asker: Asker) async throws -> Language?
    /// What the chat has chosen, and between what it may choose.
    func settings(_ asker: Asker) async throws -> ChatResult.Settings
    /// Changes what the chat has chosen.
    func changeSettings(_ asker: Asker, _ change: PreferencesChange) async throws -> ChangeSettings.Outcome
    /// Sets how often one product is checked for the chat, in seconds; `nil`: as all of its products.
    func setInterval(_ asker: Asker, watchID: Int64, seconds: Int?) async throws -> SetInterval.Outcome
    /// Has a product's page read now.
    func retryWatch(_ asker: Asker, watchID: Int64) async throws -> RetryWatch.Outcome
    /// The chat cannot be written to, or can be again: its watches rest meanwhile.
    func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws
    /// The group has become a supergroup, whose chat has another id: what it follows is the new chat's.
    func moveChat(_ chatID: Int64, to new: Int64) async throws
}
