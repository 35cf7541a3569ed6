import PriceWatchModel

/// Who asks: a token's rights, without the token.
public struct Caller: Sendable, Hashable {
    /// The token's row; 0 for the service token.
    var id: Int64
    /// The token's name, for logs.
    var name: String
    var scopes: Set<APIScope>
    /// Only this chat's data.
    var chatID: Int64?
    /// What it may enqueue.
    var allowance: JobAllowance

    /// The schedule is nobody's chat: a token of one chat has no rights there, whatever its row says.
    init(_ token: APIToken) {
        (id, name, scopes, chatID, allowance) = (token.id, token.name, token.scopes, token.chatID, token.allowance)
        if chatID != nil { scopes.remove(.schedule) }
    }

    /// The bot.
    static let service = Caller(APIToken(id: 0, name: "service", scopes: [.service], allowance: .service))

    /// Whether one of these scopes is held; `service` holds all.
    func holds(oneOf wanted: Set<APIScope>) -> Bool { scopes.contains(.service) || !scopes.isDisjoint(with: wanted) }

    /// Refuses another chat's data as if it did not exist.
    func check(chat: Int64) throws(APIError) {
        guard chatID == nil || chatID == chat else { throw APIError(.notFound, "there is no such chat", field: "chat_id") }
    }
}
