import Foundation

/// The bot itself: who it is, its commands, how updates come, and what it may know of chats.
extension TelegramBot {
    private struct Nothing: Encodable, Sendable {}

    /// Who the bot is; the usual way to try the token.
    public func getMe() async throws -> TelegramUser { try await call("getMe", Nothing()) }

    /// The next updates; those below `offset` are confirmed and never come again.
    /// - Parameter wait: how long Telegram waits for the first one, in whole seconds.
    public func getUpdates(offset: Int64?, limit: Int = 100, wait: Duration, allowed: [String]? = nil) async throws -> [TelegramUpdate] {
        struct Parameters: Encodable, Sendable {
            var offset: Int64?
            var limit: Int
            var timeout: Int64
            var allowed_updates: [String]?
        }
        let parameters = Parameters(offset: offset, limit: limit, timeout: wait.components.seconds, allowed_updates: allowed)
        return try await call("getUpdates", parameters, timeout: wait + .seconds(15))
    }

    /// Has updates come to a URL.
    public func setWebhook(url: String, secretToken: String, allowed: [String]? = nil, dropPending: Bool = false) async throws {
        struct Parameters: Encodable, Sendable {
            var url: String
            var secret_token: String
            var allowed_updates: [String]?
            var drop_pending_updates: Bool
        }
        let _: Bool = try await call(
            "setWebhook", Parameters(url: url, secret_token: secretToken, allowed_updates: allowed, drop_pending_updates: dropPending))
    }

    /// Goes back to polling.
    public func deleteWebhook(dropPending: Bool = false) async throws {
        struct Parameters: Encodable, Sendable { var drop_pending_updates: Bool }
        let _: Ignored = try await call("deleteWebhook", Parameters(drop_pending_updates: dropPending))
    }

    /// The webhook as Telegram sees it.
    public func getWebhookInfo() async throws -> TelegramWebhookInfo { try await call("getWebhookInfo", Nothing()) }

    private struct CommandParameters: Encodable, Sendable {
        var commands: [TelegramCommand]?
        var language_code: String?
    }

    /// Sets the commands that apps offer.
    /// - Parameter language: two letters; `nil` for all languages without a list of their own.
    public func setMyCommands(_ commands: [TelegramCommand], language: String? = nil) async throws {
        let _: Ignored = try await call("setMyCommands", CommandParameters(commands: commands, language_code: language))
    }

    /// The commands that apps offer.
    public func getMyCommands(language: String? = nil) async throws -> [TelegramCommand] {
        try await call("getMyCommands", CommandParameters(language_code: language))
    }

    private struct ChatParameters: Encodable, Sendable {
        var chat_id: Int64
        var user_id: Int64?
    }

    /// What is known of a chat.
    public func getChat(_ chat: Int64) async throws -> TelegramChat { try await call("getChat", ChatParameters(chat_id: chat)) }

    /// Somebody's place in a chat.
    public func getChatMember(chat: Int64, user: Int64) async throws -> TelegramChatMember {
        try await call("getChatMember", ChatParameters(chat_id: chat, user_id: user))
    }

    /// A value as the JSON text that forms carry.
    func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
}
