/// An answer that a test asked for in the place of the real one.
struct Fault: Sendable, Equatable {
    /// In lower case; `*` is any method.
    var method: String
    /// `nil` is any chat.
    var chat: Int64?
    /// The HTTP status; 0 drops the connection.
    var status: Int
    var error: BotAPIError
    /// How many calls meet it.
    var times: Int
    /// The call is done first, and only its answer is lost.
    var isAfter: Bool
    /// Seconds before the answer.
    var delay: Int64

    /// - Throws: 400 when a field is missing or makes no sense.
    init(_ body: JSONValue) throws {
        guard let status = body["status"]?.integer, status == 0 || (400...599).contains(status) else {
            throw BotAPIError.breach("status must be 400 to 599, or 0 to drop the connection")
        }
        method = (body["method"]?.string ?? "*").lowercased()
        chat = body["chat_id"]?.integer
        self.status = Int(status)
        times = Int(clamping: max(body["times"]?.integer ?? 1, 0))
        isAfter = body["after"]?.boolean ?? false
        delay = min(max(body["delay"]?.integer ?? 0, 0), 120)
        let retryAfter = body["retry_after"]?.integer
        let migrate = body["migrate_to_chat_id"]?.integer
        var parameters: JSONValue?
        if let retryAfter { parameters = ["retry_after": .int(retryAfter)] }
        if let migrate { parameters = ["migrate_to_chat_id": .int(migrate)] }
        error = BotAPIError(
            status: self.status, description: body["description"]?.string ?? Self.description(self.status, retryAfter, migrate), parameters: parameters)
    }

    private static func description(_ status: Int, _ retryAfter: Int64?, _ migrate: Int64?) -> String {
        switch status {
        case 400: migrate == nil ? "Bad Request: chat not found" : "Bad Request: group chat was upgraded to a supergroup chat"
        case 401: "Unauthorized"
        case 403: "Forbidden: bot was blocked by the user"
        case 404: "Not Found"
        case 409: BotAPIError.otherPoller.description
        case 429: "Too Many Requests: retry after \(retryAfter ?? 1)"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Internal Server Error"
        }
    }
}
