/// An error answer of the Bot API: `{"ok":false,"error_code":…,"description":…,"parameters":…}` with the same HTTP status.
struct BotAPIError: Error, Equatable {
    var status: Int
    /// Worded as Telegram words it; clients compare it.
    var description: String
    /// `retry_after` in seconds with 429; `migrate_to_chat_id` with 400.
    var parameters: JSONValue?
    /// The bot broke one of Telegram's rules, as against a state of the chat that it could not know (blocked, not modified, a fault on demand).
    var isBreach = false

    /// A broken rule of the Bot API, answered with 400.
    static func breach(_ description: String) -> BotAPIError {
        BotAPIError(status: 400, description: "Bad Request: \(description)", isBreach: true)
    }

    /// A refusal that a correct bot may meet too.
    static func refused(_ description: String) -> BotAPIError {
        BotAPIError(status: 400, description: "Bad Request: \(description)")
    }

    static let unauthorized = BotAPIError(status: 401, description: "Unauthorized")
    static let unknownMethod = BotAPIError(status: 404, description: "Not Found", isBreach: true)
    static let blocked = BotAPIError(status: 403, description: "Forbidden: bot was blocked by the user")
    static let kicked = BotAPIError(status: 403, description: "Forbidden: bot was kicked from the group chat")
    static let otherPoller = BotAPIError(
        status: 409, description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
    static let webhookActive = BotAPIError(
        status: 409, description: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")

    var json: JSONValue {
        .members([
            "ok": false, "error_code": .int(Int64(status)), "description": .string(description),
            "parameters": parameters,
        ])
    }
}
